import type { Span } from './span.ts'

/** What we tell about a peer: the Peer schema of Delegated Routing V1 without its wrapping. Addresses never end in /p2p. */
export interface PeerRecord {
  /** Peer ID in base58btc. */
  readonly id: string
  readonly addrs: readonly string[]
  /** Transfer protocols; empty means not known, as Kademlia carries none. */
  readonly protocols: readonly string[]
}

/** What one walk through the network did. The walk fills it in while it runs, so a caller can show progress. */
export interface WalkTrace {
  /** RPCs sent. */
  messages: number
  /** RPCs that were answered. */
  answered: number
  /** RPCs that failed or timed out. */
  failed: number
  /** How many peers deep the peer was whose answer ended the search, or the deepest that answered one in vain: 0 from our own records, 1 from a peer we knew. */
  hops: number
  /** The peers that led to that answer, ours first; `hops` of them. */
  path: readonly string[]
}

export interface Walk {
  readonly signal: AbortSignal
  readonly trace: WalkTrace
  /** Of the walk, when a trace is taken of who asked for it. */
  readonly span?: Span | undefined
}

export function emptyTrace (): WalkTrace {
  return { messages: 0, answered: 0, failed: 0, hops: 0, path: [] }
}
