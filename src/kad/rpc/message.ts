import { DhtError } from '../../core/errors.ts'
import { MAX_ADDRESS_BYTES, MAX_KEY_BYTES, MAX_PEER_ADDRESSES, MAX_PEER_ID_BYTES, MAX_PEER_RECORD_BYTES } from '../../core/limits.ts'
import { ProtobufReader, ProtobufWriter } from './protobuf.ts'

/** libp2p kad-dht, RPC messages: the position is the number on the wire. */
export const MESSAGE_TYPES = ['PUT_VALUE', 'GET_VALUE', 'ADD_PROVIDER', 'GET_PROVIDERS', 'FIND_NODE', 'PING'] as const
export type MessageType = typeof MESSAGE_TYPES[number]

/** A peer as a message carries it: binary peer ID and binary multiaddrs. */
export interface PeerEntry {
  readonly id: Uint8Array
  readonly addrs: readonly Uint8Array[]
}

/** A request as far as a server looks at it. `closer` entries of a request mean nothing and are not decoded. */
export interface Request {
  readonly type: MessageType
  readonly key: Uint8Array
  /** The bytes of a record message; PUT_VALUE only. */
  readonly record: Uint8Array | undefined
  readonly providers: readonly PeerEntry[]
  /** Carried back as it came; a leftover of Coral that clients compare. */
  readonly clusterLevel: number | undefined
}

/** What goes into a reply. Peer entries come encoded, so that a peer that many replies name is encoded once. */
export interface Reply {
  readonly type: MessageType
  readonly key?: Uint8Array
  readonly record?: Uint8Array | undefined
  readonly closer?: readonly EncodedPeer[]
  readonly providers?: readonly EncodedPeer[]
  readonly clusterLevel?: number | undefined
}

/** The protobuf body of one PeerEntry. */
export type EncodedPeer = Uint8Array

/** Only the sender's own entry counts, so a request has no use for many; the slack is for senders that list themselves per address. */
const MAX_REQUEST_PROVIDERS = 16
const FIELD = { type: 1, key: 2, record: 3, closer: 8, providers: 9, clusterLevel: 10 } as const
const PEER_FIELD = { id: 1, addrs: 2 } as const
const BYTES_OVERHEAD = 6 // tag and length of a field that holds up to 4 MiB

/**
 * Reads one request. Work is bounded by the limits, not by the message: what would exceed them is refused at that byte.
 * @throws {DhtError} BadRequest with reason `decode`, `type`, `key` or `provider`
 */
export function decodeRequest (frame: Uint8Array): Request {
  const reader = new ProtobufReader(frame)
  let typeNumber = 0 // proto3: an absent enum is its zero value
  let key: Uint8Array = EMPTY
  let record: Uint8Array | undefined
  let clusterLevel: number | undefined
  const providers: PeerEntry[] = []

  for (let tag = reader.nextTag(); tag !== undefined; tag = reader.nextTag()) {
    if (tag.wireType === 0 && tag.field === FIELD.type) typeNumber = reader.int32()
    else if (tag.wireType === 0 && tag.field === FIELD.clusterLevel) clusterLevel = reader.int32()
    else if (tag.wireType === 2 && tag.field === FIELD.key) key = reader.bytes()
    else if (tag.wireType === 2 && tag.field === FIELD.record) record = reader.bytes()
    else if (tag.wireType === 2 && tag.field === FIELD.providers) {
      if (providers.length === MAX_REQUEST_PROVIDERS) {
        throw new DhtError('BadRequest', `A request names at most ${MAX_REQUEST_PROVIDERS} providers.`, { reason: 'provider' })
      }
      providers.push(decodePeer(reader.bytes()))
    } else reader.skip(tag.wireType)
  }

  const type = MESSAGE_TYPES[typeNumber]
  if (type === undefined) throw new DhtError('BadRequest', 'Unknown message type.', { reason: 'type' })
  if (key.byteLength > MAX_KEY_BYTES) throw new DhtError('BadRequest', `A key has at most ${MAX_KEY_BYTES} bytes.`, { reason: 'key' })
  return { type, key, record, providers, clusterLevel }
}

/** The framed reply: length prefix and message in one buffer, so that it leaves in one write. */
export function encodeReply (reply: Reply): Uint8Array {
  const { key = EMPTY, record, closer = [], providers = [], clusterLevel } = reply
  const writer = new ProtobufWriter(replySize(reply))
  writer.int32Field(FIELD.type, MESSAGE_TYPES.indexOf(reply.type))
  if (key.byteLength > 0) writer.bytesField(FIELD.key, key)
  if (record !== undefined) writer.bytesField(FIELD.record, record)
  for (const peer of closer) writer.bytesField(FIELD.closer, peer)
  for (const peer of providers) writer.bytesField(FIELD.providers, peer)
  if (clusterLevel !== undefined) writer.int32Field(FIELD.clusterLevel, clusterLevel)
  return writer.finishFramed()
}

/** An upper bound of the encoded size of a reply, for stopping before a frame gets too large. Bytes. */
export function replySize ({ key = EMPTY, record = EMPTY, closer = [], providers = [] }: Reply): number {
  let size = 32 + key.byteLength + record.byteLength
  for (const peer of closer) size += encodedPeerSize(peer)
  for (const peer of providers) size += encodedPeerSize(peer)
  return size
}

/** What one encoded peer adds to a reply at most. Bytes. */
export function encodedPeerSize (peer: EncodedPeer): number {
  return peer.byteLength + BYTES_OVERHEAD
}

/** One `Message.Peer`, encoded once and put into any number of replies. */
export function encodePeer ({ id, addrs }: PeerEntry): EncodedPeer {
  const size = addrs.reduce((sum, addr) => sum + addr.byteLength + BYTES_OVERHEAD, id.byteLength + BYTES_OVERHEAD)
  const writer = new ProtobufWriter(size)
  writer.bytesField(PEER_FIELD.id, id)
  for (const addr of addrs) writer.bytesField(PEER_FIELD.addrs, addr)
  return writer.finish()
}

/**
 * Reads one peer entry and keeps at most 16 addresses and 8 KiB of it; what is beyond is passed over unread.
 * @throws {DhtError} BadRequest with reason `decode`
 */
export function decodePeer (bytes: Uint8Array): PeerEntry {
  const reader = new ProtobufReader(bytes)
  let id: Uint8Array = EMPTY
  let room = MAX_PEER_RECORD_BYTES
  const addrs: Uint8Array[] = []
  for (let tag = reader.nextTag(); tag !== undefined; tag = reader.nextTag()) {
    if (tag.wireType === 2 && tag.field === PEER_FIELD.id) id = reader.bytes()
    else if (tag.wireType === 2 && tag.field === PEER_FIELD.addrs && addrs.length < MAX_PEER_ADDRESSES) {
      const addr = reader.bytes()
      const fits = addr.byteLength <= MAX_ADDRESS_BYTES && addr.byteLength <= room
      if (fits && addr.byteLength > 0) addrs.push(addr)
      if (fits) room -= addr.byteLength
    } else reader.skip(tag.wireType)
  }
  if (id.byteLength > MAX_PEER_ID_BYTES) throw new DhtError('BadRequest', 'A peer ID is too long.', { reason: 'decode' })
  return { id, addrs }
}

const EMPTY = new Uint8Array(0)
