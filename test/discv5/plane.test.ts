import { mkdtempSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { decodeRecordText } from '../../src/discv5/enr/record.ts'
import { createEphemeralNodeKey, openSealedNodeKey } from '../../src/discv5/node-key.ts'
import { loadSecp256k1 } from '../../src/discv5/secp256k1.ts'
import { startTestDaemon, until } from '../daemon.ts'
import { createNode } from './network.ts'
import { UdpSocket } from '../../src/discv5/socket.ts'

const curve = loadSecp256k1()

t.test('a daemon is a discv5 node, whose record tells its libp2p port and peer ID', async t => {
  const daemon = await startTestDaemon(t)
  const record = decodeRecordText(daemon.enr() ?? '', curve)
  const [, tcp] = /\/tcp\/(\d+)/.exec(daemon.addresses()[0] ?? '') ?? []
  t.equal(record.port('tcp'), Number(tcp))
  t.ok(record.pairs.has('libp2p'))
  const node = createNode([new UdpSocket({ ip: '127.0.0.1', port: 0 }, () => {})])
  await node.start()
  t.teardown(async () => await node.stop())
  t.match(await node.ping(record.text), { ip: '127.0.0.1', enrSeq: record.seq })
  await until(async () => await daemon.metric('svc_dht_discv5_sessions') === 1 && await daemon.metric('svc_dht_discv5_table_nodes{state="live"}') === 1, 'metrics tell the session and the node')
  t.ok(await daemon.metric('svc_dht_discv5_events_total{event="in_handshake"}') >= 1)
  const { features } = await (await fetch(`${daemon.opsUrl}/version`)).json() as { features: string[] }
  t.ok(features.includes('discv5') && features.includes('secp256k1-native'))
})

t.test('a daemon without discv5 has no record, and two daemons join through the record of one', async t => {
  t.equal((await startTestDaemon(t, { flags: { 'discv5.enabled': 'false' } })).enr(), undefined)
  const first = await startTestDaemon(t)
  await startTestDaemon(t, { flags: { 'discv5.bootnodes': first.enr() ?? '' } })
  await until(async () => await first.metric('svc_dht_discv5_table_nodes{state="live"}') === 1, 'the first knows the second')
  t.pass()
})

t.test('a daemon may run the other engine: it says what that lacks, tells its libp2p port, and both kinds join', async t => {
  const flags = { 'discv5.engine': 'chainsafe', 'discv5.pingInterval': '300ms' }
  const first = await startTestDaemon(t, { flags })
  t.match(first.logs.find(({ msg }) => String(msg).startsWith('discv5.engine is chainsafe')), { level: 'warn', event: 'discv5_engine_limited', lacks: /limits and bans/ })
  const record = decodeRecordText(first.enr() ?? '', curve)
  const [, tcp] = /\/tcp\/(\d+)/.exec(first.addresses()[0] ?? '') ?? []
  t.equal(record.port('tcp'), Number(tcp))
  const bootnodes = { 'discv5.bootnodes': first.enr() ?? '', 'discv5.pingInterval': '300ms' }
  const others = [await startTestDaemon(t, { flags: { ...flags, ...bootnodes } }), await startTestDaemon(t, { flags: bootnodes })]
  await until(() => [first, ...others].every(daemon => daemon.readiness().ready), 'all are ready, through nothing but a record')
  const { features } = await (await fetch(`${first.opsUrl}/version`)).json() as { features: string[] }
  t.ok(features.includes('discv5-chainsafe') && features.includes('secp256k1-noble'))
  t.match(first.logs.find(({ event }) => event === 'discv5_listening'), { secp256k1: 'secp256k1-noble' })
})

t.test('limits of discv5 change while the daemon runs, within what the settings table allows', async t => {
  const daemon = await startTestDaemon(t)
  const node = createNode([new UdpSocket({ ip: '127.0.0.1', port: 0 }, () => {})], { retries: 0, requestTimeoutMs: 200, pingIntervalMs: 1e9 })
  await node.start()
  t.teardown(async () => await node.stop())
  await node.ping(daemon.enr() ?? '')
  t.throws(() => daemon.apply({ discv5: { packetsPerSecond: 0 } }), { code: 'BadRequest', message: /discv5.packetsPerSecond: must be at least 1/ })
  daemon.apply({ discv5: { packetsPerSecond: 1 } })
  await t.rejects(async () => { for (let i = 0; i < 8; i++) await node.ping(daemon.enr() ?? '') }, { code: 'Timeout' })
  daemon.apply({ discv5: { packetsPerSecond: 1000 } })
  await t.resolves(node.ping(daemon.enr() ?? ''))
})

t.test('a taken port fails the start of the daemon, and says which', async t => {
  const node = createNode([new UdpSocket({ ip: '127.0.0.1', port: 0 }, () => {})])
  await node.start()
  t.teardown(async () => await node.stop())
  const port = node.listening()[0]?.port ?? 0
  await t.rejects(startTestDaemon(t, { flags: { 'discv5.listen': `127.0.0.1:${port}` } }), { code: 'Conflict', message: `cannot listen on 127.0.0.1:${port} (another program uses this port): change discv5.listen` })
})

t.test('a sealed node key is made once, is for its owner alone, and opens again', async t => {
  const folder = mkdtempSync(join(t.testdir(), 'x'))
  const passphrase = join(folder, 'passphrase')
  writeFileSync(passphrase, 'correct horse\n', { mode: 0o600 })
  const file = join(folder, 'node.key')
  const key = (await openSealedNodeKey(file, passphrase, curve)).privateKey()
  t.ok(curve.isPrivateKey(key))
  t.equal(statSync(file).mode & 0o777, 0o600)
  t.strictSame((await openSealedNodeKey(file, passphrase, curve)).privateKey(), key)
  writeFileSync(passphrase, 'another\n')
  await t.rejects(openSealedNodeKey(file, passphrase, curve), { message: /discv5.keyFile .*node.key/ })
  t.notSame(createEphemeralNodeKey(curve).privateKey(), createEphemeralNodeKey(curve).privateKey())
})
