import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Libp2p } from '@libp2p/interface'
import t, { type Test } from 'tap'
import { encodePeer, encodeReply } from '../../../../src/kad/rpc/message.ts'
import { announce as announceForOperator, askAdmin } from '../../../admin.ts'
import { joinAddress, startTestDaemon, until, type TestDaemon } from '../../../daemon.ts'
import { start, type Running } from '../../../process.ts'
import { keyOf } from '../../fixtures.ts'
import { openRawStream, startBareHost } from '../../interop/stock-peer.ts'

const RECORDS = 50_000
const UNLIMITED = '1000000'

interface DaemonProcess extends Running {
  readonly addresses: readonly string[]
  readonly ops: string
  metric (series: string): Promise<number>
}

/** The daemon as it is run, with all that it keeps in a folder. */
async function startProcess (t: Test, folder: string, bootstrap: TestDaemon): Promise<DaemonProcess> {
  // The audit log is its identity's: with another one after a restart the daemon would not be ready.
  const passphraseFile = join(folder, 'passphrase')
  writeFileSync(passphraseFile, 'of a test, and long enough', { mode: 0o600 })
  const settings = {
    'identity.keyFile': join(folder, 'identity.key'),
    'identity.passphraseFile': passphraseFile,
    'node.profile': 'macronode',
    'node.dataDir': join(folder, 'data'),
    'node.toleratedLag': '10s',
    'providers.store': 'persistent',
    'providers.addsPerPeerPerSecond': UNLIMITED,
    'kad.rpcsPerPeerPerSecond': UNLIMITED,
    'kad.rpcsPerPrefixPerSecond': UNLIMITED,
    'kad.bootstrap': joinAddress(bootstrap),
    'kad.listen': '/ip4/127.0.0.1/tcp/0',
    'kad.addresses': 'any',
    'public.listen': '127.0.0.1:0',
    'discv5.listen': '127.0.0.1:0',
    'ops.listen': '127.0.0.1:0',
  }
  const running = start(t, 'svc-dht', ['run', ...Object.entries(settings).flatMap(([path, value]) => ['--set', `${path}=${value}`])], { XDG_RUNTIME_DIR: join(folder, 'run') })
  const lines = (await running.printed(/"msg":"started"/)).trim().split('\n')
  const { addresses, ops } = JSON.parse(lines.find(line => line.includes('"msg":"started"')) ?? '') as { addresses: string[], ops: string }
  async function metric (series: string): Promise<number> {
    const text = await (await fetch(`${ops}/metrics`)).text()
    return Number(text.split('\n').find(line => line.startsWith(`${series} `))?.slice(series.length + 1) ?? 0)
  }
  await until(async () => (await fetch(`${ops}/readyz`)).status === 200, 'the daemon is ready')
  return { ...running, addresses, ops, metric }
}

/** Announces keys `from` to `to` on one stream, and waits until each was taken. */
async function announce (peer: Libp2p, daemon: DaemonProcess, from: number, to: number): Promise<void> {
  const self = encodePeer({ id: peer.peerId.toMultihash().bytes, addrs: peer.getMultiaddrs().map(({ bytes }) => bytes) })
  const stream = await openRawStream(peer, { addresses: () => [...daemon.addresses] })
  for (let number = from; number < to; number++) {
    if (!stream.send(encodeReply({ type: 'ADD_PROVIDER', key: keyOf(number), providers: [self] }))) await stream.onDrain()
  }
  await until(async () => await daemon.metric('svc_dht_provider_upserts_total{result="created"}') === to - from, 'all announcements are taken')
  await stream.close()
}

t.setTimeout(180_000)

t.test('a daemon has all its records after it was stopped, and after it was killed', { timeout: 120_000 }, async t => {
  const folder = mkdtempSync(join(tmpdir(), 'svc-dht-test-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const bootstrap = await startTestDaemon(t)
  const peer = await startBareHost(t)

  const first = await startProcess(t, folder, bootstrap)
  t.equal(statSync(join(folder, 'data')).mode & 0o777, 0o700)
  await announce(peer, first, 0, RECORDS)
  first.child.kill('SIGTERM')
  t.match(await first.exit, { code: 0, stderr: '' })
  t.same(readdirSync(join(folder, 'data')).filter(name => name.startsWith('providers')), ['providers.db', 'providers.db-commits'], 'the log went into the file')

  const second = await startProcess(t, folder, bootstrap)
  t.equal(await second.metric('svc_dht_provider_replayed'), RECORDS)
  await until(async () => await second.metric('svc_dht_provider_records') === RECORDS, 'all records are held')
  await announce(peer, second, RECORDS, RECORDS + 1000)
  await until(async () => await second.metric('svc_dht_provider_pending') === 0, 'the new ones are on disk')
  second.child.kill('SIGKILL')
  await second.exit

  const third = await startProcess(t, folder, bootstrap)
  t.equal(await third.metric('svc_dht_provider_replayed'), RECORDS + 1000)
  third.child.kill('SIGTERM')
  t.match(await third.exit, { code: 0, stderr: '' })
})

t.test('what the operator announced is announced again after a restart, until it is withdrawn', { timeout: 120_000 }, async t => {
  const folder = mkdtempSync(join(tmpdir(), 'svc-dht-test-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const key = `b3:${'ab'.repeat(32)}`
  const heardOf = async (bootstrap: TestDaemon): Promise<number> => await bootstrap.metric('svc_dht_provider_upserts_total{result="created"}')
  const socket = join(folder, 'run', 'svc-dht', 'admin.sock')
  const cap = join(folder, 'data', 'owner.cap')
  const lives = async (bootstrap: TestDaemon, during: (daemon: DaemonProcess) => Promise<void>): Promise<void> => {
    const daemon = await startProcess(t, folder, bootstrap)
    await during(daemon)
    daemon.child.kill('SIGTERM')
    t.match(await daemon.exit, { code: 0, stderr: '' })
  }
  await lives(await startTestDaemon(t), async () => { await announceForOperator(socket, key, cap) })
  // A network that knows nothing of it: whoever held the record has forgotten.
  const others = await startTestDaemon(t)
  await lives(others, async daemon => {
    await until(async () => await heardOf(others) === 1, 'it is announced again')
    t.equal(await daemon.metric('svc_dht_kad_announced_keys'), 1)
    t.equal((await askAdmin(socket, 'DELETE', `/v1/providers/${encodeURIComponent(key)}`, undefined, cap)).status, 200)
  })
  const third = await startTestDaemon(t)
  await lives(third, async daemon => {
    t.equal(await daemon.metric('svc_dht_kad_announced_keys'), 0)
    t.equal(await daemon.metric('svc_dht_provider_replayed'), 0)
  })
  t.equal(await heardOf(third), 0)
})
