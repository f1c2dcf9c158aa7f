import { percentile } from '../measure.ts'
import type { Network } from './network.ts'
import { randomId, type Id } from './population.ts'
import { hashOf, Random } from './random.ts'
import { walk, type WalkRules } from './walk.ts'

/** What many lookups by random peers for random keys came to. Times in milliseconds. */
export interface LookupFigures {
  /** Peers on the way to the closest peer of the result, itself included (src/kad/walk-recorder.ts, FIND_NODE). */
  readonly hopsP50: number
  readonly hopsP99: number
  /** The same to the first of the k peers that would hold the key's record (GET_PROVIDERS). */
  readonly recordHopsP99: number
  readonly messagesP50: number
  readonly messagesP99: number
  /** Requests a lookup that nobody answered. */
  readonly failedMean: number
  /** Percent of lookups whose first result is the closest live peer there is. */
  readonly closestFound: number
  /** Percent of lookups that reached one of the k closest live peers. */
  readonly recordFound: number
  /** Percent of the k closest live peers that were in the result. */
  readonly setFound: number
  /** Until the first of the k closest answered. */
  readonly answerP50: number
  readonly answerP95: number
  /** Until the lookup ended. */
  readonly endP50: number
  readonly endP95: number
}

export function measureLookups (network: Network, rules: WalkRules, lookups: number, seed: number): LookupFigures {
  const random = new Random(seed)
  const hops: number[] = []
  const recordHops: number[] = []
  const messages: number[] = []
  const answerMs: number[] = []
  const endMs: number[] = []
  let failed = 0
  let exact = 0
  let ofSet = 0
  for (let lookup = 0; lookup < lookups; lookup++) {
    const origin = randomLivePeer(network, random)
    const target = randomId(random)
    const truth = trueClosest(network, origin, target, rules.count)
    const result = walk(network, rules, origin, target)
    if (result.closest[0] !== undefined) hops.push(result.hopsTo(result.closest[0]))
    if (result.closest[0] === truth[0]) exact++
    const closest = new Set(truth)
    const holders = truth.filter(peer => network.liveness.lies?.(peer) !== true)
    ofSet += result.closest.filter(peer => closest.has(peer)).length / truth.length
    const first = result.answers.find(({ peer }) => holders.includes(peer))
    if (first !== undefined) {
      recordHops.push(result.hopsTo(first.peer))
      answerMs.push(first.atMs)
    }
    messages.push(result.messages)
    failed += result.failed
    endMs.push(result.endedMs)
  }
  return {
    hopsP50: percentile(hops, 50),
    hopsP99: percentile(hops, 99),
    recordHopsP99: percentile(recordHops, 99),
    messagesP50: percentile(messages, 50),
    messagesP99: percentile(messages, 99),
    failedMean: failed / lookups,
    closestFound: 100 * exact / lookups,
    recordFound: 100 * recordHops.length / lookups,
    setFound: 100 * ofSet / lookups,
    answerP50: percentile(answerMs, 50),
    answerP95: percentile(answerMs, 95),
    endP50: percentile(endMs, 50),
    endP95: percentile(endMs, 95),
  }
}

/** The closest live peers there are, without the one who asks. */
export function trueClosest ({ population, liveness }: Network, origin: number, target: Id, count: number): number[] {
  return population.closest(target, count, peer => peer !== origin && liveness.answers(peer))
}

/** At least one peer must be alive. */
export function randomLivePeer ({ population, liveness }: Network, random: Random): number {
  for (;;) {
    const peer = random.below(population.size)
    if (liveness.answers(peer)) return peer
  }
}

/** Peers in a table, the median of a few owners'. */
export function tableSize (network: Network, seed: number): number {
  const random = new Random(hashOf(seed, network.population.size))
  const sizes = Array.from({ length: 5 }, () => network.tables.closest(randomLivePeer(network, random), randomId(random), Number.POSITIVE_INFINITY).length)
  return percentile(sizes, 50)
}
