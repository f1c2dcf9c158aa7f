import { randomBytes } from 'node:crypto'
import type { Endpoint } from '../../src/discv5/engine.ts'
import { NativeEngine } from '../../src/discv5/native-engine.ts'
import type { NativeDeps, NativeOptions } from '../../src/discv5/native-options.ts'
import { loadSecp256k1 } from '../../src/discv5/secp256k1.ts'
import type { DatagramSocket } from '../../src/discv5/socket.ts'
import { createLogger } from '../../src/observability/logger.ts'

type OnPacket = (packet: Buffer, ip: string, port: number) => void

/** A network in memory. `drops` says which packets are lost. */
export class Network {
  readonly #bound = new Map<string, OnPacket>()
  readonly drops: () => boolean
  sent = 0
  /** Packets on their way. */
  inFlight = 0

  constructor (drops: () => boolean = () => false) {
    this.drops = drops
  }

  socket (ip: string, port: number): DatagramSocket {
    const at = `${ip}|${port}`
    return {
      family: ip.includes(':') ? 6 : 4,
      receiveBufferBytes: 0,
      bind: async onPacket => {
        if (this.#bound.has(at)) throw new Error(`${at} is taken`)
        this.#bound.set(at, onPacket)
        return { ip, port }
      },
      send: (packet, toIp, toPort) => this.send({ ip, port }, packet, toIp, toPort),
      close: async () => void this.#bound.delete(at),
    }
  }

  send (from: Endpoint, packet: Buffer, ip: string, port: number): void {
    this.sent++
    if (this.drops()) return
    const copy = Buffer.from(packet)
    this.inFlight++
    setImmediate(() => {
      this.inFlight--
      this.#bound.get(`${ip}|${port}`)?.(copy, from.ip, from.port)
    })
  }
}

/** Time that goes only while no packet is on its way: on a busy machine it goes slower, and nobody who answers runs into a time-out. */
export class IdleClock {
  readonly #timer: NodeJS.Timeout
  #now = 1_000_000

  constructor (network: Network) {
    this.#timer = setInterval(() => { if (network.inFlight === 0) this.#now += STEP_MS }, STEP_MS)
  }

  readonly now = (): number => this.#now

  stop (): void { clearInterval(this.#timer) }
}

const STEP_MS = 20

export const LIMITS: NativeOptions['limits'] = {
  packetsPerSecond: 100_000,
  packetsPerIpPerSecond: 1000,
  packetsPerSubnetPerSecond: 5000,
  packetsPerNodePerSecond: 500,
  nodeIdsPerIp: 10,
  whoareyouPerIpPerSecond: 50,
  handshakesPerSecond: 5000,
  banAfter: 1000,
  banMs: 60_000,
}

const OPTIONS: NativeOptions = {
  external: {}, bootnodes: [], limits: LIMITS, sessions: 1000, requestTimeoutMs: 300, retries: 2, pingIntervalMs: 2000, lookupConcurrency: 3, votes: 10,
}

export const curve = loadSecp256k1()

/** A node that is not started. */
export function createNode (sockets: readonly DatagramSocket[], options: Partial<NativeOptions> = {}, deps: Partial<NativeDeps> = {}): NativeEngine {
  const key = randomBytes(32)
  return new NativeEngine({ ...OPTIONS, ...options }, {
    key: { privateKey: () => key }, secp256k1: curve, sockets, log: createLogger({ level: 'silent' }), now: Date.now, random: Math.random, ...deps,
  })
}

/** A started node in `network`. */
export async function startNode (network: Network, ip: string, port = 9000, options: Partial<NativeOptions> = {}, deps: Partial<NativeDeps> = {}): Promise<NativeEngine> {
  const node = createNode([network.socket(ip, port)], options, deps)
  await node.start()
  return node
}

/** Waits until `holds`, for at most `ms`. */
export async function until (holds: () => boolean, ms = 5000): Promise<boolean> {
  for (const end = Date.now() + ms; Date.now() < end;) {
    if (holds()) return true
    await new Promise(resolve => setTimeout(resolve, 10))
  }
  return holds()
}
