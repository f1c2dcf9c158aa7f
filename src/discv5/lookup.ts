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
const CLOSER_FIRST = 3
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
      const found = await ask(candidate.record, isFirst ? towards(target, candidate.record.id) : onwards(target, candidate.record.id))
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

/**
 * What a node is asked for first. All that is closer to the target than itself is in those of its buckets whose bit differs between the two,
 * the highest first; then come those just around it.
 */
export function towards (target: Uint8Array, id: Uint8Array): number[] {
  const { closer, farther } = distancesFrom(target, id)
  return [...closer.slice(0, CLOSER_FIRST), ...farther, ...closer.slice(CLOSER_FIRST)].slice(0, DISTANCES)
}

/** What it is asked for when the first of these buckets filled its answer. */
export function onwards (target: Uint8Array, id: Uint8Array): number[] {
  const { closer, farther } = distancesFrom(target, id)
  return [...closer.slice(1), ...farther, ...closer].slice(0, DISTANCES)
}

/** Buckets of a node by what they hold, the more nodes the earlier: those closer to the target than the node itself, and those as far as itself or farther. */
function distancesFrom (target: Uint8Array, id: Uint8Array): { readonly closer: number[], readonly farther: number[] } {
  const closer: number[] = []
  const farther: number[] = []
  const top = logDistance(target, id)
  for (let distance = top; distance >= 1 && closer.length + farther.length < 4 * DISTANCES; distance--) {
    const byte = 32 - Math.ceil(distance / 8)
    const differs = (((target[byte] as number) ^ (id[byte] as number)) >> ((distance - 1) % 8) & 1) === 1
    ;(differs ? closer : farther).push(distance)
  }
  const above = Array.from({ length: DISTANCES }, (_, i) => top + 1 + i).filter(distance => distance <= 256)
  return { closer, farther: [...above.slice(0, 1), ...farther, ...above.slice(1)] }
}
