import type { Libp2p, Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { FrameSplitter } from '../../src/kad/rpc/frames.ts'
import { encodeReply } from '../../src/kad/rpc/message.ts'
import { keyOf } from '../rpc/fill.ts'
import { createClient } from '../rpc/load.ts'
import type { Outcome, Surface } from './offer.ts'

const PROTOCOL = '/ron/kad/1.0.0'
const CLIENTS = 8
const STREAMS_PER_CLIENT = 4
/** Requests that a stream carries at once. */
const PIPELINED = 64
const KEYS = 4096

/** GET_PROVIDERS from several peers, pipelined on streams that stay open and are opened anew when the server resets them. */
export async function createRpcSurface (address: string): Promise<Surface> {
  const requests = Array.from({ length: KEYS }, (_, key) => encodeReply({ type: 'GET_PROVIDERS', key: keyOf(key) }))
  const clients = await Promise.all(Array.from({ length: CLIENTS }, async () => await createClient()))
  const lines = await Promise.all(clients.flatMap(client => Array.from({ length: STREAMS_PER_CLIENT }, async () => await Line.open(client, address))))
  let next = 0
  return {
    trySend: done => {
      for (let tried = 0; tried < lines.length; tried++) {
        const line = lines[next++ % lines.length]
        if (line?.isFree === true) return line.send(requests[next % KEYS] as Uint8Array, done)
      }
      return false
    },
    flush: () => { for (const line of lines) line.flush() },
    [Symbol.asyncDispose]: async () => { await Promise.all(clients.map(async client => await client.stop())) },
  }
}

/** One stream after the other. */
class Line {
  readonly #client: Libp2p
  readonly #address: string
  #stream: Stream | undefined
  #waiting: Array<(outcome: Outcome) => void> = []
  #gathered: Uint8Array[] = []

  private constructor (client: Libp2p, address: string) {
    this.#client = client
    this.#address = address
  }

  static async open (client: Libp2p, address: string): Promise<Line> {
    const line = new Line(client, address)
    await line.#open()
    return line
  }

  get isFree (): boolean { return this.#stream?.status === 'open' && !this.#stream.writableNeedsDrain && this.#waiting.length < PIPELINED }

  send (request: Uint8Array, done: (outcome: Outcome) => void): true {
    this.#waiting.push(done)
    this.#gathered.push(request)
    return true
  }

  flush (): void {
    if (this.#gathered.length === 0) return
    const message = Buffer.concat(this.#gathered)
    this.#gathered = []
    try {
      this.#stream?.send(message)
    } catch {
      this.#settle('lost') // closed since
    }
  }

  async #open (): Promise<void> {
    const stream = await this.#client.dialProtocol(multiaddr(this.#address), PROTOCOL)
    const splitter = new FrameSplitter()
    stream.addEventListener('message', ({ data }) => {
      for (let replies = splitter.push(data.subarray()).length; replies > 0; replies--) this.#waiting.shift()?.('answered')
    })
    stream.addEventListener('close', () => {
      this.#stream = undefined
      this.#settle('refused')
      this.#open().catch(() => setTimeout(() => { this.#open().catch(() => {}) }, 200))
    })
    this.#stream = stream
  }

  #settle (outcome: Outcome): void {
    this.#gathered = []
    for (const done of this.#waiting.splice(0)) done(outcome)
  }
}
