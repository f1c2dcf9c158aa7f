import type { ConnectionGater } from '@libp2p/interface'
import type { Membership } from './membership.ts'

/**
 * The gater, with members alone let through: before a peer is dialled, and in both directions once the handshake has proven who it is.
 * Membership is asked first, so nothing that the gater allows bypasses it.
 */
export function membersOnly (gater: ConnectionGater, membership: Membership): ConnectionGater {
  const isOutsider = (peer: { toString (): string }): boolean => !membership.admits(peer.toString(), 'connection')
  return {
    ...gater,
    denyDialPeer: async peer => isOutsider(peer) || await gater.denyDialPeer?.(peer) === true,
    denyInboundEncryptedConnection: async (peer, connection) => isOutsider(peer) || await gater.denyInboundEncryptedConnection?.(peer, connection) === true,
    denyOutboundEncryptedConnection: async (peer, connection) => isOutsider(peer) || await gater.denyOutboundEncryptedConnection?.(peer, connection) === true,
  }
}
