import fc from 'fast-check'
import { base16 } from 'multiformats/bases/base16'
import { base32 } from 'multiformats/bases/base32'
import { base36 } from 'multiformats/bases/base36'
import { base58btc } from 'multiformats/bases/base58'
import { CID } from 'multiformats/cid'
import * as raw from 'multiformats/codecs/raw'
import * as Digest from 'multiformats/hashes/digest'
import t from 'tap'
import { parsePeerId, toPeerIdText } from '../../src/core/peer-id.ts'

const LIBP2P_KEY = 0x72
const ED25519 = Digest.create(0x00, Buffer.from('08011220'.concat('7f'.repeat(32)), 'hex'))
const RSA = Digest.create(0x12, new Uint8Array(32).fill(7))

t.test('a peer ID is read as base58btc and as CID in any base', async t => {
  for (const multihash of [ED25519, RSA]) {
    const cid = CID.createV1(LIBP2P_KEY, multihash)
    const texts = [toPeerIdText(multihash.bytes), ...[base16, base32, base36, base58btc].map(base => base.encoder.encode(cid.bytes))]
    for (const text of texts) t.strictSame(parsePeerId(text), multihash.bytes, text)
  }
})

t.test('the text of a peer ID is the one that people know', async t => {
  t.match(toPeerIdText(ED25519.bytes), /^12D3Koo/)
  t.match(toPeerIdText(RSA.bytes), /^Qm/)
})

t.test('a CID of content names no peer', async t => {
  t.equal(parsePeerId(CID.createV1(raw.code, ED25519).toString()), undefined)
})

t.test('other hashes and other lengths are no peer IDs', async t => {
  for (const multihash of [
    Digest.create(0x13, new Uint8Array(64)), Digest.create(0x12, new Uint8Array(20)), Digest.create(0x00, new Uint8Array(43)), Digest.create(0x00, new Uint8Array(0)),
  ]) {
    t.equal(parsePeerId(toPeerIdText(multihash.bytes)), undefined)
    t.equal(parsePeerId(CID.createV1(LIBP2P_KEY, multihash).toString()), undefined)
  }
})

t.test('no text makes it throw', async t => {
  const texts = fc.oneof(fc.string(), fc.stringMatching(/^(12D3Koo|Qm|k51|baf|z|f01)[0-9a-zA-Z]{0,150}$/))
  fc.assert(fc.property(texts, text => { t.ok((parsePeerId(text)?.byteLength ?? 0) <= 44) }), { numRuns: 1000 })
})
