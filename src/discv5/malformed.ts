/** Why bytes from outside were dropped: a label of `svc_dht_discv5_dropped_total`. */
export type MalformedReason = 'size' | 'header' | 'authdata' | 'rlp' | 'message' | 'request_id' | 'record' | 'signature' | 'key'

/** Bytes that are not what they claim to be. Caught where packets come in, and counted by reason. */
export class Malformed extends Error {
  override readonly name = 'Malformed'
  readonly reason: MalformedReason

  constructor (reason: MalformedReason, message: string) {
    super(message)
    this.reason = reason
  }
}
