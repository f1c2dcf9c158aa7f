import { execFile } from 'node:child_process'
import type { Logger } from './logger.ts'

interface Deps {
  /** In a sentence, for `systemctl status`. */
  readonly status: () => string
  readonly log: Logger
}

/** Where systemd listens, and how often it wants a sign of life; nothing of it without systemd. sd_notify(3), sd_watchdog_enabled(3). */
export interface NotifySocket {
  /** A path, or `@` and a name of the abstract namespace. */
  readonly socket: string
  readonly watchdogMs: number | undefined
}

/** How often the status is looked at; it is sent when it changed. */
const STATUS_EVERY_MS = 5000
const SEND_TIMEOUT_MS = 5000

/** What the environment says of a service manager. A watchdog that is meant for another process is none. */
export function notifySocketOf (env: Readonly<Record<string, string | undefined>>, pids: readonly number[]): NotifySocket | undefined {
  const { NOTIFY_SOCKET: socket = '', WATCHDOG_USEC: usec = '', WATCHDOG_PID: pid = '' } = env
  if (socket === '') return undefined
  const isMeant = /^\d+$/.test(usec) && (pid === '' || pids.includes(Number(pid)))
  return { socket, watchdogMs: isMeant ? Number(usec) / 1000 : undefined }
}

/**
 * Tells systemd that the daemon is started, reloading, stopping, alive, and how it is. Node opens no datagram sockets of the Unix kind, so
 * systemd's own `systemd-notify` sends: the unit needs `NotifyAccess=all`. Without a service manager nothing happens.
 */
export class ServiceManager implements AsyncDisposable {
  readonly #to: NotifySocket | undefined
  readonly #deps: Deps
  readonly #timers: NodeJS.Timeout[] = []
  #told = ''
  #isSending = false
  #hasFailed = false

  constructor (to: NotifySocket | undefined, deps: Deps) {
    this.#to = to
    this.#deps = deps
  }

  get isThere (): boolean { return this.#to !== undefined }

  /** The daemon serves; whether it is routable is in the status. From here on it gives signs of life. */
  async started (): Promise<void> {
    if (this.#to === undefined) return
    await this.#send('READY=1', this.#status())
    this.#timers.push(setInterval(() => {
      if (this.#deps.status() !== this.#told) void this.#send(this.#status())
    }, STATUS_EVERY_MS).unref())
    const { watchdogMs } = this.#to
    // Half of what is allowed, as systemd advises. A turn that never ends lets the timer starve, which is the point.
    if (watchdogMs !== undefined) this.#timers.push(setInterval(() => { void this.#alive() }, watchdogMs / 2).unref())
  }

  /** Runs `reload` between the two messages that systemd waits for. */
  async reloading (reload: () => void): Promise<void> {
    await this.#send('RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`)
    reload()
    await this.#send('READY=1')
  }

  async [Symbol.asyncDispose] (): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer)
    await this.#send('STOPPING=1')
  }

  #status (): string {
    this.#told = this.#deps.status()
    return `STATUS=${this.#told}`
  }

  /** One sign at a time: behind a manager that does not read, programs do not pile up. */
  async #alive (): Promise<void> {
    if (this.#isSending) return
    this.#isSending = true
    await this.#send('WATCHDOG=1')
    this.#isSending = false
  }

  /** Never throws: a daemon that cannot tell how it is goes on being it. */
  async #send (...assignments: string[]): Promise<void> {
    if (this.#to === undefined) return
    const env = { PATH: '/usr/bin:/bin', NOTIFY_SOCKET: this.#to.socket }
    const { promise, resolve } = Promise.withResolvers<Error | null>()
    execFile('systemd-notify', assignments, { env, timeout: SEND_TIMEOUT_MS }, resolve)
    const err = await promise
    if (err === null || this.#hasFailed) return
    this.#hasFailed = true
    this.#deps.log.warn({ event: 'service_manager_failed', err }, 'systemd-notify failed: systemd does not hear of this daemon')
  }
}
