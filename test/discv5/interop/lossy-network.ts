import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'

/** Numbers that look random and are the same in each run. */
export function seeded (seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

/** The port at which others reach a node. */
export interface Door {
  readonly port: number
  /** Says behind which door who listens on `realPort` is. */
  opensTo (realPort: number): void
}

/**
 * UDP on loopback that loses packets. Each node has a door, whose port it announces: what comes to one door goes out by the sender's, so that
 * each node sees the other where its record says.
 */
export class LossyNetwork implements AsyncDisposable {
  readonly counts = { passed: 0, lost: 0 }
  readonly #isLost: () => boolean
  readonly #doors: Array<{ readonly socket: Socket, realPort: number }> = []

  constructor (isLost: () => boolean) {
    this.#isLost = isLost
  }

  async addDoor (): Promise<Door> {
    const socket = createSocket('udp4')
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
    const door = { socket, realPort: 0 }
    this.#doors.push(door)
    socket.on('message', (packet, { port }) => {
      const sender = this.#doors.find(({ realPort }) => realPort === port)
      if (sender === undefined) return // nobody of ours
      const isLost = this.#isLost()
      this.counts[isLost ? 'lost' : 'passed']++
      if (!isLost) sender.socket.send(packet, door.realPort, '127.0.0.1')
    })
    return { port: socket.address().port, opensTo: realPort => { door.realPort = realPort } }
  }

  async [Symbol.asyncDispose] (): Promise<void> {
    for (const { socket } of this.#doors) socket.close()
  }
}
