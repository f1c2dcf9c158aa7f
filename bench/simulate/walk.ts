import { ClosestList } from './closest-list.ts'
import { Exchange, type Answer, type Reply } from './exchange.ts'
import type { Network } from './network.ts'
import type { Id } from './population.ts'
import { hashOf, Random } from './random.ts'

export interface WalkRules {
  /** Peers in a reply and in the result, k. */
  readonly count: number
  /** Requests in flight on each path, α. */
  readonly concurrency: number
  /** Paths that share no peer. */
  readonly paths: number
  /**
   * `engine`: a path ends when every peer it heard of that could enter its k closest responders was asked
   * (@libp2p/kad-dht 16.4, query-path.ts). `closest-3`: the walk ends when the 3 nearest live peers heard of have answered,
   * then asks the rest of the nearest k at once (go-libp2p-kad-dht: β = 3; one path).
   */
  readonly ends: 'engine' | 'closest-3'
  readonly timeoutMs: number
}

export interface WalkResult {
  /** In the order in which they came. */
  readonly answers: readonly Answer[]
  /** The k closest that answered, closest first. */
  readonly closest: readonly number[]
  /** Requests sent, to the dead as well. */
  readonly messages: number
  readonly failed: number
  readonly endedMs: number
  readonly hopsTo: (peer: number) => number
}

const BETA = 3

/** One iterative lookup by `origin`. */
export function walk (network: Network, rules: WalkRules, origin: number, target: Id): WalkResult {
  const { population, tables, seed } = network
  const exchange = new Exchange(network, { origin, target, count: rules.count, timeoutMs: rules.timeoutMs })
  const start = tables.closest(origin, target, rules.count)
  if (rules.ends === 'engine') walkPaths(exchange, network, rules, origin, target, new Random(hashOf(seed, origin, target.hi)).shuffle(start))
  else walkToClosest(exchange, network, rules, origin, target, start)
  const closest = new ClosestList(population, target, rules.count)
  for (const { peer } of exchange.answers) closest.add(peer)
  const { answers, messages, failed, nowMs: endedMs } = exchange
  return { answers, closest: closest.peers, messages, failed, endedMs, hopsTo: peer => exchange.hopsTo(peer) }
}

interface Path {
  /** Responders, which decide when the path has converged. */
  readonly closest: ClosestList
  /** Peers to ask, nearest first. Bounded by k a peer asked. */
  readonly queue: number[]
  running: number
}

/** As @libp2p/kad-dht: the table's k closest are dealt out to the paths, each peer is taken by the path that hears of it first. */
function walkPaths (exchange: Exchange, { population }: Network, rules: WalkRules, origin: number, target: Id, start: readonly number[]): void {
  const seen = new Set<number>([origin])
  const paths = Array.from({ length: Math.min(rules.paths, start.length) }, (): Path =>
    ({ closest: new ClosestList(population, target, rules.count), queue: [], running: 0 }))
  const enqueue = (path: Path, peer: number): void => {
    seen.add(peer)
    let place = path.queue.length
    while (place > 0 && population.compareDistance(peer, path.queue[place - 1] as number, target) < 0) place--
    path.queue.splice(place, 0, peer)
  }
  const pump = (path: Path, index: number): void => {
    while (path.running < rules.concurrency && path.queue.length > 0) {
      const peer = path.queue.shift() as number
      if (!path.closest.canAdd(peer)) continue
      path.running++
      exchange.send(peer, index)
    }
  }
  for (const [index, peer] of start.entries()) enqueue(paths[index % paths.length] as Path, peer)
  for (const [index, path] of paths.entries()) pump(path, index)
  while (exchange.inFlight > 0) {
    const { peer, path: index, closer } = exchange.next()
    const path = paths[index] as Path
    path.running--
    if (closer !== undefined) {
      path.closest.add(peer)
      for (const told of closer) {
        // Only peers nearer than their teller are followed.
        if (!seen.has(told) && population.compareDistance(told, peer, target) < 0 && path.closest.canAdd(told)) enqueue(path, told)
      }
    }
    pump(path, index)
  }
}

/** As go-libp2p-kad-dht: one path, nearest first, ended by its three nearest; then the rest of the k nearest are asked. */
function walkToClosest (exchange: Exchange, { population }: Network, rules: WalkRules, origin: number, target: Id, start: readonly number[]): void {
  /** Heard of and not known to be dead. Bounded by k a peer asked. */
  const heard = new ClosestList(population, target, Number.POSITIVE_INFINITY)
  const known = new Set<number>([origin])
  const asked = new Set<number>()
  const answered = new Set<number>()
  const learn = (peers: readonly number[]): void => {
    for (const peer of peers) {
      if (known.has(peer)) continue
      known.add(peer)
      heard.add(peer)
    }
  }
  const ask = (limit: number, among: readonly number[]): void => {
    for (const peer of among) {
      if (exchange.inFlight >= limit) return
      if (asked.has(peer)) continue
      asked.add(peer)
      exchange.send(peer)
    }
  }
  const take = ({ peer, closer }: Reply): void => {
    if (closer === undefined) {
      heard.remove(peer)
      return
    }
    answered.add(peer)
    learn(closer)
  }
  learn(start)
  ask(rules.concurrency, heard.peers)
  while (exchange.inFlight > 0 && !heard.peers.slice(0, BETA).every(peer => answered.has(peer))) {
    take(exchange.next())
    ask(rules.concurrency, heard.peers)
  }
  ask(Number.POSITIVE_INFINITY, heard.peers.slice(0, rules.count))
  // Requests to others that are still under way are given up, as if cancelled: the k nearest alone are waited for.
  while (exchange.inFlight > 0 && !heard.peers.slice(0, rules.count).every(peer => answered.has(peer))) take(exchange.next())
}
