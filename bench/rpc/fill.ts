import { createHash } from 'node:crypto'
import { publicKeyFromRaw } from '@libp2p/crypto/keys'
import type { Libp2p, PeerId } from '@libp2p/interface'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { CID } from 'multiformats/cid'
import * as raw from 'multiformats/codecs/raw'
import * as Digest from 'multiformats/hashes/digest'

const SHA2_256 = 0x12

/** The same peers and keys in every run and for every server. */
export function peerOf (index: number): PeerId {
  return peerIdFromPublicKey(publicKeyFromRaw(sha256(`peer ${index}`)))
}

export function keyOf (index: number): Uint8Array {
  return Digest.create(SHA2_256, sha256(`key ${index}`)).bytes
}

export function cidOf (index: number): CID {
  return CID.createV1(raw.code, Digest.decode(keyOf(index)))
}

/** Loopback only: nothing that a server does with them leaves this machine. */
export function addressesOf (index: number): Uint8Array[] {
  const ip = `127.${1 + (index >> 16 & 127)}.${index >> 8 & 255}.${index & 255}`
  return [multiaddr(`/ip4/${ip}/tcp/4001`).bytes, multiaddr(`/ip4/${ip}/udp/4001/quic-v1`).bytes]
}

/** Puts peers into the engine's table as if each had been dialled and verified, and ends its own walks, which would dial them. */
export async function fillTable (host: Libp2p, peers: number): Promise<void> {
  const dht = (host as unknown as { services: { dht: Engine } }).services.dht
  dht.querySelf.stop()
  await dht.routingTableRefresh.stop()
  dht.routingTable.kb.verify = async () => true
  for (let index = 0; index < peers; index++) {
    const peer = peerOf(1_000_000 + index)
    await host.peerStore.patch(peer, { multiaddrs: addressesOf(1_000_000 + index).map(bytes => multiaddr(bytes)) })
    await dht.routingTable.kb.add(peer)
  }
}

interface Engine {
  readonly routingTable: { readonly kb: { verify: () => Promise<boolean>, add (peer: PeerId): Promise<void> } }
  readonly querySelf: { stop (): void }
  readonly routingTableRefresh: { stop (): Promise<void> }
}

function sha256 (text: string): Uint8Array {
  return createHash('sha256').update(text).digest()
}
