import { createHash } from 'node:crypto'

/** One-way delays between hosts. Milliseconds. */
export interface Distances {
  readonly minMs: number
  readonly maxMs: number
}

/** The links of one host, known by its own loopback address. */
export interface Link {
  readonly ip: string
  delayMs (otherIp: string): number
}

/** Each host has a loopback address of its own. */
function ipOfHost (index: number): string {
  return `127.10.${index >> 8}.${1 + (index & 255)}`
}

/** A pair of hosts has one delay, the same in both directions and in every run, spread evenly over the range. */
export function linkOf (index: number, { minMs, maxMs }: Distances): Link {
  const ip = ipOfHost(index)
  return {
    ip,
    delayMs: otherIp => {
      const digest = createHash('sha256').update([ip, otherIp].sort().join(' ')).digest()
      return minMs + (maxMs - minMs) * digest.readUInt32BE() / 0xffff_ffff
    },
  }
}
