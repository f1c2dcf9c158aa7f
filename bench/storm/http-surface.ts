import { connect, type Socket } from 'node:net'
import { cidOf } from '../rpc/fill.ts'
import type { Outcome, Surface } from './offer.ts'

const CONNECTIONS = 768 // more than the daemon answers at once

/** GETs of providers, each of another key, so that each one walks the network. One request in flight on a connection. */
export async function createHttpSurface (url: string): Promise<Surface> {
  const target = new URL(url)
  const run = Math.floor(Math.random() * 1e6) * 1_000_000 // another key in every process: what was found is kept for a while
  let key = 0
  const idle: Line[] = []
  const lines = Array.from({ length: CONNECTIONS }, () => new Line(target, line => idle.push(line)))
  await Promise.all(lines.map(async line => await line.connected))
  return {
    trySend: done => {
      const line = idle.pop()
      if (line === undefined) return false
      line.ask(`/routing/v1/providers/${cidOf(run + key++).toString()}`, done)
      return true
    },
    flush: () => {},
    [Symbol.asyncDispose]: async () => { for (const line of lines) line.end() },
  }
}

class Line {
  readonly #target: URL
  readonly #onIdle: (line: Line) => void
  #socket: Socket | undefined
  #received = ''
  #done: ((outcome: Outcome) => void) | undefined
  #hasEnded = false
  readonly connected: Promise<void>

  constructor (target: URL, onIdle: (line: Line) => void) {
    this.#target = target
    this.#onIdle = onIdle
    this.connected = new Promise(resolve => this.#connect(resolve))
  }

  ask (path: string, done: (outcome: Outcome) => void): void {
    this.#done = done
    this.#socket?.write(`GET ${path} HTTP/1.1\r\nhost: ${this.#target.host}\r\naccept: application/json\r\n\r\n`)
  }

  end (): void {
    this.#hasEnded = true
    this.#socket?.destroy()
  }

  #connect (onConnected: () => void): void {
    const socket = connect(Number(this.#target.port), this.#target.hostname)
    this.#socket = socket
    this.#received = ''
    socket.on('connect', () => {
      onConnected()
      this.#onIdle(this)
    })
    socket.on('data', chunk => this.#receive(chunk.toString('latin1')))
    socket.on('error', () => {}) // 'close' follows
    socket.on('close', () => {
      this.#settle('lost')
      if (!this.#hasEnded) setTimeout(() => { if (!this.#hasEnded) this.#connect(onConnected) }, 100)
    })
  }

  #receive (text: string): void {
    this.#received += text
    const headerEnd = this.#received.indexOf('\r\n\r\n')
    if (headerEnd < 0) return
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(this.#received.slice(0, headerEnd))?.[1])
    if (this.#received.length < headerEnd + 4 + length) return
    const isAnswered = this.#received.slice(9, 12) === '200'
    this.#received = ''
    this.#settle(isAnswered ? 'answered' : 'refused')
    this.#onIdle(this)
  }

  #settle (outcome: Outcome): void {
    const done = this.#done
    this.#done = undefined
    done?.(outcome)
  }
}
