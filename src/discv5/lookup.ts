import type { Enr } from './enr/record.ts'
import { compareDistance, logDistance } from './table/distance.ts'

interface LookupDeps {
  /** One FINDNODE; rejects when the node does not answer. */
  readonly ask: (node: Enr, distances: readonly number[]) => Promise<readonly Enr[]>
  readonly self: string
}

interface LookupInput {
  readonly target: Uint8Array
  readonly count: number
  readonly concurrency: number
  readonly seeds: readonly Enr[]
  readonly signal?: AbortSignal | undefined
}

interface Candidate { readonly record: Enr, state: 'new' | 'asked' | 'answered' | 'failed' }

const MAX_REQUESTS = 200
const DISTANCES = 5

/** discv5 theory, § Lookup: asks the closest seen, several at a time, until the `count` closest seen have all answered. */
export async function walk ({ target, count, concurrency, seeds, signal }: LookupInput, { ask, self }: LookupDeps): Promise<{ nodes: Enr[], requests: number, isComplete: boolean }> {
  const seen = new Map<string, Candidate>()
  /** Closest first. Bounded by MAX_REQUESTS times the records of an answer. */
  const sorted: Candidate[] = []
  let requests = 0
  const see = (record: Enr): void => {
    if (record.nodeId === self || seen.has(record.nodeId)) return
    const candidate: Candidate = { record, state: 'new' }
    seen.set(record.nodeId, candidate)
    const at = sorted.findIndex(other => compareDistance(target, record.id, other.record.id) < 0)
    sorted.splice(at < 0 ? sorted.length : at, 0, candidate)
  }
  const next = (): Candidate | undefined => sorted.filter(({ state }) => state !== 'failed').slice(0, count).find(({ state }) => state === 'new')
  const visit = async (candidate: Candidate): Promise<void> => {
    candidate.state = 'asked'
    requests++
    try {
      const distance = logDistance(target, candidate.record.id)
      const closer = sorted.findIndex(({ record }) => logDistance(target, record.id) >= distance)
      const found = await ask(candidate.record, lookupDistances(distance, closer >= count / 2))
      candidate.state = 'answered'
      found.forEach(see)
    } catch {
      candidate.state = 'failed' // it is not of the closest that live; the caller's table counts the miss
    }
  }

  seeds.forEach(see)
  const underWay = new Set<Promise<void>>()
  for (;;) {
    const candidate = underWay.size < concurrency && requests < MAX_REQUESTS && signal?.aborted !== true ? next() : undefined
    if (candidate !== undefined) {
      const visiting: Promise<void> = visit(candidate).finally(() => underWay.delete(visiting))
      underWay.add(visiting)
    } else if (underWay.size > 0) {
      await Promise.race(underWay)
    } else {
      break
    }
  }
  const nodes = sorted.filter(({ state }) => state === 'answered').slice(0, count).map(({ record }) => record)
  return { nodes, requests, isComplete: next() === undefined }
}

/**
 * What to ask of a node at `distance` from the target. Its bucket of that distance holds all that is closer than itself;
 * once enough of those are seen, its own neighbours are what an answer of sixteen records is better spent on.
 */
export function lookupDistances (distance: number, isCloserSeen: boolean): number[] {
  const below = Array.from({ length: DISTANCES }, (_, i) => distance - 1 - i)
  const around = [distance, distance - 1, distance + 1, distance - 2, distance + 2, distance + 3, distance + 4, distance + 5]
  return [...isCloserSeen ? below : [], ...around].filter((value, i, all) => value >= 1 && value <= 256 && all.indexOf(value) === i).slice(0, DISTANCES)
}
