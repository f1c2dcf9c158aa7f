import { randomBytes } from 'node:crypto'
import t from 'tap'
import { loadSecp256k1, nativeSecp256k1, nobleSecp256k1 } from '../../src/discv5/secp256k1.ts'
import { deriveKeys, idProofDigest } from '../../src/discv5/wire/handshake.ts'
import { hex, vectors } from './vectors.ts'

const GROUP_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n

t.test('the native library is the one in use on this machine', async t => {
  t.equal(loadSecp256k1().name, 'secp256k1-native')
})

for (const curve of [nativeSecp256k1(), nobleSecp256k1()]) {
  t.test(`${curve.name}: ECDH gives the compressed point of the specification`, async t => {
    t.strictSame(Buffer.from(curve.sharedPoint(hex(vectors.ecdh.publicKey), hex(vectors.ecdh.secretKey))), hex(vectors.ecdh.sharedSecret))
  })

  t.test(`${curve.name}: session keys are those of the specification`, async t => {
    const { keyDerivation: vector } = vectors
    const keys = deriveKeys({
      publicKey: hex(vector.destPublicKey),
      privateKey: hex(vector.ephemeralKey),
      initiatorId: hex(vectors.nodeAId),
      recipientId: hex(vectors.nodeBId),
      challengeData: hex(vector.challengeData),
    }, curve)
    t.equal(keys.initiator.export().toString('hex'), vector.initiatorKey)
    t.equal(keys.recipient.export().toString('hex'), vector.recipientKey)
  })

  t.test(`${curve.name}: the identity proof is that of the specification, and is verified`, async t => {
    const { idNonceSigning: vector } = vectors
    const digest = idProofDigest(hex(vector.challengeData), hex(vector.ephemeralPublicKey), hex(vectors.nodeBId))
    const publicKey = curve.publicKey(hex(vector.staticKey))
    t.equal(Buffer.from(curve.sign(digest, hex(vector.staticKey))).toString('hex'), vector.signature)
    t.ok(curve.verify(hex(vector.signature), digest, publicKey))
  })

  t.test(`${curve.name}: a changed digest, a high s, zeros and a wrong key are no signature`, async t => {
    const digest = randomBytes(32)
    const key = randomBytes(32)
    const publicKey = curve.publicKey(key)
    const signature = Buffer.from(curve.sign(digest, key))
    t.ok(curve.verify(signature, digest, publicKey))
    t.notOk(curve.verify(signature, randomBytes(32), publicKey))
    t.notOk(curve.verify(signature, digest, curve.publicKey(randomBytes(32))))
    t.notOk(curve.verify(signature, digest, Buffer.alloc(33, 2)))
    t.notOk(curve.verify(Buffer.alloc(64), digest, publicKey))
    const s = BigInt(`0x${signature.subarray(32).toString('hex')}`)
    const high = Buffer.concat([signature.subarray(0, 32), Buffer.from((GROUP_ORDER - s).toString(16).padStart(64, '0'), 'hex')])
    t.notOk(curve.verify(high, digest, publicKey))
  })

  t.test(`${curve.name}: what is no point of the curve throws, and 0 is no private key`, async t => {
    t.throws(() => curve.sharedPoint(Buffer.alloc(33, 5), randomBytes(32)), { message: /could not be parsed|not on curve/ })
    t.throws(() => curve.coordinates(Buffer.alloc(33, 5)), { message: /could not be parsed|not on curve/ })
    t.notOk(curve.isPrivateKey(Buffer.alloc(32)))
    t.notOk(curve.isPrivateKey(Buffer.alloc(31, 1)))
  })
}
