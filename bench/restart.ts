import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Daemon } from '../src/compose.ts'
import { alone, FULL, type Effort, type Figure } from './measure.ts'
import type { Filled } from './restart/fill.ts'
import type { Replayed } from './restart/replay.ts'
import { startBenchDaemon } from './surroundings.ts'

/** How fast records reach the disk, and how soon a daemon that has them is back. */

const PEERS = 10_000

/** Arguments: the numbers of records to try, 1000000 unless told. */
export async function * figures (args: readonly string[], { rounds }: Effort = FULL): AsyncGenerator<Figure> {
  for (const records of args.length > 0 ? args.map(Number) : [1_000_000]) yield * figuresOf(records, rounds)
}

async function * figuresOf (records: number, rounds: number): AsyncGenerator<Figure> {
  const load = `${records} records, ${PEERS} providers, 3 a key`
  const figure = (unit: string, values: readonly number[]): Figure => alone('restart', load, unit, values)
  await using stack = new AsyncDisposableStack()
  const folder = mkdtempSync(join(tmpdir(), 'svc-dht-bench-'))
  stack.defer(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'providers.db')

  const filled = await run<Filled>('fill', [file, String(records), String(PEERS)])
  yield figure('durable adds/s', [filled.durableAddsPerSecond])
  yield figure('durable refreshes/s', [filled.durableRefreshesPerSecond])
  yield figure('longest stall ms while writing', [filled.longestStallMs])
  yield figure('disk bytes/record', [statSync(file).size / records])

  const replayed: Replayed[] = []
  for (let round = 0; round < rounds; round++) replayed.push(await run<Replayed>('replay', [file]))
  if (replayed.some(({ records: found }) => found !== records)) throw new Error('records were lost')
  yield figure('store replayed s', replayed.map(({ seconds }) => seconds))
  yield figure('longest stall ms while replaying', replayed.map(({ longestStallMs }) => longestStallMs))
  yield figure('RSS bytes/record after it', replayed.map(({ rssBytesPerRecord }) => rssBytesPerRecord))

  const bootstrap = stack.use(await startBenchDaemon({}, { adminSocket: join(folder, 'bootstrap', 'admin.sock') }))
  const ready: number[] = []
  for (let round = 0; round < rounds; round++) ready.push(await secondsUntilReady(folder, bootstrap))
  yield figure('daemon ready s', ready)
}

/** Runs a module to its end, which sends one message on the way. */
async function run<Result> (name: string, args: readonly string[]): Promise<Result> {
  const child = fork(new URL(`./restart/${name}.ts`, import.meta.url), args, { execArgv: ['--expose-gc'] })
  const exited = once(child, 'exit')
  const [result] = await Promise.race([once(child, 'message'), exited.then(([code]) => { throw new Error(`restart/${name}.ts ended with ${String(code)}`) })]) as [Result]
  await exited
  return result
}

/** From the start of the process until /readyz says 200. */
async function secondsUntilReady (folder: string, bootstrap: Daemon): Promise<number> {
  const passphraseFile = join(folder, 'passphrase')
  writeFileSync(passphraseFile, 'bench\n', { mode: 0o600 })
  const settings = {
    'node.profile': 'macronode',
    'node.dataDir': folder,
    'identity.keyFile': join(folder, 'identity'), // the audit log of a folder is one identity's
    'identity.passphraseFile': passphraseFile,
    'providers.store': 'persistent',
    'kad.bootstrap': bootstrap.addresses()[0] ?? '',
    'kad.listen': '/ip4/127.0.0.1/tcp/0',
    'kad.addresses': 'any',
    'public.listen': '127.0.0.1:0',
    'discv5.listen': '127.0.0.1:0',
    'ops.listen': '127.0.0.1:0',
    'admin.socket': join(folder, 'admin', 'admin.sock'),
  }
  const startedAt = performance.now()
  const daemon = spawn(process.execPath, [join(import.meta.dirname, '../src/svc-dht.ts'), 'run', ...Object.entries(settings).flatMap(([path, value]) => ['--set', `${path}=${value}`])], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(daemon, 'exit')
  try {
    const ops = await opsUrl(daemon.stdout)
    while ((await fetch(`${ops}/readyz`)).status !== 200) await sleep(10)
    return (performance.now() - startedAt) / 1000
  } finally {
    daemon.kill('SIGTERM')
    await exited
  }
}

/** Where /readyz is, from the line that says the daemon has started. */
async function opsUrl (output: Readable): Promise<string> {
  let text = ''
  for await (const chunk of output.iterator({ destroyOnReturn: false })) {
    text += String(chunk)
    const line = text.split('\n').slice(0, -1).find(line => line.includes('"msg":"started"'))
    if (line !== undefined) return String((JSON.parse(line) as { readonly ops: string }).ops)
  }
  throw new Error(`the daemon ended: ${text}`)
}
