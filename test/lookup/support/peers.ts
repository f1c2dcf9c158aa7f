import { createHash } from 'node:crypto'
import { base58btc } from 'multiformats/bases/base58'
import { CID } from 'multiformats/cid'
import * as raw from 'multiformats/codecs/raw'
import * as Digest from 'multiformats/hashes/digest'
import type { PeerRecord } from '../../../src/core/peer.ts'

/** A peer with an ID of its own for each name. */
export function peer (name: string | number, addrs: readonly string[] = [`/ip4/192.0.2.1/tcp/${4000 + String(name).length}`], protocols: readonly string[] = []): PeerRecord {
  return { id: peerId(name), addrs, protocols }
}

export function peerId (name: string | number): string {
  return base58btc.baseEncode(sha256(`peer ${name}`))
}

/** A key with a multihash of its own for each name. */
export function key (name: string | number): Uint8Array {
  return sha256(`key ${name}`)
}

export function cid (name: string | number): string {
  return CID.createV1(raw.code, Digest.decode(key(name))).toString()
}

function sha256 (text: string): Uint8Array {
  return Digest.create(0x12, createHash('sha256').update(text).digest()).bytes
}
