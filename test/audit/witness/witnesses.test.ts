import { chmodSync, cpSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { openCheckpoint, parseCheckpoint, verifySignatures } from '../../../src/audit/format/checkpoint.ts'
import { parseSignatureLines } from '../../../src/audit/format/note.ts'
import { parsePolicy } from '../../../src/audit/format/policy.ts'
import { parseProofFile } from '../../../src/audit/format/proof-file.ts'
import { MAX_ANSWER_BYTES } from '../../../src/audit/witness/add-checkpoint.ts'
import type { AuditLog } from '../../../src/audit/log.ts'
import type { LogStorage } from '../../../src/audit/storage/storage.ts'
import { MemoryLogStorage } from '../../../src/audit/storage/memory.ts'
import { retryDelayMs } from '../../../src/audit/witness/witness.ts'
import { assertReachable, Witnesses } from '../../../src/audit/witness/witnesses.ts'
import { createLogger } from '../../../src/observability/logger.ts'
import type { createMetrics } from '../../../src/observability/metrics.ts'
import { createEphemeralNoteKeys, type NoteKey } from '../../../src/kms/note-keys.ts'
import { only } from '../../patterns.ts'
import { createLog, diskStorage, fill, KEYS, ORIGIN, tempFolder, type Teardown } from '../logs.ts'
import { createWitnessKey } from './keys.ts'
import { startWitness, type Reply, type StubWitness } from './stub-witness.ts'

t.setTimeout(60_000)

const PACE = { timeoutMs: 5000, retryMinMs: 1, retryMaxMs: 20 }
const LOGS = new Map([[ORIGIN, KEYS]])
const memory = (): LogStorage => new MemoryLogStorage({ limitBytes: 1e8 })

/** A log with witnesses, as the daemon has it. */
async function witnessed (t: Teardown, policy: string, { storage = memory(), keys = KEYS, pace = PACE, entries = 300, refreshMs = 600_000 }: { storage?: LogStorage, keys?: readonly NoteKey[], pace?: typeof PACE, entries?: number, refreshMs?: number } = {}) {
  const { log, metrics } = createLog(storage, { refreshMs }, keys)
  await log.start()
  if (entries > 0) await fill(log, entries)
  await log.publish()
  const witnesses = new Witnesses(pace, { policy: parsePolicy(Buffer.from(policy)), log, metrics: metrics.audit, logger: createLogger({ level: 'silent' }) })
  await witnesses.start()
  const stop = async (): Promise<void> => {
    await witnesses.stop()
    await log.stop()
  }
  t.teardown(stop)
  return { log, metrics, stop }
}

/** Resolves when a metric says so. */
async function until (metrics: ReturnType<typeof createMetrics>, line: string): Promise<void> {
  while (!(await metrics.registry.metrics()).includes(`${line}\n`)) await new Promise(resolve => setImmediate(resolve))
}

const answered = (outcome: string, count: number, witness = 'w'): string => `svc_dht_audit_witness_answers_total{witness="${witness}",outcome="${outcome}"} ${count}`

const lines = async (log: AuditLog): Promise<string[]> => Buffer.from(await log.file('checkpoint') ?? '').toString('utf8').split('\n\n')[1]?.split('\n').slice(0, -1) ?? []

const namesOf = (texts: readonly string[]): string[] => texts.map(line => line.split(' ')[1] ?? '')

t.test('a checkpoint carries the cosignatures of its witnesses behind the log\'s own, and so does a proof', async t => {
  const both = await startWitness(t, { name: 'w.example', logs: LOGS, keys: [createWitnessKey('w.example'), createWitnessKey('w.example', 0x06)] })
  const other = await startWitness(t, { name: 'x.example', logs: LOGS })
  const { log, metrics } = await witnessed(t, `${both.policyLines('w')}${other.policyLines('x')}group g all w x\nquorum g\n`)
  await until(metrics, 'svc_dht_audit_witnessed_entries 300')
  await until(metrics, 'svc_dht_audit_witness_lag_entries{witness="x"} 0')
  const note = await log.file('checkpoint') ?? new Uint8Array()
  const checkpoint = openCheckpoint(note, ORIGIN, KEYS)
  t.strictSame(namesOf(await lines(log)).slice(0, 2), [ORIGIN, ORIGIN])
  t.strictSame(namesOf(await lines(log)).toSorted(), [ORIGIN, ORIGIN, 'w.example', 'w.example', 'x.example'])
  t.equal(verifySignatures(checkpoint, checkpoint.signatures, [...both.keys, ...other.keys]).length, 3)
  t.strictSame(parseProofFile(Buffer.from(await log.proof(7))).checkpoint, note)
  t.strictSame([both.seen.length, other.seen.length], [1, 1], 'a witness with two keys is asked once')
  t.notMatch(both.seen[0]?.body, 'x.example', 'the log shows its own lines only')
})

t.test('a witness sees every tree follow from the one before, over many checkpoints and a restart of both sides', async t => {
  const folder = tempFolder(t)
  const first = await startWitness(t, { logs: LOGS })
  const policy = (witness: StubWitness): string => `${witness.policyLines('w')}quorum w\n`
  const { log, metrics, stop } = await witnessed(t, policy(first), { storage: diskStorage(folder), entries: 3 })
  let size = 3
  for (const count of [1, 252, 1, 44, 500]) {
    await until(metrics, `svc_dht_audit_witnessed_entries ${size}`)
    await fill(log, count, size)
    await log.publish()
    size += count
  }
  await until(metrics, `svc_dht_audit_witnessed_entries ${size}`)
  t.strictSame(first.seen.map(({ old, status }) => [old, status]), [[0, 200], [3, 200], [4, 200], [256, 200], [257, 200], [301, 200]])
  await stop()
  const kept = await lines(log)
  const again = await witnessed(t, policy(first), { storage: diskStorage(folder), entries: 0 })
  await until(again.metrics, `svc_dht_audit_witnessed_entries ${size}`)
  t.equal(first.seen.length, 6, 'what is cosigned on disk is not asked for again')
  t.strictSame((await lines(again.log)).slice(2), kept.slice(2))
  await fill(again.log, 10, size)
  await again.log.publish()
  await until(again.metrics, `svc_dht_audit_witnessed_entries ${size + 10}`)
  t.match(first.seen.at(-1), { old: size, status: 200 })
  await again.stop()
  const restarted = await startWitness(t, { logs: LOGS, keys: first.keys, views: first.views })
  const third = await witnessed(t, policy(restarted), { storage: diskStorage(folder), entries: 0 })
  await fill(third.log, 5, size + 10)
  await third.log.publish()
  await until(third.metrics, `svc_dht_audit_witnessed_entries ${size + 15}`)
  t.strictSame(restarted.seen.map(({ status }) => status), [200])
})

t.test('a witness that is behind, or new, or ahead of what we remember, says its size and gets the proof from there', async t => {
  const folder = tempFolder(t)
  const witness = await startWitness(t, { logs: LOGS })
  const policy = `${witness.policyLines('w')}quorum w\n`
  const first = await witnessed(t, policy, { storage: diskStorage(folder), entries: 5 })
  await until(first.metrics, answered('cosigned', 1))
  const early = new Map(witness.views)
  await fill(first.log, 295, 5)
  await first.log.publish()
  await until(first.metrics, answered('cosigned', 2))
  await first.stop()
  for (const [views, expected] of [[early, 5], [new Map(), 0]] as const) {
    const stale = await startWitness(t, { logs: LOGS, views: new Map(views) })
    const { metrics, stop } = await witnessed(t, `${stale.policyLines('w')}quorum w\n`, { storage: diskStorage(folder), entries: 0 })
    await until(metrics, answered('cosigned', 1))
    t.match(stale.seen.at(-1), { old: expected, status: 200 })
    t.ok(stale.seen.length <= 2, 'one answer tells where it is')
    await stop()
  }
})

t.test('a log that was rolled back, or forked, is not cosigned, and it is said which', async t => {
  const folder = tempFolder(t)
  const witness = await startWitness(t, { logs: LOGS })
  const policy = `${witness.policyLines('w')}quorum w\n`
  const first = await witnessed(t, policy, { storage: diskStorage(folder), entries: 300 })
  await until(first.metrics, answered('cosigned', 1))
  await first.stop()
  const back = await witnessed(t, policy, { entries: 299 })
  await until(back.metrics, answered('ahead', 1))
  t.strictSame(namesOf(await lines(back.log)), [ORIGIN, ORIGIN])
  t.match(await back.metrics.registry.metrics(), 'svc_dht_audit_witnessed_entries 0')
  await back.stop()
  const seen = witness.seen.length
  // The same keys and origin, and another history: as whoever has the keys could write it.
  const fork = createLog(memory())
  await fork.log.start()
  await fill(fork.log, 400, 5000)
  await fork.log.publish()
  const witnesses = new Witnesses(PACE, { policy: parsePolicy(Buffer.from(policy)), log: fork.log, metrics: fork.metrics.audit, logger: createLogger({ level: 'silent' }) })
  await witnesses.start()
  await until(fork.metrics, answered('inconsistent', 1))
  t.strictSame(witness.seen.slice(seen, seen + 2).map(({ status }) => status), [409, 422])
  t.strictSame(namesOf(await lines(fork.log)), [ORIGIN, ORIGIN])
  await witnesses.stop()
  await fork.log.stop()
})

t.test('a log that signs its head anew keeps its cosignatures meanwhile, and has them made anew too', async t => {
  let seconds = 100
  const witness = await startWitness(t, { logs: LOGS, nowMs: () => 1000 * seconds })
  const { log, metrics } = await witnessed(t, `${witness.policyLines('w')}quorum w\n`, { refreshMs: 50 })
  const timeOf = async (): Promise<number | undefined> => {
    const checkpoint = parseCheckpoint(await log.file('checkpoint') ?? new Uint8Array())
    return verifySignatures(checkpoint, checkpoint.signatures, witness.keys)[0]?.timeMs
  }
  await until(metrics, answered('cosigned', 1))
  t.equal(await timeOf(), 100_000)
  seconds = 200
  while (await timeOf() === 100_000) await new Promise(resolve => setImmediate(resolve))
  t.equal(await timeOf(), 200_000, 'there was no moment without')
  t.strictSame(witness.seen.slice(0, 2).map(({ old, status }) => [old, status]), [[0, 200], [300, 200]])
})

t.test('a witness that does not know the log or its keys is said to', async t => {
  const stranger = await startWitness(t, { logs: new Map() })
  const distrustful = await startWitness(t, { logs: new Map([[ORIGIN, createEphemeralNoteKeys(ORIGIN)]]) })
  const { log, metrics } = await witnessed(t, `${stranger.policyLines('w')}${distrustful.policyLines('x')}quorum w\n`)
  await until(metrics, answered('unknown_log', 1))
  await until(metrics, answered('forbidden', 1, 'x'))
  t.equal((await lines(log)).length, 2)
})

const wrong = createWitnessKey('witness.example')
const LIES: ReadonlyArray<readonly [what: string, outcome: string, lie: NonNullable<Parameters<typeof startWitness>[1]['lie']>]> = [
  ['a cosignature by a key that is not its own', 'bad_cosignature', (reply, checkpoint) => checkpoint === undefined ? reply : { ...reply, body: wrong.cosign(checkpoint, 1) }],
  ['no cosignature', 'bad_cosignature', reply => ({ ...reply, body: '' })],
  ['something else than lines', 'malformed', reply => ({ ...reply, body: '<html>' })],
  ['bytes that are no text', 'malformed', reply => ({ ...reply, body: Uint8Array.of(0xff, 0xfe) })],
  ['an endless answer', 'malformed', reply => ({ ...reply, body: Buffer.alloc(MAX_ANSWER_BYTES + 1) })],
  ['another address', 'redirected', reply => ({ ...reply, status: 307, headers: { location: 'http://127.0.0.1:1/' } })],
  ['that it fails', 'failed', () => ({ status: 500, body: '' })],
  ['that it does not understand', 'bad_request', () => ({ status: 400, body: '' })],
  ['a size without its type', 'malformed', () => ({ status: 409, body: '3\n' })],
  ['a size of another type', 'malformed', () => ({ status: 409, body: '3\n', headers: { 'content-type': 'text/plain' } })],
  ['a size that is none', 'malformed', () => sizeReply('three\n')],
  ['the size that we said', 'malformed', () => sizeReply('0\n')],
  ['another size each time', 'conflict', ((size: number) => () => sizeReply(`${++size % 200 + 1}\n`))(0)],
  ['nothing ever', 'timeout', () => undefined],
]

function sizeReply (body: string): Reply {
  return { status: 409, body, headers: { 'content-type': 'text/x.tlog.size; charset=utf-8' } }
}

for (const [what, outcome, lie] of LIES) {
  t.test(`a witness that answers with ${what} is not believed, and asked again later`, async t => {
    let lies = 2
    const witness = await startWitness(t, { logs: LOGS, lie: (reply, checkpoint) => lies-- > 0 ? lie(reply, checkpoint) : reply })
    const { log, metrics } = await witnessed(t, `${witness.policyLines('w')}quorum w\n`, { pace: { ...PACE, timeoutMs: outcome === 'timeout' ? 30 : 5000 } })
    await until(metrics, answered(outcome, 1))
    await until(metrics, answered('cosigned', 1))
    t.strictSame(namesOf(await lines(log)), [ORIGIN, ORIGIN, 'witness.example'], 'only what is true was kept')
  })
}

t.test('a cosignature of its own key that is for another size, another log or no time spoils the answer', async t => {
  const [key = wrong] = [createWitnessKey('witness.example')]
  const forged = ({ text, ...rest }: ReturnType<typeof parseCheckpoint>, from: string | RegExp, to: string) => ({ ...rest, text: text.replace(from, to) })
  const lies = [
    (checkpoint: ReturnType<typeof parseCheckpoint>) => key.cosign(forged(checkpoint, '\n300\n', '\n299\n'), 1),
    (checkpoint: ReturnType<typeof parseCheckpoint>) => key.cosign(forged(checkpoint, ORIGIN, 'example.com/other'), 1),
    (checkpoint: ReturnType<typeof parseCheckpoint>) => key.cosign(checkpoint, 0),
    (checkpoint: ReturnType<typeof parseCheckpoint>) => `${key.cosign(checkpoint, 1)}${key.cosign(forged(checkpoint, '\n300\n', '\n299\n'), 1)}`,
  ]
  let at = 0
  const witness = await startWitness(t, {
    logs: LOGS,
    keys: [key],
    lie: (reply, checkpoint) => {
      const lie = lies[at++]
      return lie === undefined || checkpoint === undefined ? reply : { status: 200, body: lie(checkpoint) }
    }
  })
  const { log, metrics } = await witnessed(t, `${witness.policyLines('w')}quorum w\n`)
  await until(metrics, answered('bad_cosignature', lies.length))
  await until(metrics, answered('cosigned', 1))
  t.equal((await lines(log)).length, 3)
})

t.test('lines of keys that nobody chose are left out, and a second answer of a key takes the place of the first', async t => {
  const witness = await startWitness(t, { logs: LOGS, lie: (reply, checkpoint) => checkpoint === undefined ? reply : { ...reply, body: `${wrong.cosign(checkpoint, 5)}${String(reply.body)}` } })
  const { log, metrics } = await witnessed(t, `${witness.policyLines('w')}quorum w\n`)
  await until(metrics, answered('cosigned', 1))
  const added = (await lines(log)).slice(2)
  t.equal(added.length, 1)
  t.equal(parseSignatureLines(`${added.join('\n')}\n`)[0]?.name, 'witness.example')
})

t.test('a witness that never answers delays no entry, no checkpoint, no other witness and no stop', async t => {
  const dead = await startWitness(t, { name: 'dead.example', logs: LOGS, lie: () => undefined })
  const alive = await startWitness(t, { name: 'alive.example', logs: LOGS })
  const { log, metrics, stop } = await witnessed(t, `${dead.policyLines('dead')}${alive.policyLines('alive')}group g any dead alive\nquorum g\n`, { pace: { ...PACE, timeoutMs: 600_000 } })
  await dead.asked(1)
  for (let at = 0; at < 5; at++) {
    await fill(log, 10, 300 + 10 * at)
    await log.publish()
    await until(metrics, 'svc_dht_audit_witness_lag_entries{witness="alive"} 0')
  }
  t.equal(log.head().published, 350)
  t.match(await metrics.registry.metrics(), /witness_lag_entries\{witness="dead"\} 350\n[^]*witnessed_entries 350\n/)
  t.equal(dead.seen.length, 1, 'one request at a time')
  await stop()
})

t.test('a witness that is down is asked again, ever more slowly up to a bound, and the log goes on', async t => {
  const witness = await startWitness(t, { logs: LOGS })
  const policy = `${witness.policyLines('w')}quorum w\n`
  await witness[Symbol.asyncDispose]()
  const { log, metrics } = await witnessed(t, policy)
  await until(metrics, answered('unreachable', 3))
  await fill(log, 10, 300)
  t.equal(log.reason(), undefined)
  const pace = { timeoutMs: 1, retryMinMs: 1000, retryMaxMs: 300_000 }
  t.strictSame([0, 1, 2, 8, 9, 5000].map(before => retryDelayMs(pace, before)), [1000, 2000, 4000, 256_000, 300_000, 300_000])
})

t.test('a log that is damaged asks nobody to vouch for it', async t => {
  const read: string[] = []
  const { metrics } = createLog(memory())
  const head = { origin: ORIGIN, size: 5, published: 5, minimum: 0, root: '', keys: [], refusal: 'it was altered' as string | undefined }
  const log = {
    head: () => head,
    file: async (path: string) => void read.push(path),
    onCheckpoint: (tell: () => void) => {
      wake = tell
      return () => {}
    },
    amendCheckpoint: async () => {},
  }
  let wake = (): void => {}
  const witnesses = new Witnesses(PACE, { policy: parsePolicy(Buffer.from(`witness w ${wrong.vkey} http://127.0.0.1:1\nquorum w\n`)), log, metrics: metrics.audit, logger: createLogger({ level: 'silent' }) })
  await witnesses.start()
  t.strictSame(read, [])
  head.refusal = undefined
  wake()
  while (read.length === 0) await new Promise(resolve => setImmediate(resolve))
  t.strictSame(read, ['checkpoint'], 'as soon as it is sound again')
  await witnesses.stop()
})

t.test('an older copy of the folder together with its mark, which the log itself cannot tell, is found by the witness', async t => {
  const folder = tempFolder(t)
  const witness = await startWitness(t, { logs: LOGS })
  const policy = `${witness.policyLines('w')}quorum w\n`
  const first = await witnessed(t, policy, { storage: diskStorage(folder), entries: 5 })
  await until(first.metrics, answered('cosigned', 1))
  await first.stop()
  cpSync(join(folder, 'log'), join(folder, 'older'), { recursive: true })
  cpSync(join(folder, 'log.mark'), join(folder, 'older.mark'))
  const second = await witnessed(t, policy, { storage: diskStorage(folder), entries: 0 })
  await fill(second.log, 5, 5)
  await second.log.publish()
  await until(second.metrics, 'svc_dht_audit_witnessed_entries 10')
  await second.stop()
  // Whoever rolls back the mark too is found by the witness alone.
  rmSync(join(folder, 'log'), { recursive: true })
  renameSync(join(folder, 'older'), join(folder, 'log'))
  chmodSync(join(folder, 'log'), 0o700)
  renameSync(join(folder, 'older.mark'), join(folder, 'log.mark'))
  const back = await witnessed(t, policy, { storage: diskStorage(folder), entries: 0 })
  t.equal(back.log.reason(), undefined)
  await fill(back.log, 1, 5)
  await back.log.publish()
  await until(back.metrics, answered('ahead', 1))
})

t.test('witnesses are asked over https, or over http on loopback, and are a quorum', async t => {
  const [a, b] = [createWitnessKey('a').vkey, createWitnessKey('b').vkey]
  const fault = (text: string): readonly string[] => {
    try {
      assertReachable(parsePolicy(Buffer.from(text)))
      return []
    } catch (err) {
      return (err as { mistakes: readonly string[] }).mistakes
    }
  }
  for (const url of ['https://w.example', 'https://w.example/a/', 'http://127.0.0.1:1/', 'http://[::1]:1', 'http://localhost:1']) t.strictSame(fault(`witness a ${a} ${url}\nquorum a\n`), [], url)
  for (const url of ['http://w.example', 'http://10.0.0.1', 'http://127.0.0.1.example', 'ftp://127.0.0.1/']) t.match(fault(`witness a ${a} ${url}\nquorum a\n`), only('line 1: the address of the witness is neither https nor http on loopback'), url)
  t.match(fault(`witness a ${a} nowhere\nquorum a\n`), only(/line 1: .* is not a URL/))
  t.match(fault(`witness a ${a} https://u:p@w.example\nwitness b ${b} https://w.example/?x\nquorum a\n`), only(/line 1: .*password/, /line 2: .*query/))
  t.strictSame(fault(`witness a ${a}\nwitness b ${b} https://w.example\nquorum a\n`), ['the witnesses with an address are no quorum'])
  t.strictSame(fault(`witness a ${a}\nquorum none\n`), [])
})
