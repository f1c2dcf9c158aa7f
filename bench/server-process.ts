import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'

export interface Usage {
  /** User and system time of the whole process since it started. Microseconds. */
  readonly cpuUs: number
  readonly rssBytes: number
}

/** A server under test in a process of its own, so that its CPU time is its alone. */
export class ServerProcess<Ready> implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly ready: Ready

  private constructor (child: ChildProcess, ready: Ready) {
    this.#child = child
    this.ready = ready
  }

  /** Starts a module that sends one message when it is ready, and then answers each `usage` with one. */
  static async start<Ready> (module: URL, args: readonly string[]): Promise<ServerProcess<Ready>> {
    const child = fork(module, args, { execArgv: ['--expose-gc'] })
    const exited = once(child, 'exit').then(([code]) => { throw new Error(`${module.pathname} ended with ${code}`) })
    const [ready] = await Promise.race([once(child, 'message'), exited]) as [Ready]
    exited.catch(() => {}) // from now on its end is ours
    return new ServerProcess(child, ready)
  }

  async usage ({ collectGarbage = false } = {}): Promise<Usage> {
    this.#child.send({ collectGarbage })
    const [usage] = await once(this.#child, 'message') as [Usage]
    return usage
  }

  async [Symbol.asyncDispose] (): Promise<void> {
    this.#child.kill('SIGKILL')
    await once(this.#child, 'exit')
  }
}

/** The server's side: says that it is ready and answers questions about its usage. */
export function serveUsage (ready: unknown): void {
  process.once('disconnect', () => process.exit()) // whoever measures is gone
  process.on('message', ({ collectGarbage }: { readonly collectGarbage: boolean }) => {
    if (collectGarbage) globalThis.gc?.()
    const { user, system } = process.cpuUsage()
    process.send?.({ cpuUs: user + system, rssBytes: process.memoryUsage.rss() } satisfies Usage)
  })
  process.send?.(ready)
}
