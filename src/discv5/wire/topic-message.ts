import { Malformed } from '../malformed.ts'
import { encodeBytes, encodeList, RlpReader, uintBytes } from '../rlp.ts'
import { encode, intoPackets, readDistances, readRecords, recordsPart, TYPE } from './message.ts'

/** discv5 wire, § REGTOPIC to TOPICNODES. */
const TOPIC_BYTES = 32
/** Of any registrar. A REGTOPIC with one, and with the largest record, fits a packet. */
export const MAX_TICKET_BYTES = 512
/** Distances that one request names: as many buckets as an answer has auxiliary records for. */
export const MAX_TOPIC_DISTANCES = 16
/** Packets of one answer, auxiliary records included: as many as FINDNODE gets. */
const MAX_PARTS = 5
const MAX_UINT32 = 0xffffffff

export type TopicRequest =
  | { readonly kind: 'regtopic', readonly requestId: Buffer, readonly topic: Buffer, readonly record: Buffer, readonly ticket: Buffer, readonly distances: readonly number[] }
  | { readonly kind: 'topicquery', readonly requestId: Buffer, readonly topic: Buffer, readonly distances: readonly number[] }

export type TopicAnswer =
  | { readonly kind: 'regconfirmation', readonly requestId: Buffer, readonly total: number, readonly ticket: Buffer, readonly waitMs: number }
  | { readonly kind: 'topicnodes', readonly requestId: Buffer, readonly total: number, readonly records: readonly Buffer[] }

/** @throws {Malformed} */
export function decodeTopicRequest (plaintext: Buffer): TopicRequest {
  const { fields, requestId } = open(plaintext)
  const isRegistration = plaintext[0] === TYPE.regtopic
  if (!isRegistration && plaintext[0] !== TYPE.topicquery) throw new Malformed('message', 'no request about a topic')
  const topic = fields.bytes()
  if (topic.length !== TOPIC_BYTES) throw new Malformed('message', 'a topic that has not 32 bytes')
  const registration = isRegistration ? { record: fields.raw(), ticket: readTicket(fields) } : undefined
  const distances = readDistances(fields.list())
  fields.end()
  return registration === undefined ? { kind: 'topicquery', requestId, topic, distances } : { kind: 'regtopic', requestId, topic, ...registration, distances }
}

/** @throws {Malformed} */
export function decodeTopicAnswer (plaintext: Buffer): TopicAnswer {
  const { fields, requestId } = open(plaintext)
  const isConfirmation = plaintext[0] === TYPE.regconfirmation
  if (!isConfirmation && plaintext[0] !== TYPE.topicnodes) throw new Malformed('message', 'no answer about a topic')
  const total = fields.uint(0xffff)
  const answer: TopicAnswer = isConfirmation
    ? { kind: 'regconfirmation', requestId, total, ticket: readTicket(fields), waitMs: fields.uint(MAX_UINT32) }
    : { kind: 'topicnodes', requestId, total, records: readRecords(fields.list()) }
  fields.end()
  return answer
}

export function encodeRegtopic (requestId: Uint8Array, topic: Uint8Array, record: Uint8Array, ticket: Uint8Array, distances: readonly number[]): Buffer {
  return encode(TYPE.regtopic, [encodeBytes(requestId), encodeBytes(topic), record, encodeBytes(ticket), encodeDistances(distances)])
}

export function encodeTopicquery (requestId: Uint8Array, topic: Uint8Array, distances: readonly number[]): Buffer {
  return encode(TYPE.topicquery, [encodeBytes(requestId), encodeBytes(topic), encodeDistances(distances)])
}

/** REGCONFIRMATION, and NODES with what fits of the auxiliary records. */
export function encodeConfirmation (requestId: Uint8Array, ticket: Uint8Array, waitMs: number, auxiliary: readonly Uint8Array[]): Buffer[] {
  const groups = auxiliary.length === 0 ? [] : intoPackets(auxiliary, MAX_PARTS - 1)
  const total = 1 + groups.length
  const confirmation = encode(TYPE.regconfirmation, [encodeBytes(requestId), encodeBytes(uintBytes(total)), encodeBytes(ticket), encodeBytes(uintBytes(waitMs))])
  return [confirmation, ...groups.map(group => recordsPart(TYPE.nodes, requestId, total, group))]
}

/** TOPICNODES, one at least, so that who asked knows that there is nothing; then NODES with what fits of the auxiliary records. */
export function encodeTopicnodes (requestId: Uint8Array, advertisers: readonly Uint8Array[], auxiliary: readonly Uint8Array[]): Buffer[] {
  const found = intoPackets(advertisers, MAX_PARTS)
  const room = MAX_PARTS - found.length
  const others = auxiliary.length === 0 || room === 0 ? [] : intoPackets(auxiliary, room)
  const total = found.length + others.length
  return [...found.map(group => recordsPart(TYPE.topicnodes, requestId, total, group)), ...others.map(group => recordsPart(TYPE.nodes, requestId, total, group))]
}

function open (plaintext: Buffer): { readonly fields: RlpReader, readonly requestId: Buffer } {
  const outer = new RlpReader(plaintext, 1)
  const fields = outer.list()
  outer.end()
  return { fields, requestId: fields.bytes() } // its length was checked when the kind of message was
}

function readTicket (fields: RlpReader): Buffer {
  const ticket = fields.bytes()
  if (ticket.length > MAX_TICKET_BYTES) throw new Malformed('message', 'a ticket of more than 512 bytes')
  return ticket
}

function encodeDistances (distances: readonly number[]): Buffer {
  return encodeList(distances.slice(0, MAX_TOPIC_DISTANCES).map(distance => encodeBytes(uintBytes(distance))))
}
