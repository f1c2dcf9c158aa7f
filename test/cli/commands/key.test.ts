import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { tempDirectory } from '../../http/admin/fake-daemon.ts'
import { only } from '../../patterns.ts'
import { jsonLines, ronctl } from '../ronctl.ts'

const PASSPHRASE = 'correct horse'

t.test('a new key is sealed with what was typed twice, and its public part lies beside it', async t => {
  const path = join(tempDirectory(t), 'alice.key')
  const made = await ronctl(['key', 'new', '--role', 'security', '--out', path, '--json'], { answers: [PASSPHRASE, PASSPHRASE] })
  t.match(made, { exit: 0, asked: only(/\(hidden\)$/, /\(hidden\)$/) })
  t.equal(statSync(path).mode & 0o777, 0o600)
  const [actor] = jsonLines(made.stdout) as [{ readonly id: string }]
  t.match(actor, { id: /^[0-9a-f]{64}$/, role: 'security', ed25519: /^[\w-]{43}$/, ml_dsa_87: /^[\w-]{3456}$/, status: 'active' })
  for (const file of [path, `${path}.pub`]) t.match(jsonLines((await ronctl(['key', 'show', file, '--json'])).stdout), only({ actor: { id: actor.id } }))
  t.match(await ronctl(['key', 'show', path]), { exit: 0, stdout: new RegExp(`${actor.id}[^]*has signed {2}nothing`), asked: only() })
  t.notMatch(`${made.stdout}${made.stderr}${readFileSync(path, 'utf8')}${readFileSync(`${path}.pub`, 'utf8')}`, /horse/)
})

t.test('a passphrase comes from a terminal, or from a file that only its owner reads', async t => {
  const folder = tempDirectory(t)
  const make = async (name: string, ...more: readonly string[]) => await ronctl(['key', 'new', '--role', 'ops', '--out', join(folder, name), ...more])
  t.match(await make('nobody.key'), { exit: 2, stderr: /nobody to ask/ })
  const file = join(folder, 'passphrase')
  writeFileSync(file, `${PASSPHRASE}\n`, { mode: 0o600 })
  t.match(await make('file.key', '--passphrase-file', file), { exit: 0 })
  t.match(await make('file.key', '--passphrase-file', file), { exit: 2, stderr: /there already/ })
  chmodSync(file, 0o644)
  t.match(await make('open.key', '--passphrase-file', file), { exit: 2, stderr: /can be read by other users/ })
  t.equal(existsSync(join(folder, 'open.key')), false)
})

t.test('a slip of the finger, a short passphrase and a person who leaves make no key', async t => {
  const path = join(tempDirectory(t), 'alice.key')
  for (const [answers, wrong] of [[[PASSPHRASE, 'other horse'], /differ/], [['short'], /at least 8/], [[], /No passphrase/]] as const) {
    t.match(await ronctl(['key', 'new', '--role', 'owner', '--out', path], { answers }), { exit: 2, stderr: wrong })
  }
  t.match(await ronctl(['key', 'new', '--role', 'king', '--out', path], { answers: [] }), { exit: 2 })
  t.match(await ronctl(['key', 'new', '--role', 'owner', '--out', path, '--dry-run'], { answers: [] }), { exit: 0, stdout: /Would write a owner key|owner key/, asked: only() })
  t.equal(existsSync(path), false)
})

t.test('a key gets another passphrase, stays the same key, and opens with the old one no more', async t => {
  const folder = tempDirectory(t)
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text, { mode: 0o600 })
    return join(folder, name)
  }
  const path = join(folder, 'alice.key')
  await ronctl(['key', 'new', '--role', 'security', '--out', path], { answers: [PASSPHRASE, PASSPHRASE] })
  const [before] = jsonLines((await ronctl(['key', 'show', path, '--json'])).stdout)
  const text = readFileSync(path, 'utf8')
  const change = async (...answers: readonly string[]) => await ronctl(['key', 'passphrase', path], { answers })
  t.match(await change('wrong horse'), { exit: 77, stderr: /passphrase does not open it/ })
  t.match(await change(PASSPHRASE, PASSPHRASE, PASSPHRASE), { exit: 2, stderr: /is the one that it has/ })
  t.match(await change(PASSPHRASE, 'new passphrase', 'new passphrase?'), { exit: 2, stderr: /differ/ })
  t.match(await change(PASSPHRASE, 'short'), { exit: 2, stderr: /at least 8/ })
  t.match(await ronctl(['key', 'passphrase', `${path}.pub`], { answers: [] }), { exit: 2, stderr: /public key/, asked: only() })
  t.equal(readFileSync(path, 'utf8'), text, 'nothing was written')
  const changed = await change(PASSPHRASE, 'new passphrase', 'new passphrase')
  t.match(changed, { exit: 0, stderr: /new passphrase alone/, asked: only(/^Passphrase of .*\(hidden\)$/, /^New passphrase .*\(hidden\)$/, /again.*\(hidden\)$/) })
  t.equal(statSync(path).mode & 0o777, 0o600)
  t.strictSame(jsonLines((await ronctl(['key', 'show', path, '--json'])).stdout)[0], before)
  t.match(await change(PASSPHRASE), { exit: 77 })
  t.match(await ronctl(['key', 'passphrase', path, '--passphrase-file', file('old', 'new passphrase\n'), '--new-passphrase-file', file('new', 'a third one\n')]), { exit: 0, asked: only() })
  const altered = JSON.parse(readFileSync(path, 'utf8')) as { mac: string }
  writeFileSync(path, JSON.stringify({ ...altered, mac: 'f'.repeat(64) }))
  t.match(await change('a third one', 'the fourth one', 'the fourth one'), { exit: 77, stderr: /was altered[^]*compromised/ }, 'an altered memory is not sealed anew')
})

t.test('what is no key is said to be none', async t => {
  const path = join(tempDirectory(t), 'file')
  writeFileSync(path, '{}', { mode: 0o600 })
  t.match(await ronctl(['key', 'show', path]), { exit: 2, stderr: /not a key file/ })
  t.match(await ronctl(['key', 'show', `${path}.gone`]), { exit: 2, stderr: /ENOENT/ })
})
