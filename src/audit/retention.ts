import { TILE_WIDTH } from './format/tile.ts'

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
