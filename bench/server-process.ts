import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'

export interface Usage {
  /** User and system time of the whole process since it started. Microseconds. */
  readonly cpuUs: number
  readonly rssBytes: number
  /** How many of something the server holds, where it counts them. */
  readonly held?: number
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
    return await this.ask<Usage>({ collectGarbage })
  }

  /** For a module that answers something else; one question at a time. */
  async ask<Answer> (question: object): Promise<Answer> {
    this.#child.send(question)
    const [answer] = await once(this.#child, 'message') as [Answer]
    return answer
  }

  async [Symbol.asyncDispose] (): Promise<void> {
    this.#child.kill('SIGKILL')
    await once(this.#child, 'exit')
  }
}

/** The server's side: says that it is ready and answers questions about its usage. */
export function serveUsage (ready: unknown, held?: () => number): void {
  process.once('disconnect', () => process.exit()) // whoever measures is gone
  process.on('message', ({ collectGarbage }: { readonly collectGarbage: boolean }) => {
    if (collectGarbage) globalThis.gc?.()
    const { user, system } = process.cpuUsage()
    process.send?.({ cpuUs: user + system, rssBytes: process.memoryUsage.rss(), ...held !== undefined && { held: held() } } satisfies Usage)
  })
  process.send?.(ready)
}
