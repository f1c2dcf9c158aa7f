import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { encodeBatch } from '../../../../src/kad/provider/store/journal/codec.ts'
import { JournalDatabase } from '../../../../src/kad/provider/store/journal/database.ts'
import { toJournalError } from '../../../../src/kad/provider/store/journal/faults.ts'
import type { Batch } from '../../../../src/kad/provider/store/journal/journal.ts'
import { openDatabase } from '../../../../src/kad/provider/store/journal/open-database.ts'
import { keyOf, TestClock } from '../../fixtures.ts'
import { eventually, numbered, startStore, tempFile, threadJournal } from './persistent-stores.ts'

const NOW = new TestClock().now()

/** Records `from` to `from + count`, as one batch. */
function batchOf (from: number, count: number): Uint8Array<ArrayBuffer> {
  const changes: Batch['changes'] = Array.from({ length: count }, (_, index) => {
    const { provider, addrs, ...record } = numbered(from + index, NOW)
    return { provider, addrs, held: [record], gone: [], isForgotten: false }
  })
  return encodeBatch({ changes, dropped: [], expiredBy: undefined })
}

function faultOf (work: () => void, file: string): string {
  try {
    work()
    return 'none'
  } catch (err) {
    return toJournalError(err, file).fault
  }
}

t.test('a batch for which there is no room leaves the file as it was, and goes in once there is', async t => {
  const file = tempFile(t)
  const { db } = openDatabase(file, { create: true })
  const database = new JournalDatabase(db)
  t.equal(database.commit(batchOf(0, 100)), 1)
  db.exec('PRAGMA max_page_count = 40')
  t.equal(faultOf(() => database.commit(batchOf(100, 1000)), file), 'full')
  t.match(database.ledger, { commits: 1, records: 100 })
  t.same({ ...db.prepare('SELECT (SELECT count(*) FROM records) AS rows, records, commits FROM ledger').get() }, { rows: 100, records: 100, commits: 1 })
  db.exec('PRAGMA max_page_count = 100000')
  t.equal(database.commit(batchOf(100, 1000)), 2)
  t.match(database.ledger, { commits: 2, records: 1100 })
  database.close()
})

t.test('a file that cannot be written says so', async t => {
  const file = tempFile(t)
  const { db } = openDatabase(file, { create: true })
  const database = new JournalDatabase(db)
  db.exec('PRAGMA query_only = ON')
  t.equal(faultOf(() => database.commit(batchOf(0, 1)), file), 'read_only')
  db.exec('PRAGMA query_only = OFF')
  t.equal(faultOf(() => database.commit(batchOf(0, 1)), file), 'none')
  database.close()
})

t.test('what the file system says is told apart', async t => {
  const file = tempFile(t)
  const failure = (code: string): Error => Object.assign(new Error(code), { code })
  for (const [code, fault] of [['ENOSPC', 'full'], ['EDQUOT', 'full'], ['EIO', 'io']] as const) t.equal(toJournalError(failure(code), file).fault, fault)
  t.equal(toJournalError(failure('ENOENT'), join(file, 'nowhere', 'file')).fault, 'io')
})

interface Disk { readonly folder: string, remount (options: string): void }

/** A small disk of our own. */
function mountDisk (t: Test, sizeKib: number): Disk {
  const folder = mkdtempSync(join(tmpdir(), 'svc-dht-disk-'))
  const mount = (...args: readonly string[]): void => { execFileSync('mount', [...args, folder], { stdio: 'ignore' }) }
  mount('-t', 'tmpfs', '-o', `size=${sizeKib}k,mode=0700`, 'tmpfs')
  t.teardown(() => unmount(folder))
  return { folder, remount: options => mount('-o', `remount,${options}`) }
}

function unmount (folder: string): void {
  execFileSync('umount', ['--lazy', folder])
  rmSync(folder, { recursive: true })
}

/** Whether this user may mount one; shown where not. */
function noDisk (): string | false {
  const folder = mkdtempSync(join(tmpdir(), 'svc-dht-disk-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', folder], { stdio: 'ignore' })
  } catch {
    rmSync(folder, { recursive: true })
    return 'no disk can be mounted here'
  }
  unmount(folder)
  return false
}

const skip = noDisk()

t.test('a full disk: announcements are refused, reads go on, and all is on disk once there is room', { skip }, async t => {
  const disk = mountDisk(t, 400)
  const file = join(disk.folder, 'providers.db')
  const { store, clock } = await startStore(t, { journal: threadJournal(file) })
  await eventually(() => store.reason() === undefined)
  let announced = 0
  while (store.reason() === undefined) {
    store.upsert(numbered(announced++, clock.now()))
    await eventually(() => store.pending < 100 || store.reason() !== undefined)
  }
  t.match(store.reason(), /the disk of .*providers.db is full, so announcements are refused: free space there/)
  t.throws(() => store.upsert(numbered(1, clock.now())), { code: 'StoreUnavailable', reason: 'store' })
  t.equal(store.get(keyOf(announced - 1), clock.now()).length, 1)

  disk.remount('size=20m')
  await eventually(() => store.reason() === undefined && store.pending === 0)
  store.upsert(numbered(announced++, clock.now()))
  await store.stop()
  const again = await startStore(t, { journal: threadJournal(file), clock })
  await again.settled()
  t.equal(again.store.size, announced)
  await again.store.stop()
})

t.test('a disk that was full from the start is made use of when there is room', { skip }, async t => {
  const disk = mountDisk(t, 64)
  const filler = join(disk.folder, 'filler')
  try {
    writeFileSync(filler, Buffer.alloc(1024 * 1024))
  } catch {
    // as full as it gets
  }
  const { store, settled } = await startStore(t, { journal: threadJournal(join(disk.folder, 'providers.db')) })
  t.match(store.reason(), /is full/)
  rmSync(filler)
  disk.remount('size=20m')
  await settled()
  await store.stop()
})

for (const how of ['stopped', 'killed'] as const) {
  t.test(`a disk that is read-only after the daemon was ${how}: what it holds is served, and written again when it can be`, { skip }, async t => {
    const disk = mountDisk(t, 20_000)
    const file = join(disk.folder, 'providers.db')
    const clock = new TestClock()
    await leaveFile(t, file, how)
    disk.remount('ro')
    const { store, settled } = await startStore(t, { journal: threadJournal(file), clock })
    await eventually(() => /cannot be written/.test(store.reason() ?? ''))
    t.match(store.reason(), /make its disk and directory writable/)
    t.equal(store.size, 100)
    t.throws(() => store.upsert(numbered(100, clock.now())), { code: 'StoreUnavailable' })

    disk.remount('rw')
    await settled()
    store.upsert(numbered(100, clock.now()))
    await store.stop()
    const again = await startStore(t, { journal: threadJournal(file), clock })
    await again.settled()
    t.equal(again.store.size, 101)
    await again.store.stop()
  })
}

/** A hundred records: in the file itself, or still in its log. */
async function leaveFile (t: Test, file: string, how: 'stopped' | 'killed'): Promise<void> {
  const aside = tempFile(t)
  const { db } = openDatabase(aside, { create: true })
  const database = new JournalDatabase(db)
  database.commit(batchOf(0, 100))
  if (how === 'stopped') database.close()
  for (const suffix of how === 'stopped' ? [''] : ['', '-wal']) execFileSync('cp', [`${aside}${suffix}`, `${file}${suffix}`])
  chmodSync(file, 0o600)
  if (how === 'killed') database.close()
}
