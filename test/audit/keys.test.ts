import { copyFileSync, existsSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { openCheckpoint } from '../../src/audit/format/checkpoint.ts'
import type { Entry } from '../../src/audit/format/entry.ts'
import { formatVerifierKey, parseVerifierKey } from '../../src/audit/format/note.ts'
import { AuditLog } from '../../src/audit/log.ts'
import { MemoryLogStorage } from '../../src/audit/storage/memory.ts'
import { DiskLogStorage } from '../../src/audit/storage/disk.ts'
import { createEphemeralIdentity } from '../../src/kms/identity.ts'
import { createEphemeralNoteKeys, deriveNoteKeys } from '../../src/kms/note-keys.ts'
import { createLogger } from '../../src/observability/logger.ts'
import { createMetrics } from '../../src/observability/metrics.ts'
import { askAdmin } from '../admin.ts'
import { startTestDaemon } from '../daemon.ts'
import { only } from '../patterns.ts'
import { action, createLog, diskStorage, fill, KEYS, NOW, ORIGIN, tempFolder } from './logs.ts'

t.test('keys rotate while the log runs: an entry links them, and whoever trusts the old ones sees what the new ones sign', async t => {
  const folder = tempFolder(t)
  const { log } = createLog(diskStorage(folder))
  await log.start()
  await fill(log, 5)
  const next = createEphemeralNoteKeys(ORIGIN)
  t.match(await log.rotateKeys(next, { actor: 'sec-1', reason: 'yearly' }), { seq: 5 })
  const keys = next.map(formatVerifierKey)
  t.strictSame(log.head().keys, keys)
  const [entry, vouched] = await Array.fromAsync(log.entries(5))
  t.match(vouched, { action: 'audit.handover', event: { checkpoint: /^example\.com\/audit\n6\n/ } })
  t.match(entry, { action: 'audit.rotate', actor: 'sec-1', event: { from: only(...KEYS.map(formatVerifierKey)), to: only(...keys) } })
  const handover = await log.file('checkpoint') ?? new Uint8Array()
  for (const trusted of [KEYS, next]) t.equal(openCheckpoint(handover, ORIGIN, trusted).size, 7)
  await fill(log, 1, 6)
  await log.publish()
  const later = await log.file('checkpoint') ?? new Uint8Array()
  t.equal(openCheckpoint(later, ORIGIN, next).size, 8)
  t.throws(() => openCheckpoint(later, ORIGIN, KEYS), /no signature by a trusted key/)
  await log.stop()
  const again = createLog(diskStorage(folder), {}, next)
  await again.log.start()
  t.strictSame([again.log.reason(), again.log.head().size], [undefined, 8], 'no second rotation')
  await again.log.stop()
})

t.test('a rotation whose entry could not be made leaves the keys as they were', async t => {
  const storage = new MemoryLogStorage({ limitBytes: 1_000_000 })
  const { log } = createLog(storage)
  await log.start()
  const append = storage.append.bind(storage)
  storage.append = async () => { throw new Error('no space left on device') }
  await t.rejects(log.rotateKeys(createEphemeralNoteKeys(ORIGIN), { actor: 'sec-1', reason: 'yearly' }), { code: 'DegradedAudit' })
  t.strictSame(log.head().keys, KEYS.map(formatVerifierKey))
  await t.rejects(log.rotateKeys(KEYS, { actor: 'sec-1', reason: 'again' }), { code: 'DegradedAudit' }, 'at once, while it takes no entries')
  storage.append = append
  t.match(await log.record(action(0)), { seq: 0 })
  await log.stop()
})

interface Answer {
  readonly status: number | undefined
  readonly body: { readonly keys: readonly string[], readonly seq: number, readonly refusal?: string, readonly entries: readonly Entry[] }
}

type Ask = (method: string, path: string, body?: unknown) => Promise<Answer>

/** A macronode's folder, and its lives one after the other. */
function macronode (t: Test) {
  const folder = tempFolder(t)
  const passphrase = join(folder, 'passphrase')
  writeFileSync(passphrase, 'correct horse\n', { mode: 0o600 })
  const identity = createEphemeralIdentity()
  const owner = join(folder, 'owner.cap')
  const live = async <T>(work: (ask: Ask) => Promise<T>): Promise<T> => {
    const daemon = await startTestDaemon(t, { identity, flags: { 'audit.origin': ORIGIN, 'node.profile': 'macronode', 'node.dataDir': join(folder, 'data'), 'identity.keyFile': join(folder, 'identity'), 'identity.passphraseFile': passphrase } })
    if (!existsSync(owner)) copyFileSync(join(dirname(daemon.adminSocket), 'admin.cap'), owner)
    try {
      return await work(async (method, path, body) => await askAdmin(daemon.adminSocket, method, path, body, owner) as Answer)
    } finally {
      await daemon[Symbol.asyncDispose]()
    }
  }
  return { folder, identity, live }
}

const handovers = (entries: readonly Entry[]): readonly Entry[] => entries.filter(({ action }) => action === 'audit.handover')
const rotations = (entries: readonly Entry[]): readonly Entry[] => entries.filter(({ action }) => action === 'audit.rotate')

t.test('a log that keys of the identity signed opens under those of custody, with one entry that says so', async t => {
  const { folder, identity, live } = macronode(t)
  const derived = deriveNoteKeys(ORIGIN, identity)
  const before = new AuditLog({ origin: ORIGIN, groupMs: 0, publishMs: 1000, refreshMs: 3_600_000, retentionMs: 90 * 86_400_000, queued: 100 }, {
    storage: new DiskLogStorage({ folder: join(folder, 'data/audit'), markFile: join(folder, 'data/audit.mark') }), signers: derived, metrics: createMetrics().audit, log: createLogger({ level: 'silent' }), now: () => NOW,
  })
  await before.start()
  for (const number of [0, 1, 2]) await before.record(action(number, { action: 'provider.write' }))
  await before.stop()
  const { keys } = await live(async ask => {
    const { body: head } = await ask('GET', '/v1/audit/head')
    const { body: { entries } } = await ask('GET', '/v1/audit/entries')
    t.match(rotations(entries), only({ seq: 3, event: { from: only(...derived.map(formatVerifierKey)), to: only(...head.keys) } }))
    t.match(handovers(entries), only({ seq: 4 }), 'the keys of the identity vouch for them')
    t.notMatch(head.keys[0], derived.map(formatVerifierKey)[0])
    t.equal(head.refusal, undefined)
    return head
  })
  await live(async ask => {
    t.strictSame((await ask('GET', '/v1/audit/head')).body.keys, keys, 'the keys last')
    t.equal(rotations((await ask('GET', '/v1/audit/entries')).body.entries).length, 1)
  })
})

t.test('an operator rotates the keys, and they are the ones of the next start', async t => {
  const { live } = macronode(t)
  const keys = await live(async ask => {
    const { body: before } = await ask('GET', '/v1/audit/head')
    t.match(await ask('POST', '/v1/audit/rotate-key', {}), { status: 400 })
    const { status, body } = await ask('POST', '/v1/audit/rotate-key', { reason: 'yearly' })
    t.equal(status, 200)
    t.equal(body.keys.length, before.keys.length)
    t.not(body.keys[0], before.keys[0])
    t.equal(handovers((await ask('GET', '/v1/audit/entries')).body.entries).length, 1)
    t.ok(body.keys.every(key => parseVerifierKey(key).name === ORIGIN))
    return body.keys
  })
  await live(async ask => { t.strictSame((await ask('GET', '/v1/audit/head')).body.keys, keys) })
})
