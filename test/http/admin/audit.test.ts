import t from 'tap'
import { parseProofFile, verifyProofFile } from '../../../src/audit/format/proof-file.ts'
import { canonicalJson } from '../../../src/core/digest.ts'
import { DhtError } from '../../../src/core/errors.ts'
import { MemoryLogStorage } from '../../../src/audit/storage/memory.ts'
import type { AuditEntriesBody } from '../../../src/http/admin/wire.ts'
import { action, createLog, fill, KEYS, ORIGIN } from '../../audit/logs.ts'
import { only } from '../../patterns.ts'
import { CID, fakePorts, fetchJson, KEY, NOW, open, provide, startDaemon, type TempTest } from './fake-daemon.ts'

async function serve (t: TempTest) {
  const { log } = createLog(new MemoryLogStorage({ limitBytes: 1e8 }))
  await log.start()
  t.teardown(async () => await log.stop())
  return { log, socket: await startDaemon(t, { audit: log, actions: log }) }
}

async function page (socket: string, query: string): Promise<AuditEntriesBody> {
  const { status, body } = await fetchJson(socket, { path: `/v1/audit/entries${query}` })
  if (status !== 200) throw new Error(JSON.stringify(body))
  return body as AuditEntriesBody
}

t.test('the head says how long the log is, what its checkpoint covers and by which keys it is known', async t => {
  const { log, socket } = await serve(t)
  await fill(log, 3)
  t.match(await fetchJson(socket, { path: '/v1/audit/head' }), { status: 200, body: { origin: ORIGIN, size: 3, published: 0, keys: only(...log.head().keys) } })
})

t.test('entries come in bounded pages that lead through the whole log', async t => {
  const { log, socket } = await serve(t)
  await fill(log, 2500)
  await log.publish()
  const first = await page(socket, '')
  t.strictSame([first.entries.length, first.next, first.size], [100, 100, 2500])
  const seen: number[] = []
  for (let next: number | undefined = 0; next !== undefined;) {
    const body: AuditEntriesBody = await page(socket, `?from=${next}&limit=1000`)
    seen.push(...body.entries.map(({ seq }) => seq))
    next = body.next
  }
  t.strictSame(seen, Array.from({ length: 2500 }, (_, seq) => seq))
  t.strictSame(await page(socket, '?from=9000'), { size: 2500, minimum: 0, entries: [] })
})

t.test('a filter that matches nothing looks at a bounded part of the log and says where to go on', async t => {
  const { log, socket } = await serve(t)
  await fill(log, 2100)
  await log.record(action(2100, { action: 'proposal.approve' }))
  t.strictSame(await page(socket, '?action=proposal'), { size: 2101, minimum: 0, entries: [], next: 2000 })
  t.match(await page(socket, '?action=proposal&from=2000'), { entries: only({ seq: 2100 }) })
  t.equal((await page(socket, '?action=prop&from=2000')).entries.length, 0, 'a part of a word is none')
  t.equal((await page(socket, '?since=2026-01-02T03:04:05Z')).entries.length, 100)
  t.equal((await page(socket, '?since=2026-01-02T03:04:06Z')).entries.length, 0)
})

t.test('a page stays small however large its entries are', async t => {
  const { log, socket } = await serve(t)
  for (let at = 0; at < 100; at++) await log.record(action(at, { event: 'x'.repeat(60_000) }))
  const { entries, next } = await page(socket, '?limit=1000')
  t.ok(entries.length > 10 && entries.length < 80, String(entries.length))
  t.equal(next, entries.length)
})

t.test('a query that makes no sense is refused with what would', async t => {
  const { socket } = await serve(t)
  for (const query of ['from=-1', 'from=01', 'limit=0', 'limit=1001', 'since=yesterday', 'since=2026-13-01T00:00:00Z', 'until=1', 'from=1&from=2']) {
    t.match(await fetchJson(socket, { path: `/v1/audit/entries?${query}` }), { status: 400, body: { error: { code: 'BadRequest', hint: /./ } } }, query)
  }
  t.match(await fetchJson(socket, { path: '/v1/audit/proof/x' }), { status: 400 })
  t.match(await fetchJson(socket, { path: '/v1/audit/files/pending/0' }), { status: 404 })
})

t.test('a proof is a file that verifies by itself', async t => {
  const { log, socket } = await serve(t)
  await fill(log, 300)
  t.match(await fetchJson(socket, { path: '/v1/audit/proof/7' }), { status: 404, body: { error: { hint: /covers 0 entries/ } } })
  await log.publish()
  const response = await open(socket, { path: '/v1/audit/proof/7' })
  t.equal(response.headers['content-type'], 'text/plain; charset=utf-8')
  const proof = parseProofFile(Buffer.from(await new Response(response).arrayBuffer()))
  const { entries: [entry] } = await page(socket, '?from=7&limit=1')
  t.equal(verifyProofFile(proof, Buffer.from(canonicalJson(entry)), ORIGIN, KEYS).size, 300)
})

t.test('what an operator announces and withdraws is in the log before anybody is told', async t => {
  const { log, socket } = await serve(t)
  await fetchJson(socket, provide({ key: CID, ttl_seconds: 60 }))
  await fetchJson(socket, { method: 'DELETE', path: `/v1/providers/${KEY}` })
  const entries = await Array.fromAsync(log.entries())
  t.match(entries, only(
    { actor: 'operator', action: 'provider.write', event: { key: KEY, ttl_seconds: 60 } },
    { actor: 'operator', action: 'provider.delete', event: { key: KEY } },
  ))
  t.not(entries[0]?.op_id, entries[1]?.op_id)
})

t.test('nothing is announced or withdrawn when the log takes no entry', async t => {
  const told: string[] = []
  const { announcer } = fakePorts()
  const socket = await startDaemon(t, {
    actions: { record: async () => { throw new DhtError('DegradedAudit', 'No change can be made.', { retryAfterMs: 5000 }) } },
    announcer: {
      assertAnnounces: () => {},
      announce: async (...args) => { told.push('announce'); return await announcer.announce(...args) },
      withdraw: async () => { told.push('withdraw'); return NOW },
    },
  })
  const refused = { status: 503, body: { error: { code: 'DegradedAudit', retryable: true } } }
  t.match(await fetchJson(socket, provide({ key: CID })), refused)
  t.match(await fetchJson(socket, { method: 'DELETE', path: `/v1/providers/${KEY}` }), refused)
  t.match(await fetchJson(socket, provide({ key: 'nonsense' })), { status: 400 }, 'a mistake is told first')
  t.strictSame(told, [])
})
