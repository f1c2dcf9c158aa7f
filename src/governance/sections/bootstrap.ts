import { list, object, operations, text, type Of, type OperationOf } from '../form.ts'
import { must, mustBeDistinct, type SectionRules } from './rules.ts'

const MAX_SEEDS = 64

const fingerprint = text(128, /^[1-9A-HJ-NP-Za-km-z]{8,}$/)
/** A seed is named by fingerprint and endpoint: the peer ID, and the multiaddr without it. */
const seed = object({ fingerprint, endpoint: text(256, /^(\/[\w.:-]+)+$/) })

const value = object({ seeds: list(seed, MAX_SEEDS) })
export type Bootstrap = Of<typeof value>

const OPERATIONS = {
  add: { seed },
  remove: { fingerprint },
  /** One seed for another: what an emergency quorum may do too. */
  replace: { fingerprint, seed },
} as const

export const bootstrap: SectionRules<Bootstrap, OperationOf<typeof OPERATIONS>> = {
  value,
  change: operations(OPERATIONS),
  isCanaried: true,

  check ({ seeds }) {
    mustBeDistinct(seeds.map(({ fingerprint }) => fingerprint), 'fingerprints of seeds')
    mustBeDistinct(seeds.map(({ endpoint }) => endpoint), 'endpoints of seeds')
  },

  apply ({ seeds }, change) {
    const isListed = (fingerprint: string): boolean => seeds.some(seed => seed.fingerprint === fingerprint)
    if (change.op === 'add') {
      must(!isListed(change.seed.fingerprint), 'the seed is listed already')
      must(seeds.length < MAX_SEEDS, `at most ${MAX_SEEDS} seeds`)
      return { seeds: [...seeds, change.seed] }
    }
    must(isListed(change.fingerprint), 'no such seed')
    if (change.op === 'replace') return { seeds: seeds.map(seed => seed.fingerprint === change.fingerprint ? change.seed : seed) }
    must(seeds.length > 1, 'the last seed cannot be removed: replace it')
    return { seeds: seeds.filter(({ fingerprint }) => fingerprint !== change.fingerprint) }
  },
}
