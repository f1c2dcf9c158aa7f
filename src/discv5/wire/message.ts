import { ipText } from '../ip.ts'
import { Malformed } from '../malformed.ts'
import { encodeBytes, encodeList, headerSize, RlpReader, uintBytes, writeHeader } from '../rlp.ts'
import { MAX_PACKET_BYTES } from './packet.ts'

/** discv5 wire, § Protocol Messages. */
const MAX_REQUEST_ID_BYTES = 8
/** Distances 0 to 256, each once. */
const MAX_DISTANCES = 257
/** Records that fit into one packet; an answer with more is no packet. */
const MAX_RECORDS_IN_MESSAGE = 20
/** IV, header, source ID and tag around a message, its type, list headers, a request ID and the count of parts. */
const NODES_OVERHEAD_BYTES = 16 + 23 + 32 + 16 + 1 + 3 + 9 + 1 + 3
const NODES_ROOM_BYTES = MAX_PACKET_BYTES - NODES_OVERHEAD_BYTES
/** geth and others stop reading after five. */
const MAX_NODES_PARTS = 5

export const TYPE = { ping: 1, pong: 2, findnode: 3, nodes: 4, talkreq: 5, talkresp: 6, regtopic: 7, regconfirmation: 8, topicquery: 9, topicnodes: 10 } as const

export type Message =
  | { readonly kind: 'ping', readonly requestId: Buffer, readonly enrSeq: bigint }
  | { readonly kind: 'pong', readonly requestId: Buffer, readonly enrSeq: bigint, readonly ip: string, readonly port: number }
  | { readonly kind: 'findnode', readonly requestId: Buffer, readonly distances: readonly number[] }
  | { readonly kind: 'nodes', readonly requestId: Buffer, readonly total: number, readonly records: readonly Buffer[] }
  | { readonly kind: 'talkreq', readonly requestId: Buffer, readonly protocol: Buffer, readonly request: Buffer }
  | { readonly kind: 'talkresp', readonly requestId: Buffer, readonly response: Buffer }
  /** REGTOPIC or TOPICQUERY, and what answers them; read further by `wire/topic-message.ts` where topics are on. */
  | { readonly kind: 'topic' | 'topic-answer', readonly requestId: Buffer, readonly plaintext: Buffer }

/** @throws {Malformed} */
export function decodeMessage (plaintext: Buffer): Message {
  const outer = new RlpReader(plaintext, 1)
  const fields = outer.list()
  outer.end()
  const requestId = fields.bytes()
  if (requestId.length > MAX_REQUEST_ID_BYTES) throw new Malformed('request_id', 'a request ID of more than 8 bytes')
  const message = decodeFields(plaintext, requestId, fields)
  if (message.kind !== 'topic' && message.kind !== 'topic-answer') fields.end()
  return message
}

function decodeFields (plaintext: Buffer, requestId: Buffer, fields: RlpReader): Message {
  switch (plaintext[0]) {
    case TYPE.ping: return { kind: 'ping', requestId, enrSeq: fields.bigint() }
    case TYPE.pong: return { kind: 'pong', requestId, enrSeq: fields.bigint(), ip: readIp(fields), port: fields.uint(0xffff) }
    case TYPE.findnode: return { kind: 'findnode', requestId, distances: readDistances(fields.list()) }
    case TYPE.nodes: return { kind: 'nodes', requestId, total: fields.uint(0xffff), records: readRecords(fields.list()) }
    case TYPE.talkreq: return { kind: 'talkreq', requestId, protocol: fields.bytes(), request: fields.bytes() }
    case TYPE.talkresp: return { kind: 'talkresp', requestId, response: fields.bytes() }
    case TYPE.regtopic: case TYPE.topicquery: return { kind: 'topic', requestId, plaintext }
    case TYPE.regconfirmation: case TYPE.topicnodes: return { kind: 'topic-answer', requestId, plaintext }
    default: throw new Malformed('message', 'an unknown type of message')
  }
}

function readIp (fields: RlpReader): string {
  const bytes = fields.bytes()
  if (bytes.length !== 4 && bytes.length !== 16) throw new Malformed('message', 'an IP that has neither 4 nor 16 bytes')
  return ipText(bytes)
}

export function readDistances (list: RlpReader): number[] {
  const distances: number[] = []
  while (!list.isDone) {
    if (distances.length === MAX_DISTANCES) throw new Malformed('message', 'more distances than there are')
    distances.push(list.uint(256))
  }
  return distances
}

export function readRecords (list: RlpReader): Buffer[] {
  const records: Buffer[] = []
  while (!list.isDone) {
    if (records.length === MAX_RECORDS_IN_MESSAGE) throw new Malformed('message', 'more records than fit into a packet')
    records.push(list.raw())
  }
  return records
}

export function encodePing (requestId: Uint8Array, enrSeq: bigint): Buffer {
  return encode(TYPE.ping, [encodeBytes(requestId), encodeBytes(uintBytes(enrSeq))])
}

/** `ip` has 4 or 16 bytes. */
export function encodePong (requestId: Uint8Array, enrSeq: bigint, ip: Uint8Array, port: number): Buffer {
  return encode(TYPE.pong, [encodeBytes(requestId), encodeBytes(uintBytes(enrSeq)), encodeBytes(ip), encodeBytes(uintBytes(port))])
}

export function encodeFindnode (requestId: Uint8Array, distances: readonly number[]): Buffer {
  return encode(TYPE.findnode, [encodeBytes(requestId), encodeList(distances.map(distance => encodeBytes(uintBytes(distance))))])
}

export function encodeTalkreq (requestId: Uint8Array, protocol: Uint8Array, request: Uint8Array): Buffer {
  return encode(TYPE.talkreq, [encodeBytes(requestId), encodeBytes(protocol), encodeBytes(request)])
}

export function encodeTalkresp (requestId: Uint8Array, response: Uint8Array): Buffer {
  return encode(TYPE.talkresp, [encodeBytes(requestId), encodeBytes(response)])
}

/** The parts of an answer to FINDNODE; each fits a packet. What does not fit five parts is left out. */
export function encodeNodes (requestId: Uint8Array, records: readonly Uint8Array[]): Buffer[] {
  const groups = intoPackets(records, MAX_NODES_PARTS)
  return groups.map(group => recordsPart(TYPE.nodes, requestId, groups.length, group))
}

/** Records as packets hold them: one group at least, at most `limit`. What does not fit is left out. */
export function intoPackets (records: readonly Uint8Array[], limit: number): Uint8Array[][] {
  const groups: Uint8Array[][] = [[]]
  let room = NODES_ROOM_BYTES
  for (const record of records) {
    if (record.length > room) {
      if (groups.length >= limit) break
      groups.push([])
      room = NODES_ROOM_BYTES
    }
    groups.at(-1)?.push(record)
    room -= record.length
  }
  return groups
}

/** One NODES or TOPICNODES message, written into one buffer: this is what a server sends most. `total` is below 128. */
export function recordsPart (type: number, requestId: Uint8Array, total: number, records: readonly Uint8Array[]): Buffer {
  const id = encodeBytes(requestId)
  const recordsBytes = records.reduce((sum, { length }) => sum + length, 0)
  const inside = id.length + 1 + headerSize(recordsBytes) + recordsBytes
  const message = Buffer.allocUnsafe(1 + headerSize(inside) + inside)
  message[0] = type
  let at = writeHeader(message, 1, 0xc0, inside)
  at += id.copy(message, at)
  message[at] = total // a byte that is its own encoding
  at = writeHeader(message, at + 1, 0xc0, recordsBytes)
  for (const record of records) {
    message.set(record, at)
    at += record.length
  }
  return message
}

export function encode (type: number, fields: readonly Uint8Array[]): Buffer {
  return Buffer.concat([Buffer.from([type]), encodeList(fields)])
}
