import t from 'tap'
import type { NativeEngine } from '../../../src/discv5/native-engine.ts'
import { TOPIC_PARAMETERS } from '../../../src/discv5/topics/parameters.ts'
import { LIMITS, Network, startNode } from '../network.ts'
import { topicOf } from './advertisers.ts'

t.setTimeout(90_000)

const NODES = 20
const E = 15_000
const TOPIC = topicOf(0x5c).toString('hex')
const PARAMS = { ...TOPIC_PARAMETERS, lifetimeMs: E }

// Nodes in memory whose common clock runs as fast as the test turns it.

const clock = { now: 1_800_000_000_000 }

async function runUntil (holds: () => boolean, ms: number): Promise<boolean> {
  for (const end = clock.now + ms; clock.now < end && !holds(); clock.now += 75) await new Promise(resolve => setTimeout(resolve, 4))
  return holds()
}

/** Runs on until the work is done. */
async function running<T> (work: Promise<T>): Promise<T> {
  let isDone = false
  void work.then(() => { isDone = true }, () => { isDone = true })
  await runUntil(() => isDone, 60_000)
  return await work
}

async function startAll (): Promise<NativeEngine[]> {
  const network = new Network()
  const nodes: NativeEngine[] = []
  for (let i = 0; i < NODES; i++) {
    const bootnodes = nodes.slice(0, 1).map(node => node.ownRecord().text)
    nodes.push(await startNode(network, `${11 + 11 * i}.1.1.1`, 9000, { topics: PARAMS, bootnodes, limits: { ...LIMITS, handshakesPerSecond: 100_000 }, requestTimeoutMs: 1500, pingIntervalMs: 4000 }, { now: () => clock.now }))
  }
  return nodes
}

t.test('an advertised topic is found by everybody, stays found by renewal, and is gone a lifetime after it was withdrawn', async t => {
  const nodes = await startAll()
  t.teardown(async () => await Promise.all(nodes.map(async node => await node.stop())))
  t.ok(await runUntil(() => nodes.every(node => node.stats().liveNodes >= NODES - 5), 60_000), 'they know each other')
  const [advertiser, ...others] = nodes.toReversed() as [NativeEngine, ...NativeEngine[]]
  const topics = (node: NativeEngine) => node.topics as NonNullable<NativeEngine['topics']>
  const finders = async (): Promise<number> => {
    const results = await running(Promise.all(others.map(async node => await topics(node).find(TOPIC, { count: 1 }))))
    return results.filter(({ advertisers }) => advertisers[0]?.nodeId === advertiser.nodeId).length
  }
  t.equal(await finders(), 0, 'nobody advertises it yet')
  t.match(topics(advertiser).advertise(TOPIC, 10 * E), { topic: TOPIC, until: clock.now + 10 * E })
  const held = () => topics(advertiser).advertisements()[0]?.held ?? 0
  t.ok(await runUntil(() => held() >= 8, E / 2), `${held()} hold it`)
  t.equal(await finders(), others.length)

  const begun = clock.now
  let fewest = held()
  await runUntil(() => {
    fewest = Math.min(fewest, nodes.reduce((sum, node) => sum + node.stats().topicAds, 0))
    return clock.now > begun + 2.5 * E
  }, 3 * E)
  t.ok(fewest >= 8, `never fewer than ${fewest} registrars hold it over two and a half lifetimes`)
  t.ok(nodes.reduce((sum, node) => sum + node.counts.topics.renewed, 0) >= 16, 'because it was renewed')
  t.equal(await finders(), others.length)

  t.equal(topics(advertiser).withdraw(TOPIC), true)
  t.equal(topics(advertiser).withdraw(TOPIC), false)
  await runUntil(() => false, E + 1000)
  t.equal(nodes.reduce((sum, node) => sum + node.stats().topicAds, 0), 0)
  t.equal(await finders(), 0)
  t.equal(nodes.reduce((sum, node) => sum + node.counts.drops.internal, 0), 0)
})
