import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { startTestDaemon } from '../../../daemon.ts'
import { tempDirectory } from '../../../http/admin/fake-daemon.ts'
import { only } from '../../../patterns.ts'

// The program itself, with keys as hard to guess as they are made for people.

t.setTimeout(180_000)

const RONCTL = join(import.meta.dirname, '../../../../src/ronctl.ts')
const PASSPHRASE = 'correct horse'

interface Ended { readonly exit: number, readonly stdout: string, readonly stderr: string }

async function run (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const child = spawn(process.execPath, [RONCTL, ...args], { env: { ...process.env, NO_COLOR: '1', RONCTL_KEY: '', ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  const [stdout, stderr, [exit]] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), once(child, 'close') as Promise<[number]>])
  return { exit, stdout, stderr }
}

t.test('two signers found a network, agree on a change, and have it in force', async t => {
  const folder = tempDirectory(t)
  const file = (name: string): string => join(folder, name)
  writeFileSync(file('passphrase'), PASSPHRASE, { mode: 0o600 })
  const secret = ['--passphrase-file', file('passphrase')]
  const people = ['alice', 'bob', 'recovery']
  for (const result of await Promise.all(people.map(async name => await run(['key', 'new', '--role', name === 'recovery' ? 'owner' : 'security', '--out', file(name), ...secret])))) t.match(result, { exit: 0 })
  t.match(JSON.parse(readFileSync(file('alice'), 'utf8')), { sealed: { kdf: { name: 'argon2id', memoryKib: 65_536, passes: 3 } } }, 'as hard as RFC 9106 says')

  t.match(await run(['governance', 'init', '--out', file('genesis'), '--actor', file('alice.pub'), '--actor', file('bob.pub'), '--recovery', file('recovery.pub')]), { exit: 0 })
  for (const name of people) t.match(await run(['governance', 'init', '--sign', file('genesis'), '--key', file(name), ...secret, '--yes']), { exit: 0 })

  const { adminSocket } = await startTestDaemon(t, { flags: { 'governance.genesis': file('genesis') } })
  const as = async (name: string, ...args: readonly string[]) => await run(['governance', ...args, ...secret, '--yes'], { RONCTL_SOCKET: adminSocket, RONCTL_KEY: file(name) })
  t.match(await as('alice', 'propose', 'members.mode=observe', '--reason', 'see who is here'), { exit: 0 })
  t.match(await as('alice', 'approve', '1'), { exit: 0, stdout: /review/ })
  t.match(await as('bob', 'execute', '1'), { exit: 77 })
  t.match(await as('bob', 'approve', '1'), { exit: 0, stdout: /approved/ })
  t.match(await as('bob', 'execute', '1'), { exit: 0, stdout: /in force/ })
  t.match(await run(['key', 'show', file('alice')]), { exit: 0, stdout: /genesis [^]*proposal [^]*approval / })
})

t.test('at a terminal the passphrase is asked for, twice, and not shown', { skip: !existsSync('/usr/bin/script') && 'there is no script(1) to make a terminal' }, async t => {
  const path = join(tempDirectory(t), 'alice')
  const child = spawn('/usr/bin/script', ['-qec', `"${process.execPath}" "${RONCTL}" key new --role ops --out "${path}"`, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, SHELL: '/bin/sh' } })
  t.teardown(() => child.kill())
  let shown = ''
  let answered = 0
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    shown += text
    for (const asked = (shown.match(/passphrase for|The same again/g) ?? []).length; answered < asked; answered++) child.stdin.write(`${PASSPHRASE}\r`)
  })
  t.match(await once(child, 'close'), only(0, null))
  t.notMatch(shown, /horse/)
  t.equal(statSync(path).mode & 0o777, 0o600)
})
