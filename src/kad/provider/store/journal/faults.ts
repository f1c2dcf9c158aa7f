import { accessSync, constants } from 'node:fs'
import { dirname } from 'node:path'
import { JournalError, type JournalFault } from './journal.ts'

/** Primary result codes of SQLite, https://sqlite.org/rescode.html; the higher bits of `errcode` only refine them. */
const PRIMARY = 0xff
const SQLITE_ERROR = 1
const SQLITE_BUSY = 5
const SQLITE_READONLY = 8
const SQLITE_CORRUPT = 11
const SQLITE_FULL = 13
const SQLITE_SCHEMA = 17
const SQLITE_NOTADB = 26

const FAULTS: Readonly<Record<number, JournalFault>> = {
  [SQLITE_BUSY]: 'refused', [SQLITE_READONLY]: 'read_only', [SQLITE_CORRUPT]: 'damaged', [SQLITE_FULL]: 'full', [SQLITE_NOTADB]: 'damaged',
}

/** What a failure of SQLite or of the file system on `file` means, in a sentence for the operator. */
export function toJournalError (err: unknown, file: string): JournalError {
  if (err instanceof JournalError) return err
  const fault = faultOf(err, file)
  const { message } = err as Error
  return new JournalError(fault, explainFault(fault, file, message), { cause: err })
}

/** A sentence for the operator: what is in the way, and what to do. */
export function explainFault (fault: JournalFault, file: string, detail: string): string {
  switch (fault) {
    case 'full': return `the disk of ${file} is full, so announcements are refused: free space there`
    case 'read_only': return `${file} cannot be written, so announcements are refused: make its disk and directory writable`
    case 'io': return `${file} cannot be used (${detail}), so announcements are refused: check its disk`
    case 'damaged': return `${file} is damaged (${detail}): what could be read is served, announcements are refused. Stop the daemon, move the file, its -wal and its -commits away, and start again without them or with a copy`
    case 'refused': return `${file} is in use by another process: stop that, or set another node.dataDir`
  }
}

/** What to say of a file that lacks commits which its mark has counted; NaN for a mark that cannot be read. */
export function explainLostCommits (file: string, commits: number, marked: number): string {
  const what = Number.isNaN(marked) ? `${file}-commits, which counts its commits, cannot be read` : `it ends at commit ${commits}, and ${marked} were made: its log is damaged, or it is an older copy`
  return `${file} is damaged (${what}): what could be read is served, announcements are refused. Stop the daemon, then put a newer copy in its place, or move ${file}-commits away to go on with what is left`
}

/** The error that a statement against a file with our name and version, but not our tables, ends in. */
export function isSchemaError (err: unknown): boolean {
  const code = primaryCode(err)
  return code === SQLITE_ERROR || code === SQLITE_SCHEMA
}

function faultOf (err: unknown, file: string): JournalFault {
  const known = FAULTS[primaryCode(err)]
  if (known !== undefined) return known
  const { code } = err as NodeJS.ErrnoException
  if (code === 'ENOSPC' || code === 'EDQUOT') return 'full'
  return isWritable(dirname(file)) ? 'io' : 'read_only' // SQLite says no more than that it could not open or write
}

function primaryCode (err: unknown): number {
  return ((err as { readonly errcode?: number }).errcode ?? 0) & PRIMARY
}

function isWritable (directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK)
    return true
  } catch (err) {
    return (err as NodeJS.ErrnoException).code === 'ENOENT'
  }
}
