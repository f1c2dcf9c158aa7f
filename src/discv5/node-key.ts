/** The secp256k1 key behind a node ID. Never logged, never in a message. */
export interface NodeKey {
  /** 32 bytes. */
  privateKey (): Uint8Array
}
