import { execFile } from 'node:child_process'
import { globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import t from 'tap'
import { DaemonProcess, startReady } from '../../ops/drills/daemon-process.ts'
import { ROOT } from '../process.ts'
import { commandsOf } from './commands.ts'

// What the pages tell somebody at night to type is typed here, on a macronode that lives. Pages of governance change the network: a drill follows each.

t.setTimeout(240_000)

/** Lines whose answer is no on a healthy daemon that nobody governs, asked for a key that nobody provides: exit code 1. */
const ANSWERS_NO = ['grep quota_', 'ronctl find $KEY', 'ronctl governance obligations']

interface Outcome { readonly code: number, readonly said: string }

t.test('every command of ours and every look at the metrics works as it stands in the pages', async t => {
  await using stack = new AsyncDisposableStack()
  const folder = mkdtempSync(join(tmpdir(), 'svc-dht-test-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const daemon = await startMacronode(stack, folder)
  const here = (line: string): string => line
    .replaceAll('http://127.0.0.1:9909', daemon.started.ops)
    .replaceAll('/etc/svc-dht/macronode.toml', join(ROOT, 'config', 'macronode.toml'))
    .replaceAll('/var/lib/svc-dht/data', join(folder, 'data'))
    .replaceAll(/ (\/elsewhere\/|\/backup\/)/g, ` ${folder}$1`)
  const run = async (lines: readonly string[]): Promise<Outcome> => await shell(lines.map(here).join('\n'), folder, daemon)

  t.equal((await run(['ronctl audit head --keys > /elsewhere/log.keys'])).code, 0, 'kept while all was well, as the guide says')
  const done = new Set<string>()
  for (const page of [...globSync(join(ROOT, 'ops/runbooks/SvcDht*.md')), join(ROOT, 'ops/README.md')]) {
    const lines = commandsOf(page)
    const given = lines.filter(line => /^(KEY|OPS)=/.test(line))
    for (const name of ['KEY', 'OPS'].filter(name => lines.some(line => line.includes(`$${name}`)))) t.equal(given.filter(line => line.startsWith(`${name}=`)).length, 1, `${basename(page)} says what $${name} is`)
    for (const line of lines.filter(line => /^(ronctl|curl) /.test(line) && !done.has(line))) {
      done.add(line)
      const { code, said } = await run([...given, line])
      t.equal(code, ANSWERS_NO.some(part => line.includes(part)) ? 1 : 0, `${basename(page)}: ${line}\n${said}`)
    }
  }
  t.ok(done.size > 20, `${done.size} lines`)
})

async function startMacronode (stack: AsyncDisposableStack, folder: string): Promise<DaemonProcess> {
  for (const name of ['data', 'keys', 'bin', 'elsewhere', 'backup']) mkdirSync(join(folder, name), { mode: 0o700 })
  writeFileSync(join(folder, 'passphrase'), 'a test on loopback\n', { mode: 0o600 })
  return await startReady(stack, {
    'node.profile': 'macronode',
    'node.dataDir': join(folder, 'data'),
    'providers.store': 'persistent',
    'kad.bootstrapProbeInterval': '200ms',
    'identity.keyFile': join(folder, 'keys', 'identity.sealed'),
    'discv5.keyFile': join(folder, 'keys', 'discv5.sealed'),
    'identity.passphraseFile': join(folder, 'passphrase'),
  })
}

/** Runs lines as a person does: `ronctl` is on the path and finds the daemon and the capability. */
async function shell (script: string, folder: string, daemon: DaemonProcess): Promise<Outcome> {
  const ronctl = join(folder, 'bin', 'ronctl')
  writeFileSync(ronctl, `#!/bin/sh\nexec '${process.execPath}' '${join(ROOT, 'src/ronctl.ts')}' "$@"\n`, { mode: 0o755 })
  const { promise, resolve } = Promise.withResolvers<Outcome>()
  const env = { ...process.env, PATH: `${join(folder, 'bin')}:${process.env.PATH ?? ''}`, RONCTL_SOCKET: daemon.started.admin, RONCTL_CAP: join(folder, 'data', 'owner.cap') }
  execFile('bash', ['-c', script], { env, timeout: 60_000 }, (err, stdout, stderr) => resolve({ code: err === null ? 0 : Number(err.code ?? -1), said: stdout + stderr }))
  return await promise
}
