import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import fc from 'fast-check'
import { base32 } from 'multiformats/bases/base32'
import { base36 } from 'multiformats/bases/base36'
import { CID } from 'multiformats/cid'
import * as raw from 'multiformats/codecs/raw'
import t from 'tap'
import { DhtError } from '../../src/core/errors.ts'
import { parsePeerId, peerIdFromBytes } from '../../src/kad/peer-id.ts'
import { bytesOf, peerOf } from './fixtures.ts'

const ED25519 = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
const SHA256 = peerOf('an RSA peer, whose ID is a hash')

t.test('a peer ID is read in each form that people use', async t => {
  for (const peer of [ED25519, SHA256]) {
    for (const text of [peer.toString(), peer.toCID().toString(base36), peer.toCID().toString(base32)]) t.ok(parsePeerId(text).equals(peer), text)
  }
})

t.test('what is no peer ID is a bad request', async t => {
  for (const text of ['', 'hello', '12D3Koo', CID.createV1(raw.code, ED25519.toMultihash()).toString()]) {
    t.throws(() => parsePeerId(text), { code: 'BadRequest', reason: 'key' }, text)
  }
})

t.test('no text does more than be refused', async () => {
  fc.assert(fc.property(fc.oneof(fc.string(), fc.stringMatching(/^(12D3Koo|Qm|k51|baf|z)[0-9a-zA-Z]{0,60}$/)), text => {
    try {
      parsePeerId(text)
    } catch (err) {
      if (!(err instanceof DhtError && err.code === 'BadRequest')) throw err
    }
  }), { numRuns: 1000 })
})

t.test('binary peer IDs are read, other bytes are none', async t => {
  for (const peer of [ED25519, SHA256]) t.ok(peerIdFromBytes(bytesOf(peer))?.equals(peer))
  for (const bytes of [new Uint8Array(0), Uint8Array.of(0, 1, 9), Buffer.from('/ipns/x')]) t.equal(peerIdFromBytes(bytes), undefined)
})
