import { crc32 } from 'node:zlib'
import type { Announcement, RecordSource } from '../../record.ts'
import { ByteReader, ByteWriter } from './byte-stream.ts'
import type { Batch, SavedRecord } from './journal.ts'

// How records cross between the event loop and the thread that writes: as bytes, since cloning an object for each of them would cost
// the event loop several times as much. The addresses and the checksums on disk are of the same bytes.

const SOURCES: readonly RecordSource[] = ['rpc', 'operator']
/** Stands for no time in `expiredBy`; no record expires then. */
const NO_TIME = -1

/** key, receivedAt, expiresAt, source, prefix: the bytes that a record's checksum is of. */
export function writeRecord (writer: ByteWriter, record: SavedRecord): void {
  writer.uint8(record.key.byteLength)
  writer.bytes(record.key)
  writer.float64(record.receivedAt)
  writer.float64(record.expiresAt)
  writer.uint8(SOURCES.indexOf(record.source))
  writer.uint8(record.prefix?.length ?? 0)
  if (record.prefix !== undefined) writer.latin1(record.prefix)
}

function readRecord (reader: ByteReader): SavedRecord {
  const key = reader.bytes(reader.uint8())
  const receivedAt = reader.float64()
  const expiresAt = reader.float64()
  const source = SOURCES[reader.uint8()] ?? 'rpc'
  const prefixLength = reader.uint8()
  return { key, receivedAt, expiresAt, source, prefix: prefixLength === 0 ? undefined : reader.latin1(prefixLength) }
}

/** Of a record's bytes and the row of its peer. */
export function recordSum (bytes: Uint8Array, peerRow: number): number {
  return crc32(bytes, peerRow)
}

/** Of the row of a peer or the place of a contact, with its ID and addresses. */
export function peerSum (row: number, id: Uint8Array, addrs: Uint8Array): number {
  return crc32(addrs, crc32(id, row))
}

/** Binary multiaddrs, each with its length before it. */
export function encodeAddrs (addrs: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter()
  writeAddrs(writer, addrs)
  return writer.take()
}

/** @throws {RangeError} for bytes that end too early */
export function decodeAddrs (bytes: Uint8Array): Uint8Array[] {
  const addrs: Uint8Array[] = []
  const reader = new ByteReader(bytes)
  while (!reader.isAtEnd) addrs.push(reader.bytes(reader.uint16()))
  return addrs
}

/** One commit as bytes, for the thread that writes it. */
export function encodeBatch ({ changes, dropped, expiredBy = NO_TIME }: Batch): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter()
  writer.float64(expiredBy)
  writer.uint32(dropped.length)
  for (const provider of dropped) {
    writer.uint8(provider.byteLength)
    writer.bytes(provider)
  }
  for (const { provider, addrs, held, gone, isForgotten } of changes) {
    writer.uint8(provider.byteLength)
    writer.bytes(provider)
    writer.uint8(isForgotten ? 1 : 0)
    writer.uint8(addrs === undefined ? 0 : 1)
    if (addrs !== undefined) {
      const room = writer.size
      writer.uint32(0)
      writeAddrs(writer, addrs)
      writer.patchUint32(writer.size - room - 4, room)
    }
    writer.uint32(held.length)
    for (const record of held) writeRecord(writer, record)
    writer.uint32(gone.length)
    for (const key of gone) {
      writer.uint8(key.byteLength)
      writer.bytes(key)
    }
  }
  return writer.take()
}

/** One provider's part of a batch. `held` and `gone` are to be read to their end, in this order. */
export interface EncodedChanges {
  readonly provider: Uint8Array
  readonly isForgotten: boolean
  readonly addrs: Uint8Array | undefined
  readonly held: Iterable<{ readonly record: SavedRecord, readonly bytes: Uint8Array }>
  readonly gone: Iterable<Uint8Array>
}

/** Reads the changes as they are asked for. @throws {RangeError} for bytes that end too early */
export function decodeBatch (bytes: Uint8Array): { readonly expiredBy: number | undefined, readonly dropped: readonly Uint8Array[], readonly changes: Iterable<EncodedChanges> } {
  const reader = new ByteReader(bytes)
  const expiredBy = reader.float64()
  const dropped = [...readKeys(reader)]
  return { expiredBy: expiredBy === NO_TIME ? undefined : expiredBy, dropped, changes: readChanges(reader) }
}

function * readChanges (reader: ByteReader): Generator<EncodedChanges> {
  while (!reader.isAtEnd) {
    const provider = reader.bytes(reader.uint8())
    const isForgotten = reader.uint8() === 1
    const addrs = reader.uint8() === 0 ? undefined : reader.bytes(reader.uint32())
    yield { provider, isForgotten, addrs, held: readHeld(reader), gone: readKeys(reader) }
  }
}

function * readHeld (reader: ByteReader): Generator<{ readonly record: SavedRecord, readonly bytes: Uint8Array }> {
  for (let left = reader.uint32(); left > 0; left--) {
    const start = reader.at
    const record = readRecord(reader)
    yield { record, bytes: reader.since(start) }
  }
}

function * readKeys (reader: ByteReader): Generator<Uint8Array> {
  for (let left = reader.uint32(); left > 0; left--) yield reader.bytes(reader.uint8())
}

/** A part of what is replayed: rows of peers, and rows of records that name their peer by its row. */
export interface ReplayChunk {
  readonly peers: Uint8Array<ArrayBuffer>
  readonly records: Uint8Array<ArrayBuffer>
}

export function writePeerRow (writer: ByteWriter, row: number, id: Uint8Array, addrs: Uint8Array): void {
  writer.uint32(row)
  writer.uint8(id.byteLength)
  writer.bytes(id)
  writer.uint32(addrs.byteLength)
  writer.bytes(addrs)
}

/** Puts replayed records together with their peers, whose rows come before. */
export class ReplayDecoder {
  /** Bounded by the peers on disk, and gone after the replay. */
  readonly #peers = new Map<number, Pick<Announcement, 'provider' | 'addrs'>>()
  /** Records whose peer is not there: something was lost. */
  orphans = 0

  decode ({ peers, records }: ReplayChunk): Announcement[] {
    for (const reader = new ByteReader(peers); !reader.isAtEnd;) {
      const row = reader.uint32()
      const provider = reader.bytes(reader.uint8())
      this.#peers.set(row, { provider, addrs: decodeAddrs(reader.bytes(reader.uint32())) })
    }
    const announcements: Announcement[] = []
    for (const reader = new ByteReader(records); !reader.isAtEnd;) {
      const peer = this.#peers.get(reader.uint32())
      const { key, receivedAt, expiresAt, source, prefix } = readRecord(reader)
      if (peer === undefined) this.orphans++
      else announcements.push({ key, provider: peer.provider, addrs: peer.addrs, receivedAt, expiresAt, source, prefix })
    }
    return announcements
  }
}

function writeAddrs (writer: ByteWriter, addrs: readonly Uint8Array[]): void {
  for (const addr of addrs) {
    writer.uint16(addr.byteLength)
    writer.bytes(addr)
  }
}
