import type { Peer, PeerStore } from '@libp2p/interface'

/** Peers whose protocols are remembered; the one added longest ago goes first. */
const MAX_PEERS = 4096

/**
 * Spares the peer store a write for each stream. libp2p notes, whenever a stream opens, that the peer speaks its protocol: a
 * lock, a read, a write and an event, for what the store has known since the first stream.
 */
export function rememberProtocols (store: PeerStore): void {
  /** What the store returned for a peer and protocol it knows. Bounded by MAX_PEERS, and the protocols we speak. */
  const known = new Map<string, Map<string, Peer>>()
  const merge = store.merge.bind(store)

  store.merge = async (id, data, options) => {
    const [protocol] = data.protocols ?? []
    const isStreamNote = protocol !== undefined && data.protocols?.length === 1 && Object.keys(data).length === 1
    if (!isStreamNote) {
      known.delete(id.toString())
      return await merge(id, data, options)
    }
    const name = id.toString()
    const held = known.get(name)?.get(protocol)
    if (held !== undefined) return held

    const peer = await merge(id, data, options)
    const protocols = known.get(name) ?? new Map<string, Peer>()
    known.set(name, protocols.set(protocol, peer))
    if (known.size > MAX_PEERS) known.delete(known.keys().next().value as string)
    return peer
  }
  for (const change of ['patch', 'save', 'delete'] as const) forgetOn(store, change, known)
}

function forgetOn (store: PeerStore, change: 'patch' | 'save' | 'delete', known: Map<string, unknown>): void {
  const original = store[change].bind(store) as (...args: Parameters<PeerStore['patch']>) => Promise<Peer>
  (store as unknown as Record<string, unknown>)[change] = async (...args: Parameters<PeerStore['patch']>) => {
    known.delete(args[0].toString())
    return await original(...args)
  }
}
