import type { DatabaseSync } from 'node:sqlite'
import { ByteWriter } from './byte-stream.ts'
import { peerSum, recordSum, writePeerRow, writeRecord, type ReplayChunk } from './codec.ts'
import type { Ledger } from './database.ts'

/** Rows in a chunk: what the event loop takes in within about two milliseconds. */
const CHUNK_ROWS = 1000

type PeerRow = [row: number, id: Uint8Array, addrs: Uint8Array, sum: number]
type RecordRow = [key: Uint8Array, peer: number, received: number, expires: number, source: number, prefix: string | null, sum: number]

/** Reads everything back, peers first, and holds each row against its sum and all of them against the ledger. */
export class ReplayReader {
  readonly #peers: Generator<PeerRow>
  readonly #records: Generator<RecordRow>
  readonly #ledger: Ledger
  readonly #writer = new ByteWriter()
  #read = 0
  #sum = 0
  #altered = 0
  #damage: string | undefined

  constructor (db: DatabaseSync, ledger: Ledger) {
    this.#peers = select<PeerRow>(db, 'SELECT row, id, addrs, sum FROM peers')
    this.#records = select<RecordRow>(db, 'SELECT key, peer, received, expires, source, prefix, sum FROM records')
    this.#ledger = ledger
  }

  /** What is wrong with what was read. Known in full after the last chunk. */
  get damage (): string | undefined {
    if (this.#damage !== undefined) return this.#damage
    if (this.#altered > 0) return `${this.#altered} rows were altered`
    if (this.#read !== this.#ledger.records) return `it holds ${this.#read} records where ${this.#ledger.records} were written`
    return this.#sum === this.#ledger.sum ? undefined : 'some records are in an older state than was written last'
  }

  /** The next chunk, or undefined at the end. */
  next (): ReplayChunk | undefined {
    const peers = this.#take(this.#peers, row => this.#writePeer(row))
    const records = peers.byteLength > 0 ? new Uint8Array() : this.#take(this.#records, row => this.#writeRecord(row))
    return peers.byteLength === 0 && records.byteLength === 0 ? undefined : { peers, records }
  }

  /** Lets go of the file. */
  close (): void {
    this.#peers.return(undefined)
    this.#records.return(undefined)
  }

  #take<T> (rows: Generator<T>, write: (row: T) => void): Uint8Array<ArrayBuffer> {
    try {
      for (let count = 0; count < CHUNK_ROWS; count++) {
        const { value, done } = rows.next()
        if (done === true) break
        write(value)
      }
    } catch (err) {
      this.#damage ??= (err as Error).message // what follows cannot be reached
    }
    return this.#writer.take()
  }

  #writePeer ([row, id, addrs, sum]: PeerRow): void {
    if (peerSum(row, id, addrs) === sum) writePeerRow(this.#writer, row, id, addrs)
    else this.#altered++
  }

  #writeRecord ([key, peer, receivedAt, expiresAt, source, prefix, sum]: RecordRow): void {
    const start = this.#writer.size
    this.#writer.uint32(peer)
    const image = this.#writer.size
    writeRecord(this.#writer, { key, receivedAt, expiresAt, source: source === 1 ? 'operator' : 'rpc', prefix: prefix ?? undefined })
    this.#read++
    this.#sum = (this.#sum + sum) >>> 0
    if (recordSum(this.#writer.since(image), peer) === sum) return
    this.#altered++
    this.#writer.cutTo(start)
  }
}

/** A generator, since it ends where an error ends it; the statement's own iterator begins again. */
function * select<T> (db: DatabaseSync, sql: string): Generator<T> {
  const statement = db.prepare(sql)
  statement.setReturnArrays(true)
  yield * statement.iterate() as unknown as Iterable<T>
}
