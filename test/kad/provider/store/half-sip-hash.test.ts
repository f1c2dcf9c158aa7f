import t from 'tap'
import { halfSipHash, type HashKey } from '../../../../src/kad/provider/store/half-sip-hash.ts'

/** The key of the reference code's vectors: bytes 0 to 7. */
const KEY: HashKey = [0x03020100, 0x07060504]

function hashHex (length: number): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(halfSipHash(KEY, Uint8Array.from({ length }, (_, index) => index)))
  return bytes.toString('hex')
}

t.test('it gives the 32 bit vectors of the reference code', async t => {
  const vectors = ['a9359f5b', '27475ab8', 'fa62a603', '8afee704', '2a6e4689', 'c5fab669']
  t.strictSame(vectors.map((_, length) => hashHex(length)), vectors)
})

t.test('another key gives another hash', async t => {
  t.not(halfSipHash([1, 2], Buffer.from('key')), halfSipHash([1, 3], Buffer.from('key')))
})
