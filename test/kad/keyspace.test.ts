import fc from 'fast-check'
import t from 'tap'
import { commonPrefixLength, compareDistance, kadIdOf } from '../../src/kad/keyspace.ts'

const kadId = fc.uint8Array({ minLength: 32, maxLength: 32 })
const toNumber = (id: Uint8Array): bigint => BigInt(`0x${Buffer.from(id).toString('hex')}`)

t.test('a key lies at its SHA2-256', async t => {
  t.equal(Buffer.from(kadIdOf(Buffer.from('hello world'))).toString('hex'), 'b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9')
})

t.test('distance is the XOR as a number', async t => {
  fc.assert(fc.property(kadId, kadId, kadId, (a, b, target) => {
    const difference = (toNumber(a) ^ toNumber(target)) - (toNumber(b) ^ toNumber(target))
    t.equal(Math.sign(compareDistance(a, b, target)), difference === 0n ? 0 : difference < 0n ? -1 : 1)
  }))
})

t.test('an ID is as far away as itself', async t => {
  const [a, target] = [kadIdOf(Buffer.from('a')), kadIdOf(Buffer.from('b'))]
  t.equal(compareDistance(a, a, target), 0)
})

t.test('the bucket of an ID is the number of leading bits it shares', async t => {
  fc.assert(fc.property(kadId, fc.nat({ max: 255 }), (id, bit) => {
    const other = Uint8Array.from(id)
    other[bit >> 3] = (other[bit >> 3] ?? 0) ^ (0x80 >> (bit & 7))
    t.equal(commonPrefixLength(id, other), bit)
  }))
  t.equal(commonPrefixLength(kadIdOf(Buffer.from('a')), kadIdOf(Buffer.from('a'))), 256)
})
