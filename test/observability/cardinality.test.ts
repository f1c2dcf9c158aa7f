import t from 'tap'
import { CID } from 'multiformats/cid'
import { createMetrics } from '../../src/observability/metrics.ts'
import { announce, askAdmin } from '../admin.ts'
import { startTestOverlay } from '../daemon.ts'
import { cid } from '../lookup/support/peers.ts'

t.setTimeout(90_000)

/** Every label of our metrics, and what bounds its values. A new one needs a line here, so a reason. */
const BOUNDED_BY = {
  action: 'the inputs of governance, and what is done to capabilities',
  bucket: '32 buckets, the last for all beyond',
  code: 'the statuses that we send, and `aborted`',
  condition: 'READINESS_CONDITIONS',
  digest: 'one: the series of the configuration before is removed',
  effect: 'refused or observed',
  event: 'the closed lists of discv5 events, and of those of topics',
  fault: 'the closed list of faults of what governance keeps',
  git_sha: 'one',
  hash: 'one: the series of the bootstrap set before is removed',
  holder: 'peer, prefix',
  key: 'PURPOSES of custody',
  kind: 'the kinds of lookups, and of store failures',
  method: 'those of our routes, and what Node’s parser knows',
  object: 'the parts whose integrity is counted',
  outcome: 'closed lists where the metric is updated',
  place: 'where an outsider can be met',
  profile: 'PROFILE_NAMES',
  rank: 'the ten largest',
  reason: 'REJECT_REASONS and closed lists where the metric is updated',
  result: 'closed lists where the metric is updated',
  root: 'one: the series of the state before is removed',
  route: 'the patterns of our routes, and `unmatched`',
  scope: 'the whole table or one bucket',
  service: 'public, admin, ops, and parts that are started again',
  stage: 'the stages of a proposal',
  state: 'closed lists where the metric is updated',
  status: 'accepted, refused or not kept',
  type: 'the messages of the protocol',
  version: 'one',
  witness: 'the trust policy that the operator gives, at most its limit of witnesses',
} as const

const MAX_SERIES = 2000

t.test('what bounds each label is known', async t => {
  const metrics = createMetrics().registry.getMetricsAsArray() as unknown as ReadonlyArray<{ readonly name: string, readonly labelNames: readonly string[] }>
  t.ok(metrics.length > 50)
  const used = new Set(metrics.flatMap(({ labelNames }) => labelNames))
  t.strictSame([...used].sort(), Object.keys(BOUNDED_BY).sort())
})

t.test(`a daemon that was asked for everything has at most ${MAX_SERIES} series, and what is typed makes none`, async t => {
  const [daemon, other] = await startTestOverlay(t, 2)
  if (daemon === undefined || other === undefined) return t.fail('no overlay')
  await announce(other.adminSocket, cid('held'))
  await announce(daemon.adminSocket, cid('own'))
  const get = async (url: string, init?: RequestInit): Promise<void> => { await (await fetch(url, init)).text() }
  const askAll = async (name: string): Promise<void> => {
    for (const path of [`providers/${cid(name)}`, `peers/${other.peerId}`, `dht/closest/peers/${cid(name)}`, `ipns/k51qzi5uqu5d${name}`, `providers/${name}`]) {
      for (const accept of ['application/json', 'application/x-ndjson']) await get(`${daemon.publicUrl}/routing/v1/${path}`, { headers: { accept } })
    }
    for (const path of ['/openapi.json', '/audit/checkpoint', '/audit/tile/0/000', `/${name}`]) await get(`${daemon.publicUrl}${path}`)
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'HEAD', 'PATCH', 'PROPFIND']) await get(`${daemon.publicUrl}/routing/v1/ipns/${name}`, { method })
    for (const path of ['status', 'peers', `records/${cid(name)}`, `quotas/${other.peerId}`, 'caps', 'config', 'config/digest', 'governance/charter', 'audit/entries', `lookups/nonsense/${name}`, name]) await askAdmin(daemon.adminSocket, 'GET', `/v1/${path}`).catch(() => {})
    for (const path of ['/healthz', '/readyz', '/version', '/metrics', `/${name}`]) await get(`${daemon.opsUrl}${path}`)
  }
  const series = async (): Promise<string[]> => (await (await fetch(`${daemon.opsUrl}/metrics`)).text()).split('\n').filter(line => line !== '' && !line.startsWith('#')).map(line => line.slice(0, line.lastIndexOf(' ')))
  await askAll('first')
  const before = await series()
  t.ok(before.length > 400, 'there was traffic')
  t.ok(before.length <= MAX_SERIES, `${before.length} series`)
  t.comment(`${before.length} series`)
  for (let index = 0; index < 3; index++) await askAll(`typed${index}`)
  const typed = (await series()).filter(line => line.includes('typed') || line.includes(cid('typed0')) || line.includes(CID.parse(cid('typed1')).toV1().toString()) || line.includes(other.peerId))
  t.strictSame(typed, [])
  t.ok((await series()).length <= MAX_SERIES)
})
