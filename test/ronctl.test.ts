import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { loadConfig } from '../src/config/load.ts'
import { configDigest } from '../src/config/view.ts'
import { answerOf, fakePorts, KEY, RECORD, startDaemon, tempDirectory } from './http/admin/fake-daemon.ts'

const RONCTL = join(import.meta.dirname, '../src/ronctl.ts')

function start (args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  return spawn(process.execPath, [RONCTL, ...args], { env: { ...process.env, NO_COLOR: '', RONCTL_SOCKET: '', ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
}

async function run (args: readonly string[], env?: Readonly<Record<string, string>>): Promise<{ exit: number, stdout: string, stderr: string }> {
  const child = start(args, env)
  const [stdout, stderr, [exit]] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), once(child, 'close') as Promise<[number]>])
  return { exit, stdout, stderr }
}

t.test('the process asks the daemon that its environment names', async t => {
  const socket = await startDaemon(t)
  t.same(await run(['ready'], { RONCTL_SOCKET: socket }), { exit: 0, stdout: 'ready\n', stderr: '' })
})

t.test('the process ends with the exit code of the command', async t => {
  t.match(await run(['ready'], { XDG_RUNTIME_DIR: '/nowhere' }), { exit: 69, stdout: '', stderr: 'looked at /nowhere/svc-dht/admin.sock' })
  t.match(await run(['nonsense']), { exit: 2 })
})

t.test('the version is that of the package', async t => {
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8')) as { version: string }
  t.same(await run(['--version']), { exit: 0, stdout: `${version}\n`, stderr: '' })
})

t.test('configuration files are read as the daemon reads them, whatever this environment says', async t => {
  const directory = tempDirectory(t)
  const good = join(directory, 'good.toml')
  const bad = join(directory, 'bad.toml')
  writeFileSync(good, '[kad]\nbucketSize = 16\n')
  writeFileSync(bad, '[kad]\nbucketSize = 0\nnothing = 1\n')
  const env = { SVC_DHT_KAD_BUCKET_SIZE: '8' }
  t.same(await run(['config', 'hash', '--file', good], env), { exit: 0, stdout: `${configDigest(loadConfig({ file: '[kad]\nbucketSize = 16' }))}\n`, stderr: '' })
  t.match(await run(['config', 'check', '--file', bad], env), { exit: 78, stdout: /kad\.bucketSize: must be at least 1[^]*kad\.nothing: no such setting/, stderr: '' })
  t.match(await run(['config', 'check', '--file', join(directory, 'missing')]), { exit: 78, stdout: /missing: cannot be read \(ENOENT\)/ })
})

t.test('a reader that leaves early ends the command and its lookup without a word', async t => {
  const { lookup } = fakePorts()
  const ended = Promise.withResolvers<void>()
  async function * endless () {
    try {
      for (;;) {
        yield RECORD
        await new Promise(resolve => setImmediate(resolve))
      }
    } finally {
      ended.resolve()
    }
  }
  const socket = await startDaemon(t, { lookup: { ...lookup, providers: () => answerOf(endless()) } })
  const child = start(['find', KEY], { RONCTL_SOCKET: socket })
  await once(child.stdout, 'data')
  child.stdout.destroy()
  const [stderr, [exit]] = await Promise.all([new Response(child.stderr).text(), once(child, 'close')])
  t.same({ exit, stderr }, { exit: 0, stderr: '' })
  await ended.promise
})
