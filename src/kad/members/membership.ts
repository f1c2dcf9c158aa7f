/** Where a peer meets us, and is judged: label `place` of the metric. */
export type MeetingPlace = 'connection' | 'rpc' | 'table' | 'record'

/** Whether a peer may have anything of us. Asked before any work; whoever answers also counts. */
export interface Membership {
  admits (peerId: string, place: MeetingPlace): boolean
}

/** What holds while nobody has listed members. */
export const EVERYBODY: Membership = { admits: () => true }

/** Peers, by their ID as text and in binary. */
export interface PeerSet {
  has (peerId: string): boolean
  hasBytes (peerId: Uint8Array): boolean
}
