import { peerIdFromMultihash } from '@libp2p/peer-id'
import type { PeerId } from '@libp2p/interface'
import * as Digest from 'multiformats/hashes/digest'
import { DhtError } from '../core/errors.ts'
import { parsePeerId as parsePeerIdText } from '../core/peer-id.ts'

/** The peer a binary peer ID names, or undefined when the bytes are none. */
export function peerIdFromBytes (bytes: Uint8Array): PeerId | undefined {
  try {
    return peerIdFromMultihash(Digest.decode(bytes))
  } catch {
    return undefined // not a peer ID; most keys are not
  }
}

/**
 * The peer that a text names: base58btc multihash, or a CIDv1 of codec libp2p-key.
 * @throws {DhtError} BadRequest
 */
export function parsePeerId (text: string): PeerId {
  const bytes = parsePeerIdText(text)
  const peer = bytes === undefined ? undefined : peerIdFromBytes(bytes)
  if (peer === undefined) throw new DhtError('BadRequest', 'Not a peer ID.', { hint: 'Give it as 12D3Koo…, Qm… or k51….', reason: 'key' })
  return peer
}
