import { createSecretKey, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { decodeRecord, nodeIdOf } from '../../../src/discv5/enr/record.ts'
import { Malformed } from '../../../src/discv5/malformed.ts'
import { loadSecp256k1 } from '../../../src/discv5/secp256k1.ts'
import { deriveKeys, idProofDigest } from '../../../src/discv5/wire/handshake.ts'
import { Mask } from '../../../src/discv5/wire/mask.ts'
import { decodeMessage, encodePing } from '../../../src/discv5/wire/message.ts'
import { decodePacket, decryptMessage, encodeMessagePacket, encodeWhoareyou, handshakeAuthdata } from '../../../src/discv5/wire/packet.ts'
import { because, hex, vectors } from '../vectors.ts'

const curve = loadSecp256k1()
const A = hex(vectors.nodeAId)
const B = hex(vectors.nodeBId)
const toB = new Mask(B)
const IV = Buffer.alloc(16)

t.test('the node IDs of the vectors are those of their keys', async t => {
  t.strictSame(nodeIdOf(curve.publicKey(hex(vectors.nodeAKey)), curve), A)
  t.strictSame(nodeIdOf(curve.publicKey(hex(vectors.nodeBKey)), curve), B)
})

t.test('PING: the packet of the specification is read and written', async t => {
  const { ping } = vectors
  const key = createSecretKey(hex(ping.readKey))
  const packet = decodePacket(hex(ping.packet), toB)
  t.match(packet.authdata, { kind: 'message', sourceId: A })
  t.match(decodeMessage(decryptMessage(packet, key) ?? Buffer.alloc(0)), { kind: 'ping', requestId: hex(ping.requestId), enrSeq: 2n })
  const head = { iv: IV, nonce: hex(ping.nonce), flag: 0, authdata: A } as const
  t.equal(encodeMessagePacket(head, encodePing(hex(ping.requestId), 2n), key, toB).toString('hex'), ping.packet)
})

t.test('WHOAREYOU: the packet of the specification is read and written', async t => {
  const { whoareyou } = vectors
  const packet = decodePacket(hex(whoareyou.packet), toB)
  t.match(packet.authdata, { kind: 'whoareyou', idNonce: hex(whoareyou.idNonce), enrSeq: 0n })
  t.equal(packet.nonce.toString('hex'), whoareyou.requestNonce)
  t.equal(packet.ad.toString('hex'), whoareyou.challengeData)
  const made = encodeWhoareyou({ iv: IV, nonce: hex(whoareyou.requestNonce), idNonce: hex(whoareyou.idNonce), enrSeq: 0n }, toB)
  t.equal(made.packet.toString('hex'), whoareyou.packet)
  t.equal(made.challengeData.toString('hex'), whoareyou.challengeData)
})

t.test('WHOAREYOU says the sequence number big-endian: 1 is not 2^56', async t => {
  const made = encodeWhoareyou({ iv: IV, nonce: hex(vectors.whoareyou.requestNonce), idNonce: hex(vectors.whoareyou.idNonce), enrSeq: 1n }, toB)
  t.equal(made.challengeData.toString('hex'), vectors.handshake.challengeData)
  t.match(decodePacket(made.packet, toB).authdata, { enrSeq: 1n })
})

for (const name of ['handshake', 'handshakeWithRecord'] as const) {
  t.test(`${name}: the packet of the specification is read, proven and written`, async t => {
    const vector = vectors[name]
    const challengeData = hex(vector.challengeData)
    const packet = decodePacket(hex(vector.packet), toB)
    const { authdata } = packet
    if (authdata.kind !== 'handshake') return t.fail('not a handshake')
    const ids = { initiatorId: A, recipientId: B, challengeData }
    const keys = deriveKeys({ publicKey: authdata.ephemeralKey, privateKey: hex(vectors.nodeBKey), ...ids }, curve)
    t.equal(keys.initiator.export().toString('hex'), vector.readKey)
    const publicKeyOfA = curve.publicKey(hex(vectors.nodeAKey))
    const digest = idProofDigest(challengeData, authdata.ephemeralKey, B)
    t.ok(curve.verify(authdata.signature, digest, publicKeyOfA))
    t.match(decodeMessage(decryptMessage(packet, keys.initiator) ?? Buffer.alloc(0)), { kind: 'ping', requestId: hex(vector.requestId), enrSeq: 1n })

    t.equal(authdata.record === undefined, name === 'handshake')
    if (authdata.record !== undefined) t.equal(decodeRecord(authdata.record, curve).nodeId, vectors.nodeAId)
    const ephemeralKey = curve.publicKey(hex(vector.ephemeralKey))
    t.equal(Buffer.from(ephemeralKey).toString('hex'), vector.ephemeralPublicKey)
    const head = handshakeAuthdata(A, curve.sign(digest, hex(vectors.nodeAKey)), ephemeralKey, authdata.record)
    const made = encodeMessagePacket({ iv: IV, nonce: hex(vector.nonce), flag: 2, authdata: head }, encodePing(hex(vector.requestId), 1n), keys.initiator, toB)
    t.equal(made.toString('hex'), vector.packet)
  })
}

t.test('AES-GCM puts the tag behind the ciphertext', async t => {
  const { encryption: vector } = vectors
  const plaintext = decryptMessage({ message: hex(vector.ciphertext), nonce: hex(vector.nonce), ad: hex(vector.ad) }, createSecretKey(hex(vector.key)))
  t.equal(plaintext?.toString('hex'), vector.plaintext)
  t.equal(decryptMessage({ message: hex(vector.ciphertext), nonce: hex(vector.nonce), ad: Buffer.alloc(32) }, createSecretKey(hex(vector.key))), undefined)
})

t.test('a packet outside of 63 to 1280 bytes, for another node, or of another version is dropped', async t => {
  t.throws(() => decodePacket(hex(vectors.whoareyou.packet).subarray(0, 62), toB), because('size'))
  t.throws(() => decodePacket(Buffer.alloc(1281), toB), because('size'))
  t.throws(() => decodePacket(hex(vectors.ping.packet), new Mask(A)), because('header'))
  const version2 = hex(vectors.ping.packet)
  version2[16 + 7] = (version2[16 + 7] as number) ^ 3 // the mask is a stream: 1 becomes 2
  t.throws(() => decodePacket(version2, toB), because('header'))
})

t.test('the mask wraps its counter as a 128-bit one', async t => {
  const mask = new Mask(B)
  const head = { iv: Buffer.alloc(16, 0xff), nonce: randomBytes(12), flag: 0, authdata: A } as const
  const key = createSecretKey(randomBytes(16))
  const packet = encodeMessagePacket(head, encodePing(Buffer.from([1]), 9n), key, mask)
  const { createDecipheriv } = await import('node:crypto')
  const plain = createDecipheriv('aes-128-ctr', B.subarray(0, 16), head.iv).update(packet.subarray(16, 16 + 55))
  t.equal(plain.subarray(0, 6).toString(), 'discv5')
  t.strictSame(plain.subarray(23), A)
})

t.test('no bytes make the packet decoder fail in another way than Malformed', async t => {
  const valid = [vectors.ping, vectors.whoareyou, vectors.handshake, vectors.handshakeWithRecord].map(({ packet }) => hex(packet))
  const damaged = fc.tuple(fc.constantFrom(...valid), fc.nat(), fc.nat(255), fc.nat(40)).map(([packet, at, byte, cut]) => {
    const bytes = Buffer.from(packet.subarray(0, packet.length - cut))
    bytes[at % bytes.length] = byte
    return bytes
  })
  fc.assert(fc.property(fc.oneof(fc.uint8Array({ maxLength: 1300 }), damaged), bytes => {
    try {
      decodePacket(Buffer.from(bytes), toB)
      return true
    } catch (err) {
      return err instanceof Malformed
    }
  }), { numRuns: 3000 })
  t.pass()
})
