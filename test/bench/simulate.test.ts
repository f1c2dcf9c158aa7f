import t from 'tap'
import { figures } from '../../bench/simulate.ts'
import { measureAvailability, PROBES_MS } from '../../bench/simulate/availability.ts'
import { STILL, withChurn, withDead, type Liveness } from '../../bench/simulate/liveness.ts'
import { measureLookups, randomLivePeer, trueClosest } from '../../bench/simulate/lookups.ts'
import type { Network } from '../../bench/simulate/network.ts'
import { Population, randomId, type Id } from '../../bench/simulate/population.ts'
import { Random } from '../../bench/simulate/random.ts'
import { PARAMETER_SETS, OWN_BUCKET_SPLIT, World } from '../../bench/simulate/scenarios.ts'
import { HOUR_MS, IPFS_SESSIONS, Sessions } from '../../bench/simulate/sessions.ts'
import { drawChart } from '../../bench/simulate/svg.ts'
import { ENGINE, KADEMLIA, Tables, type TableShape } from '../../bench/simulate/tables.ts'
import { walk, type WalkRules } from '../../bench/simulate/walk.ts'

t.setTimeout(180_000)

const SEED = 7
const RULES: WalkRules = { count: 20, concurrency: 3, paths: 3, ends: 'engine', timeoutMs: 5000 }

function networkOf (nodes: number, liveness: Liveness = STILL, shape: TableShape = KADEMLIA, seed = SEED): Network {
  const population = new Population(nodes, seed)
  return { population, liveness, tables: new Tables(shape, population, liveness, seed), seed }
}

function * lookupsIn (network: Network, rules: WalkRules, count: number) {
  const random = new Random(SEED)
  for (let lookup = 0; lookup < count; lookup++) {
    const origin = randomLivePeer(network, random)
    const target = randomId(random)
    yield { origin, target, result: walk(network, rules, origin, target) }
  }
}

/** The definition, with 64-bit arithmetic instead of halves and ranges. */
function sortedByDistance (population: Population, target: Id): number[] {
  const toBig = ({ hi, lo }: Id): bigint => BigInt(hi) << 32n | BigInt(lo)
  const distances = Array.from({ length: population.size }, (_, peer) => ({ peer, distance: toBig(population.idOf(peer)) ^ toBig(target) }))
  return distances.sort((a, b) => a.distance < b.distance ? -1 : 1).map(({ peer }) => peer)
}

t.test('the closest peers of a population are those that a sort by distance puts first', async t => {
  const population = new Population(3000, SEED)
  const random = new Random(SEED)
  for (let round = 0; round < 50; round++) {
    const target = randomId(random)
    const sorted = sortedByDistance(population, target)
    t.same(population.closest(target, 20, () => true), sorted.slice(0, 20))
    t.same(population.closest(target, 20, peer => peer % 3 === 0), sorted.filter(peer => peer % 3 === 0).slice(0, 20))
  }
  t.equal(population.closest(randomId(random), 5000, () => true).length, 3000, 'no more than there are')
})

t.test('where nobody leaves, each lookup finds the k closest peers there are', async t => {
  for (const { name, shape, rules } of PARAMETER_SETS.filter(({ shape }) => shape.splitsOwnBucket)) {
    const network = networkOf(3000, STILL, shape)
    for (const { origin, target, result } of lookupsIn(network, rules, 40)) {
      t.same(result.closest, trueClosest(network, origin, target, 20), name)
    }
  }
})

t.test('a table that does not divide its own bucket loses the closest peers once that bucket overflows', async t => {
  const rules = { ...RULES, paths: 1 }
  const shape = { ...ENGINE, trieDepth: 2 }
  const small = measureLookups(networkOf(60, STILL, shape), rules, 100, SEED)
  const large = measureLookups(networkOf(20_000, STILL, shape), rules, 100, SEED)
  const divided = measureLookups(networkOf(20_000, STILL, { ...shape, splitsOwnBucket: true }), rules, 100, SEED)
  t.equal(small.closestFound, 100)
  t.ok(large.closestFound < 50, `${large.closestFound} %`)
  t.equal(divided.closestFound, 100)
})

t.test('a lookup asks no peer twice and itself never', async t => {
  for (const { rules } of PARAMETER_SETS) {
    const network = networkOf(2000, withDead(0.3, SEED))
    for (const { origin, result } of lookupsIn(network, rules, 10)) {
      const answered = result.answers.map(({ peer }) => peer)
      t.equal(new Set(answered).size, answered.length)
      t.notOk(answered.includes(origin))
      t.ok(answered.length + result.failed <= result.messages)
      t.ok(answered.every(peer => network.liveness.answers(peer)))
    }
  }
})

t.test('a lookup takes the time of the requests that it waits for', async t => {
  const dead = withDead(1, SEED)
  const network = networkOf(15, dead)
  // 14 silent peers on 3 paths of 5, 5 and 4, three at a time: two timeouts one after the other.
  const { endedMs, failed, messages, closest } = walk(network, RULES, 0, { hi: 0, lo: 0 })
  t.same({ endedMs, failed, messages, closest }, { endedMs: 10_000, failed: 14, messages: 14, closest: [] })
})

t.test('hops count the peers on the way: one where all are in the own table, and few more in a large network', async t => {
  const small = measureLookups(networkOf(20), RULES, 50, SEED)
  t.equal(small.hopsP99, 1)
  const large = networkOf(20_000)
  for (const { origin, target, result } of lookupsIn(large, RULES, 20)) {
    const [first] = result.closest
    const own = large.tables.closest(origin, target, 20)
    for (const { peer } of result.answers) if (!own.includes(peer)) t.ok(result.hopsTo(peer) > 1)
    t.ok(first !== undefined && result.hopsTo(first) <= 6)
  }
})

t.test('the same seed brings the same figures, another one others', async t => {
  const run = (seed: number) => measureLookups(networkOf(2000, withDead(0.2, seed), KADEMLIA, seed), RULES, 30, seed)
  t.same(run(1), run(1))
  t.notSame(run(1), run(2))
})

t.test('more dead peers never bring more success', async t => {
  const found = [0, 0.2, 0.4, 0.6, 0.8, 0.9].map(share => measureLookups(networkOf(3000, withDead(share, SEED)), RULES, 60, SEED))
  for (const [index, { setFound, closestFound }] of found.entries()) {
    const before = found[index - 1]
    if (before === undefined) continue
    t.ok(setFound <= before.setFound, `${setFound} % of the set after ${before.setFound} %`)
    t.ok(closestFound <= before.closestFound)
  }
  t.ok((found.at(-1)?.setFound ?? 100) < 90, 'and in the end less')
  t.same(measureLookups(networkOf(3000, withDead(0, SEED)), RULES, 60, SEED), measureLookups(networkOf(3000), RULES, 60, SEED))
})

t.test('sessions are as long, and peers as often online, as their distribution says', async t => {
  const sessions = new Sessions(IPFS_SESSIONS, SEED)
  const peers = Array.from({ length: 20_000 }, (_, peer) => peer)
  const atStart = peers.filter(peer => sessions.isOnline(peer, 0))
  const near = (value: number, wanted: number, what: string) => t.ok(Math.abs(value - wanted) < 0.015, `${what}: ${value}, not ${wanted}`)
  near(atStart.length / peers.length, IPFS_SESSIONS.availability, 'online at the start')
  near(peers.filter(peer => sessions.isOnline(peer, 24 * HOUR_MS)).length / peers.length, IPFS_SESSIONS.availability, 'online a day later')
  const stayed = atStart.filter(peer => (sessions.onlineSince(peer, 24 * HOUR_MS) ?? 1) <= 0)
  const root = Math.sqrt(24 * HOUR_MS / IPFS_SESSIONS.scaleMs)
  near(stayed.length / atStart.length, (1 + root) * Math.exp(-root), 'stayed online for a day')
})

t.test('a table that is refreshed less often lists more peers that have left', async t => {
  const sessions = new Sessions(IPFS_SESSIONS, SEED)
  const failed = [5, 60, 720].map(minutes => measureLookups(networkOf(4000, withChurn(sessions, 24 * HOUR_MS, minutes * 60_000, SEED)), RULES, 40, SEED).failedMean)
  t.same(failed, [...failed].sort((a, b) => a - b))
  t.ok((failed[0] ?? 0) > 0)
})

t.test('a record is found more often when it is announced again, and when holders keep it', async t => {
  const { availability, holdersOnline } = measureAvailability(new World(400), { ...OWN_BUCKET_SPLIT, rules: { ...RULES, count: 3 } }, 40, SEED)
  const at = (policy: string, keepsRecords: boolean) => availability.find(one => one.policy.name === policy && one.keepsRecords === keepsRecords)?.found ?? []
  for (const [probe] of PROBES_MS.entries()) {
    for (const keepsRecords of [true, false]) {
      t.ok((at('every 22 h', keepsRecords)[probe] ?? 0) >= (at('announced once', keepsRecords)[probe] ?? 0))
    }
    for (const { policy } of availability) t.ok((at(policy.name, true)[probe] ?? 0) >= (at(policy.name, false)[probe] ?? 0))
  }
  t.ok((at('announced once', false).at(-1) ?? 100) < 100, 'three holders of whom most have left are too few')
  t.equal(holdersOnline[0], 3)
  t.ok((holdersOnline.at(-1) ?? 3) < 3)
})

t.test('the bench gives finite figures, and refuses sizes that it cannot hold', async t => {
  const all = await Array.fromAsync(figures(['100']))
  t.ok(all.length > 100)
  t.same(all.filter(({ ours }) => !Number.isFinite(ours)), [])
  for (const size of ['5', 'many', '1e9']) await t.rejects(Array.fromAsync(figures([size])), RangeError)
})

t.test('a chart names its series and escapes what it is told', async t => {
  const svg = drawChart('a < b', [{ title: 'one', xTitle: 'x', yTitle: 'y', xLabels: ['1', '2'], series: [{ name: 'p50 & p99', color: '#000', isDashed: true, values: [1, Number.NaN] }] }])
  t.match(svg, 'a &lt; b')
  t.match(svg, 'p50 &amp; p99')
  t.notMatch(svg, 'NaN')
})
