/** Bounds that no setting changes, because a protocol fixes them or several parts must agree on them. Each says which. */

/** libp2p kad-dht: a key is a multihash of at most 80 bytes. */
export const MAX_KEY_BYTES = 80

/** libp2p kad-dht: a framed message is at most 4 MiB; checked before anything is allocated for it. */
export const MAX_FRAME_BYTES = 4 * 1024 * 1024

/** Addresses kept for one peer; what follows the sixteenth is dropped. */
export const MAX_PEER_ADDRESSES = 16

/** Bytes of addresses kept for one peer, as in go-libp2p-kad-dht. */
export const MAX_PEER_RECORD_BYTES = 8 * 1024

/** A longer single address is not a usable multiaddr for us. */
export const MAX_ADDRESS_BYTES = 512

/** IPNS: a record is at most 10 KiB; no value namespace we hold needs more. */
export const MAX_VALUE_BYTES = 10 * 1024

/** A peer ID in its binary form is at most an identity multihash of a 42 byte key, or a sha2-256 one. */
export const MAX_PEER_ID_BYTES = 64

/** A capability with its discharges, as text: what a request may bring, a file may hold, and a mint may make. */
export const MAX_TOKEN_BYTES = 8 * 1024

/** All headers and the URL of a request that may bring a capability: the longest one, and room for the others. */
export const MAX_BEARER_HEADER_BYTES = MAX_TOKEN_BYTES + 1024
