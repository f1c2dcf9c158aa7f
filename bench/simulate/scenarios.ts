import { settings } from '../../src/config/settings.ts'
import { STILL, withChurn, withDead, withLiars, type Liveness } from './liveness.ts'
import type { Network } from './network.ts'
import { Population } from './population.ts'
import { IPFS_SESSIONS, HOUR_MS, Sessions } from './sessions.ts'
import { ENGINE, KADEMLIA, Tables, type TableShape } from './tables.ts'
import type { WalkRules } from './walk.ts'

export const SEED = 20_260_801
const DEAD_SHARE = 0.2
const LIAR_SHARES = [0.5, 0.8]
const REFRESH_MS = 10 * 60_000
/** Any moment would do: sessions are in their steady state from the start. */
const LOOKUPS_AT_MS = 24 * HOUR_MS

/** One way to run a network: what a peer keeps, and how it looks up. */
export interface ParameterSet {
  readonly name: string
  readonly shape: TableShape
  readonly rules: WalkRules
}

/** As the daemon sets them, but with the engine's own patience, 5 s, so that rows differ in their tables alone. */
const OURS: WalkRules = {
  count: settings.kad.bucketSize.fallback,
  concurrency: settings.kad.concurrency.fallback,
  paths: settings.kad.disjointPaths.fallback,
  ends: 'engine',
  timeoutMs: 5000,
}
const SPLIT: TableShape = { ...KADEMLIA, trieDepth: ENGINE.trieDepth }

/** The engine's table as it is, and the same 64 buckets with the own one divided further, as the daemon keeps them. */
export const STOCK_TABLE: ParameterSet = { name: 'trie 6', shape: ENGINE, rules: OURS }
export const OWN_BUCKET_SPLIT: ParameterSet = { name: 'trie 6, own bucket split', shape: SPLIT, rules: OURS }
/** What the daemon runs: it gives up on a silent peer after 3 s (`src/kad/host.ts`). */
export const DAEMON: ParameterSet = { name: 'trie 6, own bucket split, 3 s', shape: SPLIT, rules: { ...OURS, timeoutMs: 3000 } }

export const PARAMETER_SETS: readonly ParameterSet[] = [
  { name: 'trie 6, stock 10 paths', shape: ENGINE, rules: { ...OURS, concurrency: 10, paths: 10 } },
  STOCK_TABLE,
  { name: 'trie 6, half nearest', shape: { ...ENGINE, nearest: 10 }, rules: OURS },
  { name: 'trie 10', shape: { ...ENGINE, trieDepth: 10 }, rules: OURS },
  { name: 'trie 16', shape: { ...ENGINE, trieDepth: 16 }, rules: OURS },
  { name: 'Kademlia', shape: KADEMLIA, rules: OURS },
  { name: 'Kademlia, α 3, 3 paths', shape: KADEMLIA, rules: { ...OURS, concurrency: 3, paths: 3 } },
  { name: 'Kademlia, go α 10 β 3', shape: KADEMLIA, rules: { ...OURS, concurrency: 10, paths: 1, ends: 'closest-3' } },
  { name: 'Kademlia, buckets of 80', shape: { ...KADEMLIA, bucketSize: 80 }, rules: OURS },
  { name: 'Kademlia, 4 buckets for 1', shape: { ...KADEMLIA, extraBits: 2 }, rules: OURS },
  OWN_BUCKET_SPLIT,
  DAEMON,
]

/** The daemon with other widths of its lookups. */
export const WIDTHS: readonly ParameterSet[] = [[3, 1], [3, 3], [5, 2], [7, 3], [10, 1], [10, 2], [10, 3], [10, 10]].map(([concurrency = 1, paths = 1]) => (
  { name: `daemon, α/paths ${concurrency}/${paths}`, shape: DAEMON.shape, rules: { ...DAEMON.rules, concurrency, paths } }))

export interface Condition {
  readonly name: string
  readonly population: Population
  readonly liveness: Liveness
}

/** One size of network: its peers, and what may befall them. */
export class World {
  /** Peers that answer, or would but for an outage. */
  readonly nodes: number
  /** Nobody ever leaves. */
  readonly still: Condition
  /** Everybody who is ever online; `nodes` of them are at any time. */
  readonly #changing: Population
  readonly sessions = new Sessions(IPFS_SESSIONS, SEED)

  constructor (nodes: number) {
    this.nodes = nodes
    this.still = { name: 'still', population: new Population(nodes, SEED), liveness: STILL }
    this.#changing = new Population(Math.round(nodes / IPFS_SESSIONS.availability), SEED + 1)
  }

  conditions (): Condition[] {
    return [
      this.still,
      { name: `${DEAD_SHARE * 100} % dead`, population: this.still.population, liveness: withDead(DEAD_SHARE, SEED) },
      { name: 'churn', ...this.#churnAt(LOOKUPS_AT_MS, REFRESH_MS) },
    ]
  }

  /** The same lookups over tables that were refreshed more or less often. */
  refreshConditions (): Condition[] {
    return [5, 10, 60, 360].map(minutes => ({ name: `churn, refresh ${minutes} min`, ...this.#churnAt(LOOKUPS_AT_MS, minutes * 60_000) }))
  }

  /** Peers that lie, in numbers at which it shows. */
  liarConditions (): Condition[] {
    return LIAR_SHARES.map(share => ({ name: `${share * 100} % liars`, population: this.still.population, liveness: withLiars(share, SEED) }))
  }

  networkAt (shape: TableShape, atMs: number): Network {
    return networkOf(shape, this.#churnAt(atMs, REFRESH_MS))
  }

  #churnAt (atMs: number, refreshMs: number): Pick<Condition, 'population' | 'liveness'> {
    return { population: this.#changing, liveness: withChurn(this.sessions, atMs, refreshMs, SEED) }
  }
}

export function networkOf (shape: TableShape, { population, liveness }: Pick<Condition, 'population' | 'liveness'>): Network {
  return { population, liveness, tables: new Tables(shape, population, liveness, SEED), seed: SEED }
}
