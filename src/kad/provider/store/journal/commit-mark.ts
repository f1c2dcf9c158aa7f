import { closeSync, existsSync, fdatasyncSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { crc32 } from 'node:zlib'

/** Slots are a sector apart, so that a write that was cut off spoils one of them only. */
const SLOT_DISTANCE = 512
const SLOTS = 2
const COUNT_BYTES = 8
const SLOT_BYTES = COUNT_BYTES + 4

/**
 * How many commits were made, in a small file beside the database. SQLite takes a log that is damaged in the middle for one that
 * was cut off there, and forgets what follows; the mark tells the two apart. It is written after the commit is on disk, so it may
 * be behind the database after a crash and is ahead of it only when something was lost.
 */
export class CommitMark {
  readonly file: string
  #handle: number | undefined

  constructor (databaseFile: string) {
    this.file = `${databaseFile}-commits`
  }

  get exists (): boolean { return existsSync(this.file) }

  /** The last count written whole; undefined without a mark: it makes no claim then. NaN when none can be read of the mark that is there. */
  read (): number | undefined {
    if (!this.exists) return undefined
    const bytes = Buffer.alloc(SLOT_DISTANCE * (SLOTS - 1) + SLOT_BYTES)
    const handle = openSync(this.file, 'r')
    try {
      readSync(handle, bytes, 0, bytes.byteLength, 0)
    } finally {
      closeSync(handle)
    }
    const counts = Array.from({ length: SLOTS }, (_, slot) => readSlot(bytes.subarray(slot * SLOT_DISTANCE))).filter(count => count !== undefined)
    return counts.length === 0 ? Number.NaN : Math.max(...counts)
  }

  /** Returns when it is on disk. */
  write (commits: number): void {
    this.#handle ??= this.#open()
    const slot = Buffer.alloc(SLOT_BYTES)
    slot.writeBigUInt64LE(BigInt(commits))
    slot.writeUInt32LE(sumOf(slot), COUNT_BYTES)
    writeSync(this.#handle, slot, 0, SLOT_BYTES, commits % SLOTS * SLOT_DISTANCE)
    fdatasyncSync(this.#handle)
  }

  close (): void {
    if (this.#handle !== undefined) closeSync(this.#handle)
    this.#handle = undefined
  }

  #open (): number {
    if (this.exists) return openSync(this.file, 'r+')
    const handle = openSync(this.file, 'wx+', 0o600)
    const directory = openSync(dirname(this.file), 'r')
    fsyncSync(directory)
    closeSync(directory)
    return handle
  }
}

function readSlot (slot: Buffer): number | undefined {
  return slot.readUInt32LE(COUNT_BYTES) === sumOf(slot) ? Number(slot.readBigUInt64LE()) : undefined
}

/** Not 0 for zeros: an empty slot is none. */
function sumOf (slot: Buffer): number {
  return crc32(slot.subarray(0, COUNT_BYTES), 1)
}
