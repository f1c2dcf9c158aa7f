import { closeSync, copyFileSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import t, { type Test } from 'tap'
import type { Announcement } from '../../../../src/kad/provider/record.ts'
import type { Journal } from '../../../../src/kad/provider/store/journal/journal.ts'
import { CommitMark } from '../../../../src/kad/provider/store/journal/commit-mark.ts'
import { openDatabase } from '../../../../src/kad/provider/store/journal/open-database.ts'
import { addrsOf, bytesOf, metricValue, MINUTE_MS, peerOf, TestClock } from '../../fixtures.ts'
import { createStore, eventually, inlineJournal, numbered, startStore, tempFile, threadJournal } from './persistent-stores.ts'

const RECORDS = 2000
const NOW = new TestClock().now()

/** A file with records, closed. */
async function writtenFile (t: Test, records = RECORDS): Promise<string> {
  const file = tempFile(t)
  const { store, settled } = createStore({ journal: inlineJournal(file) })
  await store.start()
  await settled()
  for (let number = 0; number < records; number++) store.upsert(numbered(number, NOW))
  await store.stop()
  return file
}

/** All that can be read, and what is said to be wrong. */
async function readAll (journal: Journal): Promise<{ readonly records: Announcement[], readonly damage: string | undefined }> {
  const records: Announcement[] = []
  try {
    const { obstacle } = await journal.open({ create: false })
    for await (const chunk of journal.replay()) records.push(...chunk)
    return { records, damage: obstacle?.message }
  } catch (err) {
    return { records, damage: (err as Error).message }
  } finally {
    await journal.close()
  }
}

function digestOf (file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex')
}

/** Changes the file behind SQLite's back. */
function overwrite (file: string, at: number, bytes: Uint8Array): void {
  const handle = openSync(file, 'r+')
  writeSync(handle, bytes, 0, bytes.byteLength, at)
  closeSync(handle)
}

function alter (file: string, sql: string): void {
  const db = new DatabaseSync(file)
  db.exec(sql)
  db.close()
}

/** Where a page of the table of records begins. */
function recordsPage (file: string): number {
  const db = new DatabaseSync(file, { readOnly: true })
  const { pgoffset } = db.prepare("SELECT pgoffset FROM dbstat WHERE name = 'records' AND pagetype = 'leaf' LIMIT 1 OFFSET 10").get() as { pgoffset: number }
  db.close()
  return pgoffset
}

/** The same numbers in every run. */
function randomNumbers (seed: number): (below: number) => number {
  let count = 0
  return below => createHash('sha256').update(`${seed} ${count++}`).digest().readUInt32LE() % below
}

t.test('a file that another version wrote is refused, and left as it is', async t => {
  const file = await writtenFile(t)
  alter(file, 'PRAGMA user_version = 3')
  const before = digestOf(file)
  const { store } = createStore({ journal: threadJournal(file) })
  await t.rejects(store.start(), { code: 'Conflict', message: /providers.db has format 3, and this version of svc-dht knows 2: run the version that wrote it, or move the file, its -wal and its -commits away/ })
  t.equal(digestOf(file), before)
})

t.test('a database of another program is refused, and left as it is', async t => {
  const file = tempFile(t)
  const other = new DatabaseSync(file)
  other.exec('PRAGMA application_id = 7; CREATE TABLE songs (title TEXT)')
  other.close()
  const before = digestOf(file)
  const { store } = createStore({ journal: threadJournal(file) })
  await t.rejects(store.start(), { code: 'Conflict', message: /is a database of another program: move it away, or set another node.dataDir/ })
  t.equal(digestOf(file), before)
})

t.test('a file that another process has open is refused', async t => {
  const file = await writtenFile(t, 10)
  const { db } = openDatabase(file, { create: false })
  const { store } = createStore({ journal: inlineJournal(file) })
  await t.rejects(store.start(), { code: 'Conflict', message: /is in use by another process/ })
  db.close()
})

t.test('a log without its file is refused: it belongs to another one', async t => {
  const file = tempFile(t)
  writeFileSync(`${file}-wal`, 'of a file that was moved away')
  await t.rejects(createStore({ journal: inlineJournal(file) }).store.start(), { code: 'Conflict', message: /providers.db-wal is there without/ })
  t.ok(existsSync(`${file}-wal`))
})

t.test('the directory is created for this user alone, and refused when others may enter it', async t => {
  const folder = dirname(tempFile(t))
  const file = join(folder, 'new', 'providers.db')
  const { store } = await startStore(t, { journal: inlineJournal(file) })
  t.equal(statSync(dirname(file)).mode & 0o777, 0o700)
  await store.stop()

  mkdirSync(join(folder, 'open'), { mode: 0o755 })
  await t.rejects(createStore({ journal: inlineJournal(join(folder, 'open', 'providers.db')) }).store.start(), { code: 'Conflict', message: /is open to other users \(mode 0755\): make node.dataDir/ })
  symlinkSync(dirname(file), join(folder, 'link'))
  await t.rejects(createStore({ journal: inlineJournal(join(folder, 'link', 'providers.db')) }).store.start(), { code: 'Conflict', message: /is a symbolic link/ })
  writeFileSync(join(folder, 'file'), '')
  const { store: without } = await startStore(t, { journal: inlineJournal(join(folder, 'file', 'providers.db')) })
  t.match(without.reason(), /file\/providers\.db cannot be used \(EEXIST: .*so announcements are refused/, 'where there is no directory it does without')
})

t.test('a crash while the file was made leaves nothing that is taken for one', async t => {
  const file = tempFile(t)
  for (const leftover of ['.new', '.new-wal']) writeFileSync(`${file}${leftover}`, 'half a file')
  const { store, settled } = await startStore(t, { journal: inlineJournal(file) })
  await settled()
  t.notOk(existsSync(`${file}.new`))
  t.equal(store.upsert(numbered(1, NOW)), 'created')
})

for (const [what, damage] of [
  ['cut off in the middle', (file: string) => truncateSync(file, Math.floor(statSync(file).size / 2 / 1024) * 1024)],
  ['cut off in the middle of a page', (file: string) => truncateSync(file, Math.floor(statSync(file).size / 2 / 1024) * 1024 + 100)],
  ['emptied', (file: string) => truncateSync(file, 0)],
  ['overwritten from its start', (file: string) => overwrite(file, 0, Buffer.alloc(4096, 0xaa))],
  ['overwritten with zeros on a page', (file: string) => overwrite(file, recordsPage(file), Buffer.alloc(1024))],
  ['without its tables', (file: string) => alter(file, 'DROP TABLE records')],
  ['lacking rows', (file: string) => alter(file, 'DELETE FROM records WHERE source = 0 AND peer = 3')],
  ['with an older state of a row', (file: string) => alter(file, 'UPDATE ledger SET sum = sum + 1')],
  ['lacking the peers of records', (file: string) => alter(file, 'DELETE FROM peers WHERE row = 3')],
] as const) {
  t.test(`a file ${what} is reported, served as far as it goes, and neither written nor deleted`, async t => {
    const file = await writtenFile(t)
    damage(file)
    const before = digestOf(file)
    const { store } = await startStore(t, { journal: threadJournal(file) })
    await eventually(() => !/^replaying/.test(store.reason() ?? ''))
    t.match(store.reason(), /providers.db is (damaged|empty).*(move|Stop)/)
    t.throws(() => store.upsert(numbered(1, NOW)), { code: 'StoreUnavailable' })
    t.ok(store.size <= RECORDS)
    await store.stop()
    t.equal(digestOf(file), before)
  })
}

t.test('a byte that was changed anywhere is reported, or it made no difference', async t => {
  const file = await writtenFile(t)
  const intact = await readAll(inlineJournal(file))
  t.strictSame([intact.records.length, intact.damage], [RECORDS, undefined])
  const whole = new Map(intact.records.map(record => [toText(record.key), JSON.stringify(record)]))
  const random = randomNumbers(1)
  let reported = 0
  for (let round = 0; round < 300; round++) {
    const copy = `${file}.copy`
    rmSync(`${copy}-wal`, { force: true })
    copyFileSync(file, copy)
    const at = random(statSync(copy).size)
    const byte = readFileSync(copy)[at] ?? 0
    overwrite(copy, at, Uint8Array.of(byte ^ (1 << random(8))))
    const { records, damage } = await readAll(inlineJournal(copy))
    if (damage !== undefined) reported++
    const isWhole = records.length === RECORDS && records.every(record => whole.get(toText(record.key)) === JSON.stringify(record))
    if (damage === undefined && !isWhole) t.fail(`a changed bit in byte ${at} went unnoticed`)
    if (records.some(record => whole.get(toText(record.key)) !== JSON.stringify(record))) t.fail(`a changed bit in byte ${at} changed a record that was read`)
  }
  t.ok(reported > 150, `${reported} of 300 reported`)
})

const COMMITS = 20

interface Crashed { readonly database: Buffer, readonly log: Buffer, readonly mark: Buffer }

/** What a process leaves that was killed after its last commit: everything is in the log. */
async function crashedFile (t: Test): Promise<Crashed> {
  const file = tempFile(t)
  const { store, settled } = createStore({ journal: inlineJournal(file) })
  await store.start()
  await settled()
  for (let commit = 0; commit < COMMITS; commit++) {
    for (let number = 0; number < 10; number++) store.upsert(numbered(number, NOW, { receivedAt: NOW + commit, expiresAt: NOW + MINUTE_MS + commit }))
    for (let number = 0; number < 10; number++) store.upsert(numbered(1000 + commit * 10 + number, NOW))
    await settled()
  }
  const crashed = { database: readFileSync(file), log: readFileSync(`${file}-wal`), mark: readFileSync(`${file}-commits`) }
  await store.stop()
  return crashed
}

function copyOf (t: Test, { database, log, mark }: Partial<Crashed>): string {
  const file = tempFile(t)
  for (const [suffix, bytes] of [['', database], ['-wal', log], ['-commits', mark]] as const) if (bytes !== undefined) writeFileSync(`${file}${suffix}`, bytes)
  return file
}

/** Which commit these records are the state after, whole. */
function commitOf (t: Test, records: readonly Announcement[]): number {
  if (records.length === 0) return 0
  const commit = records.length / 10 - 1
  const changing = records.filter(({ expiresAt }) => expiresAt < NOW + 2 * MINUTE_MS)
  if (!Number.isInteger(commit) || commit > COMMITS || !changing.every(({ receivedAt }) => receivedAt === NOW + commit - 1)) t.fail('the records are of no one commit')
  return commit
}

t.test('a log that was cut off anywhere gives a state that was committed, whole, and lost commits are reported', async t => {
  const crashed = await crashedFile(t)
  const random = randomNumbers(2)
  for (let round = 0; round < 100; round++) {
    const log = crashed.log.subarray(0, random(crashed.log.byteLength + 1))
    const { records, damage } = await readAll(inlineJournal(copyOf(t, { ...crashed, log })))
    const commit = commitOf(t, records)
    t.match(damage, commit === COMMITS ? undefined : new RegExp(`it ends at commit ${commit}, and ${COMMITS} were made`))
  }
})

t.test('a byte that was changed anywhere in the log is reported, or it made no difference', async t => {
  const crashed = await crashedFile(t)
  const random = randomNumbers(3)
  let reported = 0
  for (let round = 0; round < 150; round++) {
    const log = Buffer.from(crashed.log)
    const at = random(log.byteLength)
    log[at] = (log[at] ?? 0) ^ (1 << random(8))
    const { records, damage } = await readAll(inlineJournal(copyOf(t, { ...crashed, log })))
    const commit = commitOf(t, records)
    if ((damage === undefined) !== (commit === COMMITS)) t.fail(`byte ${at} of the log: ${commit} commits, and ${damage ?? 'nothing'} is said`)
    if (damage !== undefined) reported++
  }
  t.ok(reported > 75, `${reported} of 150 reported`)
})

t.test('lost commits are said until the operator decides; what is left is served, and the log is kept', async t => {
  const crashed = await crashedFile(t)
  const log = Buffer.from(crashed.log)
  const middle = log.byteLength >> 1
  log[middle] = (log[middle] ?? 0) ^ 1
  const file = copyOf(t, { ...crashed, log })
  for (let start = 0; start < 2; start++) {
    const { store, metrics } = await startStore(t, { journal: threadJournal(file) })
    await eventually(() => !/^replaying/.test(store.reason() ?? ''))
    t.match(store.reason(), /it ends at commit \d+, and 20 were made: its log is damaged, or it is an older copy\).*move .*providers.db-commits away to go on with what is left/)
    t.throws(() => store.upsert(numbered(1, NOW)), { code: 'StoreUnavailable' })
    t.ok(store.size > 0 && store.size < 10 * (COMMITS + 1), `${store.size} records are left`)
    t.equal(await metricValue(metrics, 'svc_dht_provider_store_failures_total', 'kind="damaged"'), 1)
    await store.stop()
    t.ok(readFileSync(`${file}-wal.damaged`).equals(log))
  }
  rmSync(`${file}-commits`)
  const { store, settled } = await startStore(t, { journal: threadJournal(file) })
  await settled()
  store.upsert(numbered(1, NOW))
  await store.stop()
})

t.test('an older copy in the place of the file is reported; the newer one is taken again', async t => {
  const crashed = await crashedFile(t)
  const older = await readAll(inlineJournal(copyOf(t, { database: crashed.database, mark: crashed.mark })))
  t.match([older.records.length, older.damage], [0, /it ends at commit 0, and 20 were made/])
  const newer = await readAll(inlineJournal(copyOf(t, crashed)))
  t.strictSame([commitOf(t, newer.records), newer.damage], [COMMITS, undefined])
})

t.test('a mark that lags, or is not there, claims nothing; one that cannot be read is reported', async t => {
  const crashed = await crashedFile(t)
  const behind = tempFile(t)
  const mark = new CommitMark(behind)
  mark.write(COMMITS - 1)
  mark.close()
  for (const [lagging, damage] of [[readFileSync(mark.file), undefined], [undefined, undefined], [Buffer.alloc(524), /-commits, which counts its commits, cannot be read/]] as const) {
    const found = await readAll(inlineJournal(copyOf(t, { database: crashed.database, log: crashed.log, ...lagging && { mark: lagging } })))
    t.match([commitOf(t, found.records), found.damage], [COMMITS, damage])
  }
})

t.test('a remembered contact whose row was altered is left out, the others are not', async t => {
  const file = tempFile(t)
  const journal = inlineJournal(file)
  const contacts = [1, 2, 3].map(number => ({ id: bytesOf(peerOf(number)), addrs: addrsOf(`/ip4/203.0.113.${number}/tcp/1`) }))
  await journal.open({ create: true })
  await journal.saveContacts(contacts)
  await journal.close()
  alter(file, "UPDATE contacts SET addrs = x'0001ff' WHERE place = 1")
  await journal.open({ create: false })
  t.same(await journal.loadContacts(), [contacts[0], contacts[2]])
  await journal.close()
})

t.test('a mark without its file is refused: the file was lost', async t => {
  const file = await writtenFile(t, 10)
  rmSync(file)
  await t.rejects(createStore({ journal: inlineJournal(file) }).store.start(), { code: 'Conflict', message: /providers.db-commits is there without .*put that back/ })
  t.notOk(existsSync(file))
})

function toText (bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
