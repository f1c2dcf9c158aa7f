import { createHash } from 'node:crypto'
import type { PeerId } from '@libp2p/interface'
import { peerIdFromMultihash } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import * as Digest from 'multiformats/hashes/digest'
import type { Sender } from '../../src/kad/rpc/handler.ts'
import { createLogger } from '../../src/observability/logger.ts'
import type { Metrics } from '../../src/observability/metrics.ts'

export const SECOND_MS = 1000
export const MINUTE_MS = 60 * SECOND_MS
export const HOUR_MS = 60 * MINUTE_MS

export const silentLog = createLogger({ level: 'silent' })

/** A clock that stands still until a test moves it. */
export class TestClock {
  time: number
  readonly now = (): number => this.time

  constructor (time = Date.UTC(2026, 0, 1)) {
    this.time = time
  }

  advance (ms: number): void { this.time += ms }
}

/** A sha2-256 multihash of its own for each name. */
export function keyOf (name: string | number): Uint8Array {
  return multihash(`key ${name}`).bytes
}

/** A peer of its own for each name. */
export function peerOf (name: string | number): PeerId {
  return peerIdFromMultihash(multihash(`peer ${name}`))
}

export function bytesOf (peer: PeerId): Uint8Array {
  return peer.toMultihash().bytes
}

export function senderOf (name: string | number, prefix?: string): Sender {
  const peer = peerOf(name)
  return { id: peer.toString(), bytes: bytesOf(peer), prefix }
}

/** Binary multiaddrs. */
export function addrsOf (...texts: readonly string[]): Uint8Array[] {
  return texts.map(text => multiaddr(text).bytes)
}

/** The value of one series, 0 when it was never set. `labels` as /metrics prints them, without braces. */
export async function metricValue ({ registry }: Metrics, name: string, labels = ''): Promise<number> {
  const series = labels === '' ? name : `${name}{${labels}}`
  const line = (await registry.metrics()).split('\n').find(text => text.startsWith(`${series} `))
  return Number(line?.slice(series.length + 1) ?? 0)
}

function multihash (text: string): Digest.Digest<0x12, number> {
  return Digest.create(0x12, createHash('sha256').update(text).digest())
}
