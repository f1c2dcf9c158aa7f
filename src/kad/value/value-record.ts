import { DhtError } from '../../core/errors.ts'
import { ProtobufReader, ProtobufWriter } from '../rpc/protobuf.ts'

/** libp2p kad-dht, record.proto: a value under its key, and when it was received (RFC 3339). */
export interface ValueRecord {
  readonly key: Uint8Array
  readonly value: Uint8Array
}

const FIELD = { key: 1, value: 2, timeReceived: 5 } as const

/** @throws {DhtError} BadRequest with reason `decode` or, without key or value, `record` */
export function decodeValueRecord (bytes: Uint8Array): ValueRecord {
  const reader = new ProtobufReader(bytes)
  let key: Uint8Array | undefined
  let value: Uint8Array | undefined
  for (let tag = reader.nextTag(); tag !== undefined; tag = reader.nextTag()) {
    if (tag.wireType === 2 && tag.field === FIELD.key) key = reader.bytes()
    else if (tag.wireType === 2 && tag.field === FIELD.value) value = reader.bytes()
    else reader.skip(tag.wireType)
  }
  if (key === undefined || value === undefined) throw new DhtError('BadRequest', 'The record has no key or no value.', { reason: 'record' })
  return { key, value }
}

/** libp2p `record.Record`; `receivedAt` is in milliseconds. */
export function encodeValueRecord ({ key, value }: ValueRecord, receivedAt: number): Uint8Array {
  const time = Buffer.from(new Date(receivedAt).toISOString())
  const writer = new ProtobufWriter(key.byteLength + value.byteLength + time.byteLength + 16)
  writer.bytesField(FIELD.key, key)
  writer.bytesField(FIELD.value, value)
  writer.bytesField(FIELD.timeReceived, time)
  return writer.finish()
}
