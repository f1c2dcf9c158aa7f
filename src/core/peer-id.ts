import { base58btc } from 'multiformats/bases/base58'
import * as Digest from 'multiformats/hashes/digest'
import { parseCid } from './key.ts'

/** Multicodec codes: the codec of a peer ID as a CID, and the two hashes that a peer ID may have (libp2p peer-ids). */
const LIBP2P_KEY = 0x72
const IDENTITY = 0x00
const SHA2_256 = 0x12
/** libp2p peer-ids: a key of up to 42 bytes is its own ID. */
const MAX_IDENTITY_BYTES = 42
const SHA2_256_BYTES = 32

/**
 * The multihash of a peer ID in any of its texts: base58btc, or a CIDv1 with codec libp2p-key in any base. Undefined for
 * anything else, also for a CID of content: it names no peer.
 */
export function parsePeerId (text: string): Uint8Array | undefined {
  const multihash = fromBase58(text) ?? fromCid(text)
  if (multihash === undefined) return undefined
  const { code, size, bytes } = multihash
  const isPeerId = code === IDENTITY ? size > 0 && size <= MAX_IDENTITY_BYTES : code === SHA2_256 && size === SHA2_256_BYTES
  return isPeerId ? bytes : undefined
}

/** Base58btc, `12D3Koo…` or `Qm…`. */
export function toPeerIdText (multihash: Uint8Array): string {
  return base58btc.baseEncode(multihash)
}

function fromBase58 (text: string) {
  if (text.length > 128) return undefined
  try {
    return Digest.decode(base58btc.baseDecode(text))
  } catch {
    return undefined // not base58btc, or not a multihash: the other form is tried
  }
}

function fromCid (text: string) {
  const cid = text.length > 128 ? undefined : parseCid(text)
  return cid?.code === LIBP2P_KEY && cid.version === 1 ? cid.multihash : undefined
}
