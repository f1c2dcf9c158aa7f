import t from 'tap'
import { fakePorts, KEY, OTHER_PEER, PEER, RECORD, startDaemon } from '../../http/admin/fake-daemon.ts'
import { only } from '../../patterns.ts'
import { jsonLines, ronctl } from '../ronctl.ts'

const reasons = [
  { condition: 'bootstrap', reason: 'no bootstrap peer answered in the last 20s' },
  { condition: 'routing_table', reason: 'the routing table is \u001b[31mempty' },
] as const
const notReady = () => ({ ...fakePorts().status(), readiness: { ready: false, reasons } })

t.test('records tells who, since when, until when, why and where', async t => {
  const socket = await startDaemon(t)
  const { exit, stdout, stderr } = await ronctl(['records', KEY, '--socket', socket])
  t.equal(exit, 0)
  const [heading, line] = stdout.split('\n')
  t.match(heading, /^PROVIDER +SINCE +EXPIRES +SOURCE +COUNTS AGAINST +ADDRESSES$/)
  t.equal(line?.replaceAll(/ {2,}/g, '|'), [PEER, '1m ago', 'in 23h 59m', 'rpc', '192.0.2.0/24', RECORD.addrs.join(' ')].join('|'))
  t.equal(stderr, '1 record\n')
})

t.test('records of a key that has none is a no', async t => {
  const socket = await startDaemon(t, { records: () => [] })
  t.match(await ronctl(['records', KEY, '--socket', socket]), { exit: 1, stdout: '', stderr: /No record held; `ronctl find` asks the network/ })
  const { exit, stdout } = await ronctl(['records', KEY, '--json', '--socket', socket])
  t.equal(exit, 1)
  t.match(jsonLines(stdout), only({ key: KEY, records: only() }))
})

t.test('a record of the operator counts against no prefix', async t => {
  const record = { provider: PEER, addrs: [], received_at: '2026-01-02T03:00:00Z', expires_at: '2026-01-03T03:00:00Z', source: 'operator' } as const
  const socket = await startDaemon(t, { records: () => [record] })
  t.match((await ronctl(['records', KEY, '--socket', socket])).stdout, / operator +–\n/)
})

t.test('table lists the routing table by bucket', async t => {
  const socket = await startDaemon(t)
  const { exit, stdout, stderr } = await ronctl(['table', '--socket', socket])
  t.equal(exit, 0)
  const [, first, second] = stdout.split('\n').map(line => line.trim().replaceAll(/ {2,}/g, '|'))
  t.equal(first, `0|${OTHER_PEER}|1m 30s ago|no|–|/ip4/127.0.0.1/tcp/1`)
  t.equal(second, `3|${PEER}|1h ago|yes|192.0.0.0/16|/ip4/192.0.2.7/tcp/4001`)
  t.equal(stderr, '2 peers in 2 buckets, 1 connected\n')
  t.same(jsonLines((await ronctl(['table', '--json', '--socket', socket])).stdout), [{ peers: fakePorts().peers() }])
})

t.test('status shows what the daemon is and how full it is', async t => {
  const socket = await startDaemon(t)
  const { exit, stdout } = await ronctl(['status', '--socket', socket])
  t.equal(exit, 0)
  for (const fact of ['ready          yes', '1.2.3 (abc1234)', 'micronode', '2h 3m', PEER, '/ip4/127.0.0.1/tcp/7464/ws', '17 peers', '1200 for 800 keys', '1 key\n', '120.0 MiB', KEY]) t.match(stdout, fact)
  t.same(jsonLines((await ronctl(['status', '--json', '--socket', socket])).stdout), [fakePorts().status()])
})

t.test('status speaks of expired records only when their removal lags', async t => {
  const prompt = await startDaemon(t)
  t.notMatch((await ronctl(['status', '--socket', prompt])).stdout, 'expired')
  const lagging = await startDaemon(t, { status: () => ({ ...fakePorts().status(), expiry_lag_seconds: 90 }) })
  t.match((await ronctl(['status', '--socket', lagging])).stdout, 'oldest waits 1m 30s for removal')
})

t.test('status of a daemon that is not ready tells every reason, safely', async t => {
  const socket = await startDaemon(t, { status: notReady })
  const { exit, stdout } = await ronctl(['status', '--socket', socket], { columns: 80, env: { NO_COLOR: '1' } })
  t.equal(exit, 0)
  t.match(stdout, 'no: bootstrap: no bootstrap peer answered in the last 20s')
  t.match(stdout, 'no: routing_table: the routing table is \\u001b[31mempty')
})

t.test('ready answers with its exit code and every reason', async t => {
  const ready = await startDaemon(t)
  t.same(await ronctl(['ready', '--socket', ready]), { exit: 0, stdout: 'ready\n', stderr: '' })
  t.same(jsonLines((await ronctl(['ready', '--json', '--socket', ready])).stdout), [{ ready: true, reasons: [] }])

  const unready = await startDaemon(t, { status: notReady })
  t.same(await ronctl(['ready', '--socket', unready]), {
    exit: 1,
    stdout: 'not ready\n  bootstrap: no bootstrap peer answered in the last 20s\n  routing_table: the routing table is \\u001b[31mempty\n',
    stderr: '',
  })
  const { exit, stdout } = await ronctl(['ready', '--json', '--socket', unready])
  t.equal(exit, 1)
  t.same(jsonLines(stdout), [{ ready: false, reasons }])
})

t.test('quotas shows each quota and how much of it the peer uses', async t => {
  const socket = await startDaemon(t)
  const { exit, stdout, stderr } = await ronctl(['quotas', PEER, '--socket', socket])
  t.equal(exit, 0)
  t.same(stdout.trimEnd().split('\n').slice(1).map(line => line.replaceAll(/ {2,}/g, '|')), ['this peer|50|200|25 %', '192.0.2.0/24|60|300|20 %', 'everyone|1200|10000|12 %'])
  t.match(stderr, '800 announcements now, and gains 200 a second')
  t.same(jsonLines((await ronctl(['quotas', PEER, '--json', '--socket', socket])).stdout), [fakePorts().quotas(PEER)])
})

t.test('quotas without a peer shows who holds most: prefixes, peers, everyone', async t => {
  const socket = await startDaemon(t)
  const { exit, stdout } = await ronctl(['quotas', '--socket', socket])
  t.equal(exit, 0)
  t.same(stdout.trimEnd().split('\n').slice(1).map(line => line.replaceAll(/ {2,}/g, '|')), ['192.0.2.0/24|270|300|90 %', `${PEER}|150|200|75 %`, `${OTHER_PEER}|50|200|25 %`, 'everyone|1200|10000|12 %'])
  t.same(jsonLines((await ronctl(['quotas', '--json', '--socket', socket])).stdout), [fakePorts().topHolders()])
})

t.test('a daemon without records says that nobody holds any', async t => {
  const socket = await startDaemon(t, { topHolders: () => ({ peers: [], prefixes: [], total: { used: 0, limit: 10_000 } }) })
  const { stdout, stderr } = await ronctl(['quotas', '--socket', socket])
  t.match(stdout, /everyone +0 +10000 +0 %/)
  t.match(stderr, 'No peer was found to hold any')
})

t.test('version tells both versions, and our own even without a daemon', async t => {
  const socket = await startDaemon(t)
  t.same(await ronctl(['version', '--socket', socket]), { exit: 0, stdout: 'ronctl   9.9.9\nsvc-dht  1.2.3 (abc1234)\n', stderr: '' })
  t.same(jsonLines((await ronctl(['version', '--json', '--socket', socket])).stdout), [{ client: { version: '9.9.9' }, daemon: { version: '1.2.3', git_sha: 'abc1234' } }])
  t.match(await ronctl(['version', '--socket', '/nowhere/admin.sock']), { exit: 69, stdout: 'ronctl  9.9.9\n', stderr: /not running/ })
  const { stdout, stderr } = await ronctl(['version', '--json', '--socket', '/nowhere/admin.sock'])
  t.same(jsonLines(stdout), [{ client: { version: '9.9.9' }, daemon: null }])
  t.match(jsonLines(stderr), only({ error: { code: 'Unreachable' } }))
  t.same(await ronctl(['--version']), { exit: 0, stdout: '9.9.9\n', stderr: '' })
})

t.test('colour is for terminals, unless NO_COLOR is set', async t => {
  const socket = await startDaemon(t)
  const args = ['ready', '--socket', socket]
  t.match((await ronctl(args, { columns: 80 })).stdout, '\u001b[32mready')
  t.match((await ronctl(args, { columns: 80, env: { NO_COLOR: '' } })).stdout, '\u001b[32mready', 'an empty NO_COLOR is none')
  t.equal((await ronctl(args, { columns: 80, env: { NO_COLOR: '1' } })).stdout, 'ready\n')
  t.equal((await ronctl(args, { env: { FORCE_COLOR: '1' } })).stdout, 'ready\n')
})
