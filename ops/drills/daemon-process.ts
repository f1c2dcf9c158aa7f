import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'

const PROGRAM = join(import.meta.dirname, '../../src/svc-dht.ts')
const RONCTL = join(import.meta.dirname, '../../src/ronctl.ts')
const PATIENCE_MS = 30_000

/** Free loopback ports, and patience with a busy machine. */
const LOOPBACK = {
  'kad.listen': '/ip4/127.0.0.1/tcp/0',
  'kad.addresses': 'any',
  'public.listen': '127.0.0.1:0',
  'discv5.listen': '127.0.0.1:0',
  'ops.listen': '127.0.0.1:0',
  'node.toleratedLag': '10s',
}

/** What the daemon tells when it has started. */
interface Started {
  readonly addresses: readonly string[]
  readonly public: string
  readonly ops: string
  readonly admin: string
  /** The admin API over TCP, where that is set. */
  readonly admin_url?: string
  /** The owner's capability. */
  readonly owner: string
}

interface AdminRequest {
  readonly capability?: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** A process that has ended. */
export interface Ended { readonly code: number, readonly stdout: string, readonly stderr: string }

export interface AdminAnswer { readonly status: number, readonly body: unknown }

/** A daemon as operators run it: a process of its own, seen from outside only. */
export class DaemonProcess implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #exited: Promise<unknown>
  readonly folder: string
  readonly started: Started
  readonly #env: Readonly<Record<string, string>>

  private constructor (child: ChildProcess, exited: Promise<unknown>, folder: string, started: Started, env: Readonly<Record<string, string>>) {
    this.#child = child
    this.#env = env
    this.#exited = exited
    this.folder = folder
    this.started = started
  }

  /** `env` is for it and for every `ronctl` that is run on it. */
  static async start (settings: Readonly<Record<string, string>> = {}, env: Readonly<Record<string, string>> = {}): Promise<DaemonProcess> {
    const folder = mkdtempSync(join(tmpdir(), 'svc-dht-drill-'))
    const all: Readonly<Record<string, string>> = { ...LOOPBACK, 'admin.socket': join(folder, 'run', 'admin.sock'), ...settings }
    const args = Object.entries(all).flatMap(([path, value]) => ['--set', `${path}=${value}`])
    const child = spawn(process.execPath, [PROGRAM, 'run', ...args], { stdio: ['ignore', 'pipe', 'inherit'], cwd: folder, env: { ...process.env, ...env, TMPDIR: folder, HOME: folder, XDG_RUNTIME_DIR: folder } })
    const exited = once(child, 'exit')
    try {
      return new DaemonProcess(child, exited, folder, await readStarted(child.stdout, all['node.dataDir']), env)
    } catch (err) {
      child.kill('SIGKILL')
      rmSync(folder, { recursive: true, force: true })
      throw err
    }
  }

  get pid (): number {
    return this.#child.pid ?? 0
  }

  /** The address to bootstrap from. */
  get address (): string {
    return this.started.addresses[0] ?? ''
  }

  async ready (): Promise<boolean> {
    return (await fetch(`${this.started.ops}/readyz`)).status === 200
  }

  /** The value of a series as /metrics prints it, 0 when there is none. */
  async metric (series: string): Promise<number> {
    const text = await (await fetch(`${this.started.ops}/metrics`)).text()
    return Number(text.split('\n').find(line => line.startsWith(`${series} `))?.slice(series.length + 1) ?? 0)
  }

  /** One request to the admin API on the socket, as the owner unless told otherwise; `capability: ''` sends none. */
  async admin (method: string, path: string, { capability = this.started.owner, body, headers = {} }: AdminRequest = {}): Promise<AdminAnswer> {
    const { promise, resolve, reject } = Promise.withResolvers<AdminAnswer>()
    const payload = body === undefined || Buffer.isBuffer(body) ? body : JSON.stringify(body)
    request({
      socketPath: this.started.admin,
      method,
      path,
      headers: { ...(capability !== '' && { authorization: `Bearer ${capability}` }), ...(payload !== undefined && { 'content-type': 'application/json' }), ...headers },
    }, response => {
      let text = ''
      response.setEncoding('utf8').on('data', (part: string) => { text += part }).on('error', reject)
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) }))
    }).on('error', reject).end(payload)
    return await promise
  }

  /** Runs `ronctl` on this daemon as its owner. */
  async ronctl (...args: string[]): Promise<Ended> {
    const capability = join(this.folder, 'ronctl.cap')
    writeFileSync(capability, this.started.owner, { mode: 0o600 })
    return await runRonctl(args, { ...this.#env, RONCTL_SOCKET: this.started.admin, RONCTL_CAP: capability })
  }

  /** Resident memory as the kernel counts it. Bytes. */
  rssBytes (): number {
    return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'))?.[1] ?? 0) * 1024
  }

  signal (name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  /** Ends it as a supervisor does. Its folder is left until it is disposed of. */
  async stop (): Promise<void> {
    this.#child.kill('SIGTERM')
    await this.#exited
  }

  async [Symbol.asyncDispose] (): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#exited
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** Runs `ronctl` as a process, and waits for its end. */
export async function runRonctl (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const { promise, resolve } = Promise.withResolvers<Ended>()
  execFile(process.execPath, [RONCTL, ...args], { env: { ...process.env, ...env }, timeout: PATIENCE_MS }, (err, stdout, stderr) => {
    resolve({ code: err === null ? 0 : Number(err.code ?? -1), stdout, stderr })
  })
  return await promise
}

/** A daemon that is ready, through another one that is only there to be its bootstrap peer. */
export async function startReady (stack: AsyncDisposableStack, settings: Readonly<Record<string, string>> = {}): Promise<DaemonProcess> {
  const bootstrap = stack.use(await DaemonProcess.start())
  const daemon = stack.use(await DaemonProcess.start({ 'kad.bootstrap': bootstrap.address, ...settings }))
  await until(async () => await daemon.ready(), 'the daemon is ready')
  return daemon
}

/** Waits for what others bring about; gives up, which fails the drill, after half a minute. */
export async function until (holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  while (!await holds()) {
    if (performance.now() > deadline) throw new Error(`waited in vain until ${what}`)
    await sleep(20)
  }
}

/** Where a macronode leaves it; undefined until it has. */
function readOwner (dataDir: string): string | undefined {
  const file = join(dataDir, 'owner.cap')
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined
}

async function readStarted (output: Readable, dataDir: string | undefined): Promise<Started> {
  let text = ''
  for await (const chunk of output.iterator({ destroyOnReturn: false })) {
    text += String(chunk)
    const lines = text.split('\n').slice(0, -1)
    const started = lines.find(line => line.includes('"msg":"started"'))
    const owner = dataDir === undefined ? lines.find(line => line.startsWith('{"owner_capability"')) : JSON.stringify({ owner_capability: readOwner(dataDir) })
    if (started !== undefined && owner !== undefined) {
      output.resume() // what it logs from now on must not fill the pipe
      return { ...JSON.parse(started) as Started, owner: (JSON.parse(owner) as { owner_capability: string }).owner_capability }
    }
  }
  throw new Error(`the daemon ended before it had started: ${text}`)
}
