import { closeSync, existsSync, fsyncSync, lstatSync, mkdirSync, openSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { findDirectoryFault } from '../../../../core/private-directory.ts'
import { CommitMark } from './commit-mark.ts'
import { explainFault, isSchemaError, toJournalError } from './faults.ts'
import { JournalError } from './journal.ts'

/** Says that a database is a svc-dht journal, `file` shows it: "sdht". */
const APPLICATION_ID = 0x73646874
const SCHEMA_VERSION = 2

/** A record changes one page of the table. A small page is little to write for it: a third of what 4 KiB pages take. */
const PAGE_BYTES = 1024
/** The log is long, since a page that changed often is copied back once; it is read again after a crash, in a fraction of a second. */
const WAL_BYTES = 64 * 1024 * 1024
const CACHE_KIB = 16 * 1024
/** How long a process that is about to end may hold the file. */
const BUSY_TIMEOUT_MS = 2000

/**
 * Sums are checksums of a row, `ledger` has their total and the number of records: a page that was altered, lost or put back in an
 * older state shows. Times are milliseconds since the epoch.
 */
const SCHEMA = `
  CREATE TABLE peers (row INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, addrs BLOB NOT NULL, sum INTEGER NOT NULL) STRICT;
  CREATE TABLE records (
    key BLOB NOT NULL, peer INTEGER NOT NULL, received INTEGER NOT NULL, expires INTEGER NOT NULL, source INTEGER NOT NULL, prefix TEXT, sum INTEGER NOT NULL,
    PRIMARY KEY (key, peer)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE ledger (id INTEGER PRIMARY KEY CHECK (id = 1), commits INTEGER NOT NULL, records INTEGER NOT NULL, sum INTEGER NOT NULL) STRICT;
  CREATE TABLE contacts (place INTEGER PRIMARY KEY, id BLOB NOT NULL, addrs BLOB NOT NULL, sum INTEGER NOT NULL) STRICT;
  INSERT INTO ledger VALUES (1, 0, 0, 0);
`

export interface OpenedDatabase {
  readonly db: DatabaseSync
  /** Why nothing may be written to it. */
  readonly obstacle: JournalError | undefined
}

/**
 * Opens the journal's file for this process alone: for writing, or else for reading.
 * @throws {JournalError} `refused` for a file that is not ours to use, `damaged` when nothing of it can be read
 */
export function openDatabase (file: string, { create }: { readonly create: boolean }): OpenedDatabase {
  try {
    if (create) mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    assertPrivate(dirname(file))
    if (!existsSync(file)) createDatabase(file, create)
    // Made whole before it gets its name, so it is never empty unless something cut it off.
    if (statSync(file).size === 0) throw new JournalError('damaged', `${file} is empty, which it never is: move it and its -wal away, or put a copy in its place`)
    const { db, obstacle } = connect(file)
    try {
      assertOurs(db, file)
      const damage = findDamage(db)
      return { db, obstacle: damage === undefined ? obstacle : new JournalError('damaged', explainFault('damaged', file, damage)) }
    } catch (err) {
      db.close()
      throw err
    }
  } catch (err) {
    throw toJournalError(err, file)
  }
}

function assertPrivate (directory: string): void {
  const fault = findDirectoryFault(lstatSync(directory), process.getuid?.())
  if (fault !== undefined) throw new JournalError('refused', `${directory} ${fault}: make node.dataDir a directory of this user with mode 0700`)
}

/** Makes the file aside and names it when it is whole: a crash on the way leaves nothing that could be taken for a journal. */
function createDatabase (file: string, isAllowed: boolean): void {
  if (!isAllowed) throw new JournalError('io', `${file} is not there any more: put it back, or restart the daemon to begin with an empty one`)
  if (existsSync(`${file}-wal`)) {
    throw new JournalError('refused', `${file}-wal is there without ${file}, to which it belongs: put that back, or move the -wal away too`)
  }
  const { exists: wasThere, file: mark } = new CommitMark(file)
  if (wasThere) throw new JournalError('refused', `${mark} is there without ${file}, of which it counts the commits: put that back, or move ${mark} away to begin with an empty one`)
  const draft = `${file}.new`
  for (const leftover of [draft, `${draft}-wal`, `${draft}-shm`]) rmSync(leftover, { force: true })
  const db = new DatabaseSync(draft)
  try {
    db.exec(`PRAGMA page_size = ${PAGE_BYTES}; PRAGMA journal_mode = WAL; PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION}; ${SCHEMA}`)
  } finally {
    db.close() // brings the log into the file and syncs it
  }
  renameSync(draft, file)
  const directory = openSync(dirname(file), 'r')
  fsyncSync(directory)
  closeSync(directory)
}

function connect (file: string): OpenedDatabase {
  try {
    return { db: connectForWriting(file), obstacle: undefined }
  } catch (err) {
    const obstacle = toJournalError(err, file)
    if (obstacle.fault !== 'read_only') throw obstacle
    return { db: connectForReading(file), obstacle }
  }
}

function connectForWriting (file: string): DatabaseSync {
  const db = new DatabaseSync(toUrl(file, 'mode=rw'), { timeout: BUSY_TIMEOUT_MS })
  try {
    // One process at a time; this also keeps the log's index in memory instead of in a third file.
    db.exec('PRAGMA locking_mode = EXCLUSIVE')
    db.exec('BEGIN IMMEDIATE; ROLLBACK') // fails where writing will
    db.exec(`
      PRAGMA synchronous = FULL;
      PRAGMA cache_size = -${CACHE_KIB};
      PRAGMA cell_size_check = ON;
      PRAGMA trusted_schema = OFF;
      PRAGMA journal_size_limit = ${WAL_BYTES};
      PRAGMA wal_autocheckpoint = ${WAL_BYTES / PAGE_BYTES};
    `)
    return db
  } catch (err) {
    db.close()
    throw err
  }
}

/** On a disk that takes no writes SQLite can make neither locks nor a log: without a log none is needed, with one it is read as it stands. */
function connectForReading (file: string): DatabaseSync {
  const hasLog = existsSync(`${file}-wal`) && statSync(`${file}-wal`).size > 0
  const db = new DatabaseSync(toUrl(file, hasLog ? 'vfs=unix-none' : 'immutable=1'), { readOnly: true })
  db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF')
  return db
}

function assertOurs (db: DatabaseSync, file: string): void {
  const applicationId = readNumber(db, 'PRAGMA application_id')
  if (applicationId !== APPLICATION_ID) {
    throw new JournalError('refused', `${file} is a database of another program: move it away, or set another node.dataDir`)
  }
  const version = readNumber(db, 'PRAGMA user_version')
  if (version !== SCHEMA_VERSION) {
    throw new JournalError('refused', `${file} has format ${version}, and this version of svc-dht knows ${SCHEMA_VERSION}: run the version that wrote it, or move the file, its -wal and its -commits away to begin with an empty one`)
  }
}

/** SQLite's check of every page's structure. What it does not look at, the contents, the sums in the rows tell while they are read. */
function findDamage (db: DatabaseSync): string | undefined {
  try {
    const verdict = String(Object.values(db.prepare('PRAGMA quick_check(1)').get() ?? {})[0])
    return verdict === 'ok' ? undefined : verdict.split('\n').join(' ')
  } catch (err) {
    if (isSchemaError(err)) return (err as Error).message
    throw err
  }
}

function readNumber (db: DatabaseSync, sql: string): unknown {
  return Object.values(db.prepare(sql).get() ?? {})[0]
}

function toUrl (file: string, query: string): URL {
  const url = pathToFileURL(file)
  url.search = query
  return url
}
