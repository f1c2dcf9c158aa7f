import { blake2b } from '@noble/hashes/blake2.js'
import { blake3 } from '@noble/hashes/blake3.js'
import { sha256, sha512 } from '@noble/hashes/sha2.js'
import { sha3_256 as sha3 } from '@noble/hashes/sha3.js'
import fc from 'fast-check'
import { base16 } from 'multiformats/bases/base16'
import { base32, base32upper } from 'multiformats/bases/base32'
import { base36 } from 'multiformats/bases/base36'
import { base58btc } from 'multiformats/bases/base58'
import { base64, base64url } from 'multiformats/bases/base64'
import { CID } from 'multiformats/cid'
import * as raw from 'multiformats/codecs/raw'
import * as Digest from 'multiformats/hashes/digest'
import t from 'tap'
import { DhtError } from '../../src/core/errors.ts'
import { assertKey, blake3Key, parseKey, toCidText, toContentAddress, toKeyText } from '../../src/core/key.ts'
import { MAX_KEY_BYTES } from '../../src/core/limits.ts'

const content = Buffer.from('hello world')

const HASHES = {
  identity: Digest.create(0x00, content),
  'sha2-256': Digest.create(0x12, sha256(content)),
  'sha2-512': Digest.create(0x13, sha512(content)),
  'sha3-256': Digest.create(0x16, sha3(content)),
  blake3: Digest.create(0x1e, blake3(content)),
  'blake2b-256': Digest.create(0xb220, blake2b(content, { dkLen: 32 })),
}
const BASES = { base16, base32, base32upper, base36, base58btc, base64, base64url }
const DAG_PB = 0x70
const HELLO_B3 = 'd74981efa70a0c880b8d8c1985d075dbcbf679b99a5f9914e5aaf96b831a9e24'

/** Multihashes of any registered-looking code whose bytes are 2 to `MAX_KEY_BYTES`. */
const anyKey = fc.tuple(fc.integer({ min: 0, max: 0x7fff_ffff }), fc.uint8Array({ maxLength: 70 }))
  .map(([code, digest]) => Digest.create(code, digest).bytes)
  .filter(bytes => bytes.byteLength <= MAX_KEY_BYTES)

for (const [hash, digest] of Object.entries(HASHES)) {
  for (const [name, base] of Object.entries(BASES)) {
    t.test(`a CIDv1 of ${hash} in ${name} is read whatever its codec`, async t => {
      for (const codec of [raw.code, DAG_PB]) t.strictSame(parseKey(base.encoder.encode(CID.createV1(codec, digest).bytes)), digest.bytes)
    })
    t.test(`a bare ${hash} multihash in ${name} is read by its multibase prefix`, async t => {
      t.strictSame(parseKey(base.encoder.encode(digest.bytes)), digest.bytes)
    })
  }
  t.test(`a bare ${hash} multihash in base58btc needs no prefix`, async t => {
    t.strictSame(parseKey(base58btc.baseEncode(digest.bytes)), digest.bytes)
  })
}

t.test('a CIDv0 is read', async t => {
  const cid = CID.createV0(HASHES['sha2-256'])
  t.match(cid.toString(), /^Qm/)
  t.strictSame(parseKey(cid.toString()), cid.multihash.bytes)
})

t.test('b3: takes a BLAKE3-256 digest in hex of either case, and nothing else', async t => {
  t.strictSame(parseKey(`b3:${HELLO_B3}`), HASHES.blake3.bytes)
  t.strictSame(parseKey(`b3:${HELLO_B3.toUpperCase()}`), HASHES.blake3.bytes)
  for (const text of ['b3:', `b3:${HELLO_B3.slice(1)}`, `b3:${HELLO_B3}0`, `b3:${HELLO_B3.slice(1)}g`, `b3: ${HELLO_B3.slice(1)}`]) {
    t.throws(() => parseKey(text), { code: 'BadRequest', reason: 'key', message: /64 hex digits/ }, text)
  }
})

t.test('a key has 1 to 80 bytes', async t => {
  const longest = Digest.create(0x00, new Uint8Array(78)).bytes
  const tooLong = Digest.create(0x00, new Uint8Array(79)).bytes
  t.equal(longest.byteLength, MAX_KEY_BYTES)
  t.equal(assertKey(longest), longest)
  t.strictSame(parseKey(toCidText(longest)), longest)
  t.throws(() => assertKey(tooLong), { code: 'BadRequest', reason: 'key', message: /longer than 80 bytes/ })
  t.throws(() => parseKey(toCidText(tooLong)), { code: 'BadRequest', reason: 'key' })
  t.throws(() => assertKey(new Uint8Array(0)), { code: 'BadRequest', reason: 'key', message: /empty/ })
})

t.test('bytes that are no multihash are no key', async t => {
  const { bytes } = HASHES['sha2-256']
  for (const wrong of [bytes.subarray(0, -1), Buffer.concat([bytes, Buffer.from([0])]), Uint8Array.of(0x12), Buffer.from('/ipns/x')]) {
    t.throws(() => assertKey(wrong), { code: 'BadRequest', reason: 'key', message: /not a multihash/ })
  }
})

t.test('a refusal says what would have been a key', async t => {
  for (const text of ['', 'hello', 'Qm', 'bafy', '/ipfs/bafy', 'z'.repeat(513)]) {
    t.throws(() => parseKey(text), { code: 'BadRequest', reason: 'key', hint: /CID, a multihash .* or b3:/ }, JSON.stringify(text.slice(0, 20)))
  }
})

t.test('the canonical CID of any key reads back as that key', async t => {
  fc.assert(fc.property(anyKey, key => { t.strictSame(parseKey(toCidText(key)), key) }), { numRuns: 300 })
})

t.test('no text is more than a bad request', async () => {
  const keyLike = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.base64String(), fc.stringMatching(/^(b3:|Qm|baf|k51|z|f01|u|m)[0-9A-Za-z]{0,80}$/))
  fc.assert(fc.property(keyLike, text => {
    try {
      assertKey(parseKey(text))
    } catch (err) {
      if (!(err instanceof DhtError && err.code === 'BadRequest')) throw err
    }
  }), { numRuns: 2000 })
})

t.test('the text of a key is b3: for BLAKE3-256 and its CID for every other hash', async t => {
  t.equal(toKeyText(HASHES.blake3.bytes), `b3:${HELLO_B3}`)
  t.equal(toKeyText(HASHES['sha2-256'].bytes), toCidText(HASHES['sha2-256'].bytes))
  t.equal(toContentAddress(HASHES['sha2-256'].bytes), undefined)
  t.equal(toContentAddress(Digest.create(0x1e, new Uint8Array(16)).bytes), undefined, 'a shorter BLAKE3 digest')
  t.equal(toContentAddress(Buffer.concat([Buffer.alloc(3), HASHES.blake3.bytes]).subarray(3)), `b3:${HELLO_B3}`, 'a view into a larger buffer')
})

t.test('a BLAKE3 key is made of its digest', async t => {
  t.strictSame(blake3Key(blake3(content)), HASHES.blake3.bytes)
})
