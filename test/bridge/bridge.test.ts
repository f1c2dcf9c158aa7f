import { randomBytes } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { pino } from 'pino'
import t from 'tap'
import { Bridge, type BridgeOptions, type DialOutcome } from '../../src/bridge/bridge.ts'
import type { Candidate } from '../../src/bridge/candidate.ts'
import type { NodeRecord, TableNode } from '../../src/discv5/engine.ts'
import { createMetrics } from '../../src/observability/metrics.ts'
import { RateLimit } from '../../src/policy/rate-limit.ts'
import { PUBLIC_IP, recordOf } from './records.ts'

const OPTIONS: BridgeOptions = {
  predicates: [], scope: 'public', self: '12D3KooWself', waiting: 3, dialsAtOnce: 2, remembered: 100, rememberedMs: 1000, retryMs: 100,
}
const ADDRESS = { ip: PUBLIC_IP, tcp: [0x1f, 0x90] }

function start ({ dialsPerSecond = 100, ...options }: Partial<BridgeOptions> & { readonly dialsPerSecond?: number } = {}) {
  const metrics = createMetrics()
  const dialled: Candidate[] = []
  const ends: Array<(outcome: DialOutcome) => void> = []
  const listeners = new Set<(record: NodeRecord) => void>()
  const clock = { ms: 0 }
  const table: TableNode[] = []
  const bridge = new Bridge({ ...OPTIONS, ...options }, {
    discv5: {
      onDiscovered: listener => {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
      table: () => table,
    },
    dialer: {
      dial: async (candidate, signal) => {
        dialled.push(candidate)
        return await new Promise((resolve, reject) => {
          ends.push(resolve)
          signal.addEventListener('abort', () => reject(new Error('stopped')))
        })
      },
    },
    rate: new RateLimit({ perSecond: dialsPerSecond, parties: 1 }),
    metrics: metrics.bridge,
    log: pino({ level: 'silent' }),
    now: () => clock.ms,
  })
  const count = async (name: 'dropped' | 'dials', label: string) =>
    (await metrics.bridge[name].get()).values.find(({ labels }) => Object.values(labels).includes(label))?.value ?? 0
  const tell = (record: NodeRecord) => { for (const listener of listeners) listener(record) }
  return { bridge, dialled, ends, clock, count, tell, listeners, table }
}

t.test('a discovered record is dialled at all its addresses', async t => {
  const { bridge, dialled, tell, listeners } = start()
  await bridge.start()
  tell(recordOf({ ...ADDRESS, quic: [0x23, 0x29] }))
  t.strictSame(dialled[0]?.addresses, ['/ip4/203.0.113.7/udp/9001/quic-v1', '/ip4/203.0.113.7/tcp/8080'])
  await bridge.stop()
  t.equal(listeners.size, 0)
  await bridge.stop()
})

t.test('a record is dialled once for each sequence number, and again after its time', async t => {
  const { bridge, dialled, ends, clock, count } = start()
  const key = randomBytes(32)
  const offer = async (seq: bigint) => {
    bridge.offer(recordOf(ADDRESS, { key, seq }))
    ends.at(-1)?.('joined')
    await setImmediate()
  }
  await offer(2n)
  await offer(2n)
  await offer(1n)
  t.equal(dialled.length, 1)
  t.equal(await count('dropped', 'seen'), 2)
  clock.ms = 100
  await offer(3n)
  t.equal(dialled.length, 2)
  clock.ms = 1100
  await offer(3n)
  t.equal(dialled.length, 3)
  t.equal(await count('dials', 'joined'), 3)
  await bridge.stop()
})

t.test('a node that signs a newer record all the time is dialled no more often than one that is not reached, and at its newest address', async t => {
  const { bridge, dialled, ends, clock, table } = start({ dialsAtOnce: 1 })
  const key = randomBytes(32)
  const record = (seq: bigint) => recordOf({ ip: PUBLIC_IP, tcp: [0x10, Number(seq)] }, { key, seq })
  for (let seq = 1n; seq <= 100n; seq++) {
    bridge.offer(record(seq))
    ends.at(-1)?.('joined')
    await setImmediate()
  }
  t.equal(dialled.length, 1)
  clock.ms = 100
  table.push({ record: record(100n), ip: '203.0.113.7', port: 1, distance: 256, isLive: true, lastSeen: 0 })
  bridge.recall()
  t.strictSame(dialled[1]?.addresses, [`/ip4/203.0.113.7/tcp/${0x1000 + 100}`], 'what it said last is not lost')
  bridge.offer(recordOf(ADDRESS))
  const waiting = randomBytes(32)
  for (const seq of [1n, 2n]) bridge.offer(recordOf({ ip: PUBLIC_IP, tcp: [0x20, Number(seq)] }, { key: waiting, seq }))
  t.equal(bridge.waiting, 2)
  for (let i = 1; i < 4; i++) {
    ends[i]?.('joined')
    await setImmediate()
  }
  t.strictSame(dialled[3]?.addresses, [`/ip4/203.0.113.7/tcp/${0x2000 + 2}`], 'while it waits its newer record takes the place of the older')
  await bridge.stop()
})

t.test('a node that was not reached is dialled again when its time has come, as long as discv5 hears it', async t => {
  const { bridge, dialled, ends, clock, count, table } = start()
  const record = recordOf(ADDRESS)
  const node = { record, ip: '203.0.113.7', port: 1, distance: 256, isLive: true, lastSeen: 0 }
  const recall = async (outcome: DialOutcome) => {
    bridge.recall()
    ends.at(-1)?.(outcome)
    await setImmediate()
    return dialled.length
  }
  bridge.offer(record)
  ends[0]?.('failed')
  await setImmediate()
  clock.ms = 100
  t.equal(await recall('failed'), 1, 'it is not in the table')
  table.push({ ...node, isLive: false })
  t.equal(await recall('failed'), 1, 'it is silent')
  table[0] = node
  t.equal(await recall('joined'), 2)
  clock.ms = 1000
  t.equal(await recall('joined'), 2, 'it was reached')
  clock.ms = 1100
  t.equal(await recall('joined'), 3)
  t.equal(await count('dropped', 'seen'), 0)
  await bridge.stop()
})

t.test('so many dials at once, so many wait, and the rest is dropped and counted', async t => {
  const { bridge, dialled, ends, count } = start()
  for (let i = 0; i < 7; i++) bridge.offer(recordOf(ADDRESS))
  t.equal(dialled.length, 2)
  t.equal(bridge.waiting, 3)
  t.equal(await count('dropped', 'full'), 2)
  ends[0]?.('failed')
  await setImmediate()
  t.equal(dialled.length, 3)
  await bridge.stop()
  t.equal(bridge.waiting, 0)
})

t.test('a record that was dropped because the line was full is taken when it comes again', async t => {
  const { bridge, dialled, ends } = start({ waiting: 1, dialsAtOnce: 1 })
  const late = recordOf(ADDRESS)
  for (const record of [recordOf(ADDRESS), recordOf(ADDRESS), late]) bridge.offer(record)
  ends[0]?.('joined')
  await setImmediate()
  bridge.offer(late)
  ends[1]?.('joined')
  await setImmediate()
  t.equal(dialled.at(-1)?.nodeId, late.nodeId)
  await bridge.stop()
})

t.test('dials keep to their rate', async t => {
  const { bridge, dialled, clock } = start({ dialsPerSecond: 1, dialsAtOnce: 100, waiting: 100 })
  for (let i = 0; i < 10; i++) bridge.offer(recordOf(ADDRESS))
  t.equal(dialled.length, 4) // four seconds' worth at once
  clock.ms += 1000
  bridge.offer(recordOf(ADDRESS))
  t.equal(dialled.length, 5)
  await bridge.stop()
})

t.test('peer and node are found by each other; a declared peer only once it was reached, and never in place of a real one', async t => {
  const { bridge, ends } = start({ dialsAtOnce: 10 })
  const real = recordOf(ADDRESS)
  bridge.offer(real)
  const node = bridge.index.node(real.nodeId)
  t.equal(bridge.index.peer(node?.peerId ?? '')?.nodeId, real.nodeId)

  const peerBytes = Buffer.from([0x00, 0x25, 0x08, 0x02, 0x12, 0x21, ...real.pairs.get('secp256k1') ?? []])
  const liar = recordOf({ ...ADDRESS, libp2p: peerBytes })
  bridge.offer(liar)
  ends[1]?.('joined')
  await setImmediate()
  t.equal(bridge.index.peer(node?.peerId ?? '')?.nodeId, real.nodeId)
  t.equal(bridge.index.node(liar.nodeId), undefined)

  const other = recordOf({ ...ADDRESS, libp2p: [0x00, 0x24, 0x08, 0x01, 0x12, 0x20, ...randomBytes(32)] })
  bridge.offer(other)
  t.equal(bridge.index.node(other.nodeId), undefined)
  ends[2]?.('foreign')
  await setImmediate()
  t.ok(bridge.index.node(other.nodeId))
  await bridge.stop()
})

t.test('memory of records and of peers is bounded', async t => {
  const { bridge } = start({ remembered: 2 })
  const records = Array.from({ length: 3 }, () => recordOf(ADDRESS))
  for (const record of records) bridge.offer(record)
  t.equal(bridge.index.size, 2)
  t.equal(bridge.index.node(records[0]?.nodeId ?? ''), undefined)
  await bridge.stop()
})
