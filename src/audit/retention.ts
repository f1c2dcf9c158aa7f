import { randomUUID } from 'node:crypto'
import type { ControlAction } from '../core/control-action.ts'
import { TILE_WIDTH } from './format/tile.ts'
import { PRUNE_ACTION } from './scan.ts'

const PRUNE_REASONS = { memory: 'the log in memory has reached its bound', age: 'older than audit.retention' } as const

export type PruneReason = keyof typeof PRUNE_REASONS

/** What is to be let go, once a checkpoint covers the entry that says so. */
export interface Pruning { readonly minimum: number, readonly why: PruneReason }

/** The entry that comes before entries are let go. */
export function pruneAction (from: number, minimum: number, why: PruneReason): ControlAction {
  return { actor: 'daemon', action: PRUNE_ACTION, reason: PRUNE_REASONS[why], opId: `${PRUNE_ACTION}:${randomUUID()}`, event: { from, minimum } }
}

/** Bundles that one look at the log's age reads. */
const MAX_BUNDLES = 1000

/**
 * The first entry that is young enough to be published: past whole bundles under the checkpoint whose last entry is older than
 * `beforeMs`. Never lower than `minimum`.
 */
export async function findYoung ({ minimum, published, beforeMs }: { readonly minimum: number, readonly published: number, readonly beforeMs: number }, timeOf: (seq: number) => Promise<number>): Promise<number> {
  let first = minimum
  for (let seen = 0; seen < MAX_BUNDLES && first + TILE_WIDTH <= published; seen++) {
    if (await timeOf(first + TILE_WIDTH - 1) >= beforeMs) break
    first += TILE_WIDTH
  }
  return first
}
