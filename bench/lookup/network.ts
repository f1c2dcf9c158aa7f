import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Order } from './daemons.ts'
import type { Distances } from './link.ts'

/** Daemons that share a process, and so a core. */
const DAEMONS_PER_PROCESS = 25
const BOOTSTRAP_PEERS = 4

/** A network of our daemons in child processes, each daemon with a loopback address of its own. */
export class Network implements AsyncDisposable {
  readonly #children: readonly ChildProcess[]
  readonly bootstrap: readonly string[]

  private constructor (children: readonly ChildProcess[], bootstrap: readonly string[]) {
    this.#children = children
    this.bootstrap = bootstrap
  }

  /** Starts the daemons and lets them find each other. */
  static async start (size: number, { minMs, maxMs }: Distances): Promise<Network> {
    const children: ChildProcess[] = []
    const addresses: string[] = []
    for (let first = 0; first < size; first += DAEMONS_PER_PROCESS) {
      const count = Math.min(DAEMONS_PER_PROCESS, size - first)
      const child = fork(new URL('./daemons.ts', import.meta.url), [first, count, minMs, maxMs].map(String))
      children.push(child)
      addresses.push(...await said<string[]>(child))
    }
    const network = new Network(children, addresses.slice(0, BOOTSTRAP_PEERS))
    for (const child of children) await obeyed(child, { kind: 'join', bootstrap: network.bootstrap }) // one after the other: joining takes CPU
    return network
  }

  /** Announces keys of the bench's series, each from one daemon. */
  async provide (from: number, count: number): Promise<void> {
    const keys = Array.from({ length: count }, (_, index) => from + index)
    await Promise.all(this.#children.map(async (child, index) =>
      await obeyed(child, { kind: 'provide', keys: keys.filter(key => key % this.#children.length === index) })))
  }

  async [Symbol.asyncDispose] (): Promise<void> {
    await Promise.all(this.#children.map(async child => {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }))
  }
}

async function obeyed (child: ChildProcess, order: Order): Promise<void> {
  child.send(order)
  await said(child)
}

async function said<Message> (child: ChildProcess): Promise<Message> {
  const ended = once(child, 'exit').then(([code]) => { throw new Error(`lookup/daemons.ts ended with ${String(code)}`) })
  ended.catch(() => {}) // later its end is ours
  const [message] = await Promise.race([once(child, 'message'), ended]) as [Message]
  return message
}
