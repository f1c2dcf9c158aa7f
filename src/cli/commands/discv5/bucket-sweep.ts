/** One answer to FINDNODE has at most so many records: as many as a bucket. */
const FULL_ANSWER = 16
/** Distances that a node can have another at, the farthest half of all first. */
const FARTHEST = 256
/** A network of a million nodes fills some seventeen buckets; a node that claims more is not asked on. */
const MAX_REQUESTS = 24

/**
 * All buckets of one node, from the farthest, which is the fullest, inwards: each alone while it fills an answer, and then all that are left
 * at once. `ask` gives how many records came, or undefined when no answer did, which ends it.
 */
export async function sweepBuckets (ask: (distances: readonly number[]) => Promise<number | undefined>): Promise<void> {
  let requests = 0
  for (let distance = FARTHEST; distance > 0 && requests < MAX_REQUESTS; distance--) {
    requests++
    const found = await ask([distance])
    if (found === undefined) return
    if (found >= FULL_ANSWER || distance === 1) continue
    requests++
    const rest = await ask(Array.from({ length: distance - 1 }, (_, i) => distance - 1 - i))
    if (rest === undefined || rest < FULL_ANSWER) return
  }
}
