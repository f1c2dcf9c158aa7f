import { chmodSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { open, readPassphrase, seal } from '../../src/kms/sealed-file.ts'

const PURPOSE = 'test'
const secret = Buffer.from('a secret of any length')
const passphrase = Buffer.from('correct horse')

/** The one file that all tests open; deriving a key is slow on purpose. */
const sealed = await seal(PURPOSE, secret, passphrase)

type Json = Record<string, unknown>

/** The sealed file with one member changed; `path` is `kdf.salt` or `purpose`. */
function altered (path: string, value: unknown): string {
  const file = JSON.parse(sealed) as Json
  const [outer = '', inner] = path.split('.')
  if (inner === undefined) file[outer] = value
  else (file[outer] as Json)[inner] = value
  return JSON.stringify(file)
}

function member (path: string): string {
  return path.split('.').reduce<unknown>((file, name) => (file as Json)[name], JSON.parse(sealed)) as string
}

/** The base64 of a member with one bit of its bytes turned. */
function flipped (path: string): string {
  const bytes = Buffer.from(member(path), 'base64')
  bytes[0] = (bytes[0] ?? 0) ^ 1
  return bytes.toString('base64')
}

t.test('what was sealed opens with its passphrase', async t => {
  t.strictSame(Buffer.from(await open(PURPOSE, sealed, passphrase)), secret)
})

t.test('nothing of the secret or the passphrase is in the file', async t => {
  t.notMatch(sealed, secret.toString('base64').slice(0, 12))
  t.notMatch(sealed, 'horse')
})

t.test('another passphrase does not open it', async t => {
  await t.rejects(open(PURPOSE, sealed, Buffer.from('wrong horse')), { message: 'the passphrase does not open it, or it was altered' })
})

t.test('a changed byte anywhere keeps it shut', async t => {
  for (const path of ['sealed', 'cipher.tag', 'cipher.nonce', 'kdf.salt']) {
    await t.rejects(open(PURPOSE, altered(path, flipped(path)), passphrase), { message: /or it was altered/ }, path)
  }
})

t.test('cheaper key derivation than it was sealed with keeps it shut', async t => {
  await t.rejects(open(PURPOSE, altered('kdf.passes', 1), passphrase), { message: /or it was altered/ })
})

t.test('a secret for one purpose is not taken for another', async t => {
  await t.rejects(open('other', sealed, passphrase), { message: 'it holds a secret for "test", not for "other"' })
  await t.rejects(open('other', altered('purpose', 'other'), passphrase), { message: /or it was altered/ })
})

t.test('what is no sealed file of this version is refused before any work', async t => {
  await t.rejects(open(PURPOSE, 'hello', passphrase), { message: 'it is not a sealed file' })
  await t.rejects(open(PURPOSE, altered('schema', 'svc-dht/sealed/2'), passphrase), { message: /schema "svc-dht\/sealed\/2" is not known/ })
  for (const text of ['null', '[]', '7', '{}']) await t.rejects(open(PURPOSE, text, passphrase), { message: /schema undefined is not known/ }, text)
  await t.rejects(open(PURPOSE, sealed + ' '.repeat(65_536), passphrase), { message: 'it is too large to be a sealed file' })
})

t.test('key derivation that would cost too much, or nothing, is refused before any work', async t => {
  const absurd = {
    'kdf.memoryKib': [2 ** 31, 0, -1, 1.5, Number.NaN, '65536', null, 8],
    'kdf.passes': [1e9, 0, '3', undefined],
    'kdf.lanes': [255, 0, [4]],
    'kdf.name': ['pbkdf2'],
  }
  for (const [path, values] of Object.entries(absurd)) {
    for (const value of values) await t.rejects(open(PURPOSE, altered(path, value), passphrase), { message: /fields are not those/ }, `${path} ${value}`)
  }
})

t.test('fields of another shape are refused before any work', async t => {
  const lastBitSet = member('cipher.tag').replace(/.==$/, 'B==')
  for (const [path, value] of [
    ['kdf.salt', 'AAAA'], ['kdf.salt', 7], ['cipher.nonce', ''], ['cipher.tag', 'AA=='], ['cipher.tag', lastBitSet], ['cipher.name', 'rot13'],
    ['sealed', `${member('sealed')}\n`], ['sealed', null], ['purpose', 7], ['kdf', null], ['cipher', undefined],
  ] as Array<[string, unknown]>) {
    await t.rejects(open(PURPOSE, altered(path, value), passphrase), { message: /fields are not those/ }, path)
  }
})

t.test('a passphrase is the first line of a file that only its owner reads', async t => {
  const dir = t.testdir({ passphrase: 'correct horse\r\nsecond line\n', empty: '\n' })
  const path = join(dir, 'passphrase')
  chmodSync(join(dir, 'empty'), 0o600)
  for (const mode of [0o640, 0o604, 0o660]) {
    chmodSync(path, mode)
    t.throws(() => readPassphrase(path), { message: `${path} can be read by other users: chmod 600 it` })
  }
  chmodSync(path, 0o600)
  t.equal(readPassphrase(path).toString(), 'correct horse')
  t.throws(() => readPassphrase(join(dir, 'empty')), { message: /has no passphrase in its first line/ })
  t.throws(() => readPassphrase(join(dir, 'absent')), { code: 'ENOENT' })
})

t.test('a passphrase may be reached through a symlink, whose target’s mode counts', async t => {
  const dir = t.testdir({ passphrase: 'correct horse' })
  symlinkSync(join(dir, 'passphrase'), join(dir, 'link'))
  chmodSync(join(dir, 'passphrase'), 0o600)
  t.equal(readPassphrase(join(dir, 'link')).toString(), 'correct horse')
  chmodSync(join(dir, 'passphrase'), 0o644)
  t.throws(() => readPassphrase(join(dir, 'link')), { message: /can be read by other users/ })
})
