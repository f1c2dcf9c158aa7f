import { randomBytes } from 'node:crypto'
import t, { type Test } from 'tap'
import { judgeOf } from '../../../src/compose/discv5-members.ts'
import { Counts } from '../../../src/discv5/counts.ts'
import { decodeRecord } from '../../../src/discv5/enr/record.ts'
import { ChainsafeEngine } from '../../../src/discv5/chainsafe/engine.ts'
import { loadLibrary } from '../../../src/discv5/chainsafe/convert.ts'
import type { Discv5Engine } from '../../../src/discv5/engine.ts'
import { Members } from '../../../src/discv5/members/members.ts'
import type { NativeDeps } from '../../../src/discv5/native-options.ts'
import { UdpSocket } from '../../../src/discv5/socket.ts'
import { logDistance } from '../../../src/discv5/table/distance.ts'
import { parsePeerId } from '../../../src/core/peer-id.ts'
import type { Members as MemberList } from '../../../src/governance/sections/members.ts'
import { createLogger } from '../../../src/observability/logger.ts'
import { createNode, curve, until } from '../network.ts'

// Real engines on loopback: who has a session, a place and the records of others, while a member list is in force.

const PEERS = ['12D3KooWGzxzKZYveHXtpG6AsrUJBcWxHBFS2HsEoGTxrMLvKXtf', '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp'] as const
const library = await loadLibrary()
const log = createLogger({ level: 'silent' })

async function startPeer (t: Test, libp2p?: string, deps: Partial<NativeDeps> = {}): Promise<Discv5Engine> {
  const declared = libp2p === undefined ? undefined : parsePeerId(libp2p)
  const node = createNode([new UdpSocket({ ip: '127.0.0.1', port: 0 }, () => {})], { requestTimeoutMs: 300, retries: 1, pingIntervalMs: 200 }, { ...declared !== undefined && { libp2p: () => ({ libp2p: declared }) }, ...deps })
  await node.start()
  t.teardown(async () => await node.stop())
  return node
}

const ENGINES = {
  native: async (t: Test, membership: Members) => await startPeer(t, undefined, { membership }),
  chainsafe: async (t: Test, membership: Members) => {
    const secret = randomBytes(32)
    const engine = new ChainsafeEngine({ listen: { ip: '127.0.0.1', port: 0 }, requestTimeoutMs: 200, retries: 0, pingIntervalMs: 200 }, {
      library, key: { privateKey: () => secret }, readRecord: bytes => decodeRecord(bytes, curve), membership, log, now: Date.now,
    })
    await engine.start()
    t.teardown(async () => await engine.stop())
    return engine
  },
}

type Node = MemberList['nodes'][number]
const listed = (id: string, keys: Node['keys'], status: Node['status'] = 'active'): Node => ({ id, keys, roles: [], status })
const byNode = (node: Discv5Engine, status?: Node['status']): Node => listed(node.nodeId.slice(0, 8), { peer_id: PEERS[1], node_id: node.nodeId }, status)

for (const [name, start] of Object.entries(ENGINES)) {
  async function setUp (t: Test) {
    const counts = new Counts()
    const members = new Members({ counts })
    const engine = await start(t, members)
    const enforce = (mode: MemberList['mode'], ...nodes: Node[]): void => {
      members.replace(judgeOf({ mode, nodes }))
      engine.dropOutsiders()
    }
    const isHeld = (node: Discv5Engine): boolean => engine.record(node.nodeId) !== undefined
    return { engine, counts, enforce, isHeld, record: engine.ownRecord().text }
  }

  t.test(`${name}: who is not listed gets no session and no place, before or after its record is known`, async t => {
    const { engine, counts, enforce, isHeld, record } = await setUp(t)
    const [member, stranger] = [await startPeer(t), await startPeer(t, PEERS[0])]
    enforce('enforce', byNode(member))
    await t.rejects(stranger.ping(record), { code: 'Timeout' })
    t.ok(counts.outsiders.refused.packet >= 1, 'by its node ID alone')
    await member.ping(record)
    enforce('enforce', byNode(member), listed('alone', { peer_id: '12D3KooWBEYvvfrF7qTYHmdqYQUR4rgkYbT6gkPMXCKxpUEDJgm7' }))
    await t.rejects(stranger.ping(record), { code: 'Timeout' })
    t.ok(counts.outsiders.refused.handshake >= 1, 'by its record')
    t.equal(engine.stats().sessions, 1)
    t.equal(isHeld(stranger), false)
    t.equal(engine.addRecord(stranger.ownRecord().text), false)
    await t.rejects(engine.ping(stranger.ownRecord().text), { code: 'NoCapability', reason: 'member' })
    t.ok(counts.drops.member >= 4)
  })

  t.test(`${name}: a member is served, by its node ID or by the peer ID that its record tells`, async t => {
    const { engine, counts, enforce, record } = await setUp(t)
    const [named, alone] = [await startPeer(t), await startPeer(t, PEERS[0])]
    enforce('enforce', byNode(named), listed('alone', { peer_id: PEERS[0] }))
    for (const node of [named, alone]) {
      await t.resolves(node.ping(record))
      await t.resolves(engine.ping(node.ownRecord().text))
    }
    t.equal(engine.table().length, 2)
    t.equal(counts.drops.member, 0)
  })

  t.test(`${name}: a key of one member with another’s is nobody’s`, async t => {
    const { enforce, record } = await setUp(t)
    const posing = await startPeer(t, PEERS[0])
    enforce('enforce', byNode(posing), listed('other', { peer_id: PEERS[0] }))
    await t.rejects(posing.ping(record), { code: 'Timeout' })
    enforce('enforce', listed('other', { peer_id: PEERS[0], node_id: 'ab'.repeat(32) }), listed('x', { peer_id: PEERS[1] }))
    await t.rejects(posing.ping(record), { code: 'Timeout' })
  })

  t.test(`${name}: who is revoked has nothing here at once, is told to nobody, and does not come back`, async t => {
    const { engine, enforce, isHeld, record } = await setUp(t)
    const [member, revoked] = [await startPeer(t), await startPeer(t)]
    const both = { member: listed('m', { peer_id: PEERS[0], node_id: member.nodeId }), revoked: byNode(revoked) }
    enforce('enforce', both.member, both.revoked)
    for (const node of [member, revoked]) await node.ping(record)
    t.ok(await until(() => engine.table().filter(({ isLive }) => isLive).length === 2 || name === 'chainsafe'))
    const distance = logDistance(Buffer.from(engine.nodeId, 'hex'), Buffer.from(revoked.nodeId, 'hex'))
    const told = async (): Promise<boolean> => (await member.findNode(record, [distance])).some(({ nodeId }) => nodeId === revoked.nodeId)
    t.equal(await told(), true)
    const before = performance.now()
    enforce('enforce', both.member, byNode(revoked, 'revoked'))
    t.equal(isHeld(revoked), false)
    t.equal(engine.stats().sessions, 1)
    t.ok(performance.now() - before < 1000)
    t.equal(await told(), false)
    for (let attempt = 0; attempt < 3; attempt++) await t.rejects(revoked.ping(record), { code: 'Timeout' })
    t.equal(engine.stats().sessions, 1)
    enforce('enforce', both.member, both.revoked)
    await t.resolves(revoked.ping(record), 'listed again, it is let in')
  })

  t.test(`${name}: while a list is only observed all is counted and nothing refused`, async t => {
    const { counts, engine, enforce, record } = await setUp(t)
    const [member, stranger] = [await startPeer(t), await startPeer(t)]
    enforce('observe', byNode(member))
    await t.resolves(stranger.ping(record))
    await t.resolves(engine.ping(stranger.ownRecord().text))
    for (const place of ['packet', 'handshake', 'call'] as const) t.ok(counts.outsiders.observed[place] >= 1, place)
    t.equal(counts.drops.member, 0)
    t.strictSame(new Set(Object.values(counts.outsiders.refused)), new Set([0]))
    enforce('off', byNode(member))
    const seen = counts.outsiders.observed.packet
    await stranger.ping(record)
    t.equal(counts.outsiders.observed.packet, seen)
  })
}
