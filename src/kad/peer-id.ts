import { peerIdFromCID, peerIdFromMultihash, peerIdFromString } from '@libp2p/peer-id'
import type { PeerId } from '@libp2p/interface'
import * as Digest from 'multiformats/hashes/digest'
import { DhtError } from '../core/errors.ts'
import { parseCid } from '../core/key.ts'

/** The peer a binary peer ID names, or undefined when the bytes are none. */
export function peerIdFromBytes (bytes: Uint8Array): PeerId | undefined {
  try {
    return peerIdFromMultihash(Digest.decode(bytes))
  } catch {
    return undefined // not a peer ID; most keys are not
  }
}

/**
 * Reads a peer ID: base58btc multihash, or a CIDv1 of codec libp2p-key.
 * @throws {DhtError} BadRequest
 */
export function parsePeerId (text: string): PeerId {
  try {
    const cid = text.startsWith('1') || text.startsWith('Qm') ? undefined : parseCid(text)
    return cid === undefined ? peerIdFromString(text) : peerIdFromCID(cid)
  } catch (cause) {
    throw new DhtError('BadRequest', 'Not a peer ID.', { cause, hint: 'Give it as 12D3Koo…, Qm… or k51….', reason: 'key' })
  }
}
