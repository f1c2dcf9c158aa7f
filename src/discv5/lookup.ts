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

/** `again`: its answer was as long as an answer can be, so it may know more. */
interface Candidate { readonly record: Enr, state: 'new' | 'asked' | 'again' | 'answered' | 'failed' }

const MAX_REQUESTS = 200
const DISTANCES = 5
/** An answer of this many records was cut off. */
const FULL_ANSWER = 16

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
  const next = (): Candidate | undefined => {
    const closest = sorted.filter(({ state }) => state !== 'failed').slice(0, count)
    return closest.find(({ state }) => state === 'new') ?? closest.find(({ state }) => state === 'again')
  }
  const visit = async (candidate: Candidate): Promise<void> => {
    const isFirst = candidate.state === 'new'
    candidate.state = 'asked'
    requests++
    try {
      const distance = logDistance(target, candidate.record.id)
      const found = await ask(candidate.record, isFirst ? towards(distance) : neighbours(distance))
      candidate.state = isFirst && found.length >= FULL_ANSWER ? 'again' : 'answered'
      found.forEach(see)
    } catch {
      candidate.state = isFirst ? 'failed' : 'answered' // the caller's table counts the miss
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
  const nodes = sorted.filter(({ state }) => state === 'answered' || state === 'again').slice(0, count).map(({ record }) => record)
  return { nodes, requests, isComplete: next() === undefined }
}

/** The bucket in which a node at `distance` from the target has all that is closer than itself, then those around it. */
export function towards (distance: number): number[] {
  return usable([distance, distance - 1, distance + 1, distance - 2, distance + 2, distance + 3, distance + 4, distance + 5])
}

/** A node's own neighbours, which are as far from the target as itself. */
export function neighbours (distance: number): number[] {
  return usable(Array.from({ length: DISTANCES + 1 }, (_, i) => distance - 1 - i))
}

function usable (distances: readonly number[]): number[] {
  const valid = distances.filter(distance => distance >= 1 && distance <= 256).slice(0, DISTANCES)
  return valid.length === 0 ? [1] : valid
}
