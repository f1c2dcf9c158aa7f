import { parsePeerId, toPeerIdText } from '../core/peer-id.ts'

/** Key of a record under which a node whose libp2p identity is another key names it, as the binary peer ID (decision 0019). */
export const PEER_ID_KEY = 'libp2p'

/** libp2p peer-ids: the protobuf of a public key, type Secp256k1 (2), 33 bytes. */
const SECP256K1_PROTOBUF = [0x08, 0x02, 0x12, 0x21]
/** Multihash code identity: a key of up to 42 bytes is its own ID. */
const IDENTITY = 0x00
const COMPRESSED_KEY_BYTES = 33

/**
 * The libp2p peer behind a record: the one it declares, else its own secp256k1 key as a peer ID. Undefined without either. That the
 * peer agrees is known only once it was dialled. Peers with Ed25519 or RSA keys cannot be told from a node ID in any other way.
 */
export function peerOf (pairs: ReadonlyMap<string, Uint8Array>): { readonly peerId: string, readonly isDeclared: boolean } | undefined {
  const declared = pairs.get(PEER_ID_KEY)
  if (declared !== undefined) {
    const peerId = declared.length > 64 ? '' : toPeerIdText(declared)
    return parsePeerId(peerId) === undefined ? undefined : { peerId, isDeclared: true }
  }
  const key = pairs.get('secp256k1')
  if (key?.length !== COMPRESSED_KEY_BYTES) return undefined
  const protobuf = [...SECP256K1_PROTOBUF, ...key]
  return { peerId: toPeerIdText(Uint8Array.from([IDENTITY, protobuf.length, ...protobuf])), isDeclared: false }
}
