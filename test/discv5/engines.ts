import { randomBytes } from 'node:crypto'
import { pino } from 'pino'
import { loadLibrary } from '../../src/discv5/chainsafe/convert.ts'
import { ChainsafeEngine } from '../../src/discv5/chainsafe/engine.ts'
import type { Discv5Engine } from '../../src/discv5/engine.ts'
import { decodeRecord } from '../../src/discv5/enr/record.ts'
import { NativeEngine } from '../../src/discv5/native-engine.ts'
import type { NativeOptions } from '../../src/discv5/native-options.ts'
import { loadSecp256k1 } from '../../src/discv5/secp256k1.ts'
import { UdpSocket } from '../../src/discv5/socket.ts'
import { LIMITS } from './network.ts'

export interface EngineOptions {
  readonly ip?: string
  readonly port?: number
  readonly pingIntervalMs?: number
  /** Port told in the record instead of the one it listens on. */
  readonly announcePort?: number
  readonly requestTimeoutMs?: number
  readonly retries?: number
  /** Of the native engine only. */
  readonly limits?: NativeOptions['limits']
}

/** Makes a node with a key of its own on loopback. It is not started. */
export type MakeEngine = (options?: EngineOptions) => Discv5Engine

const library = await loadLibrary()
const secp256k1 = loadSecp256k1()
const log = pino({ level: 'silent' })

export const makeChainsafe: MakeEngine = ({ ip = '127.0.0.1', port = 0, pingIntervalMs = 300_000, announcePort, requestTimeoutMs, retries } = {}) => {
  const secret = randomBytes(32)
  return new ChainsafeEngine({
    listen: { ip, port },
    pingIntervalMs,
    lookupTimeoutMs: 3000,
    ...announcePort !== undefined && { announce: { port: announcePort } },
    ...requestTimeoutMs !== undefined && { requestTimeoutMs },
    ...retries !== undefined && { retries },
  }, {
    library, key: { privateKey: () => secret }, readRecord: bytes => decodeRecord(bytes, secp256k1), log, now: Date.now,
  })
}

export const makeNative: MakeEngine = ({ ip = '127.0.0.1', port = 0, pingIntervalMs = 3000, limits = LIMITS, announcePort, requestTimeoutMs = 500, retries = 2 } = {}) => {
  const secret = randomBytes(32)
  return new NativeEngine({
    external: announcePort === undefined ? {} : { udp: announcePort }, bootnodes: [], limits, sessions: 2000, requestTimeoutMs, retries, pingIntervalMs, lookupConcurrency: 3, votes: 10,
  }, {
    key: { privateKey: () => secret }, secp256k1, sockets: [new UdpSocket({ ip, port }, () => {})], log, now: Date.now, random: Math.random,
  })
}

/** Starts one and stops it with the stack. */
export async function startIn (stack: AsyncDisposableStack, engine: Discv5Engine): Promise<Discv5Engine> {
  await engine.start()
  stack.defer(async () => await engine.stop())
  return engine
}
