import { createPrivateKey, sign, verify } from 'node:crypto'
import { chmodSync, existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createEphemeralIdentity, openSealedIdentity } from '../../src/kms/identity.ts'
import { seal } from '../../src/kms/sealed-file.ts'

/** Says whether seed and public key belong together, as node:crypto sees it. */
function isKeyPair (key: Uint8Array): boolean {
  const d = Buffer.from(key.subarray(0, 32)).toString('base64url')
  const x = Buffer.from(key.subarray(32)).toString('base64url')
  const privateKey = createPrivateKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', d, x } })
  const publicJwk = { format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x } } as const
  return verify(null, Buffer.from('text'), publicJwk, sign(null, Buffer.from('text'), privateKey))
}

t.test('an ephemeral identity is an Ed25519 key, a new one each time', async t => {
  const [one, other] = [createEphemeralIdentity(), createEphemeralIdentity()]
  t.equal(one.ed25519Key().byteLength, 64)
  t.ok(isKeyPair(one.ed25519Key()))
  t.strictSame(one.ed25519Key(), one.ed25519Key())
  t.notSame(other.ed25519Key(), one.ed25519Key())
})

t.test('a sealed identity is created once and then stays', async t => {
  const dir = t.testdir({ passphrase: 'correct horse\n' })
  const [keyFile, passphraseFile] = [join(dir, 'identity.sealed'), join(dir, 'passphrase')]
  chmodSync(passphraseFile, 0o600)
  const created = await openSealedIdentity(keyFile, passphraseFile)
  t.ok(isKeyPair(created.ed25519Key()))
  t.strictSame(Buffer.from((await openSealedIdentity(keyFile, passphraseFile)).ed25519Key()), Buffer.from(created.ed25519Key()))

  writeFileSync(passphraseFile, 'wrong horse\n')
  await t.rejects(openSealedIdentity(keyFile, passphraseFile), { message: `identity.keyFile ${keyFile}: the passphrase does not open it, or it was altered` })
})

t.test('a refusal names the setting and the file', async t => {
  const dir = t.testdir({ passphrase: 'correct horse\n', 'not-sealed': 'hello' })
  const passphraseFile = join(dir, 'passphrase')
  chmodSync(passphraseFile, 0o644)
  await t.rejects(openSealedIdentity(join(dir, 'key'), passphraseFile), { message: /passphrase can be read by other users/ })
  t.notOk(existsSync(join(dir, 'key')), 'nothing is created before the passphrase is known')

  chmodSync(passphraseFile, 0o600)
  await t.rejects(openSealedIdentity(join(dir, 'not-sealed'), passphraseFile), { message: /^identity.keyFile .*not-sealed: it is not a sealed file/ })
  await t.rejects(openSealedIdentity(join(dir, 'absent/key'), passphraseFile), { message: /^identity.keyFile .*absent\/key: ENOENT/ })

  writeFileSync(join(dir, 'short'), await seal('libp2p-identity', Buffer.alloc(32), Buffer.from('correct horse')))
  await t.rejects(openSealedIdentity(join(dir, 'short'), passphraseFile), { message: /short: it does not hold an Ed25519 key/ })
})
