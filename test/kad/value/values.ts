import { generateKeyPair, publicKeyToProtobuf } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { createIPNSRecord, createIPNSRecordWithExpiration, marshalIPNSRecord, multihashToIPNSRoutingKey } from 'ipns'
import { HOUR_MS } from '../fixtures.ts'

export interface KeyedValue { readonly key: Uint8Array, readonly value: Uint8Array }

/** The IPNS validator reads the real clock, so records end relative to it. */
export const REAL_NOW = Date.now()

/** An owner of one IPNS name. */
export class IpnsOwner {
  readonly #privateKey: PrivateKey
  readonly key: Uint8Array

  private constructor (privateKey: PrivateKey) {
    this.#privateKey = privateKey
    this.key = multihashToIPNSRoutingKey(privateKey.publicKey.toMultihash())
  }

  static async create (): Promise<IpnsOwner> {
    return new IpnsOwner(await generateKeyPair('Ed25519'))
  }

  /** A record of this name; `validity` is when it ends, as the record says it. */
  async record (sequence: number, validity: string = new Date(REAL_NOW + 24 * HOUR_MS).toISOString(), target = '/ipfs/bafkqaaa'): Promise<Uint8Array> {
    return marshalIPNSRecord(await createIPNSRecordWithExpiration(this.#privateKey, target, sequence, validity))
  }

  /** A well-signed record whose end is this text of 30 characters, which no honest library would write. */
  async recordThatSays (validity: string): Promise<Uint8Array> {
    const record = await createIPNSRecord(this.#privateKey, '/ipfs/bafkqaaa', 1, HOUR_MS, { v1Compatible: false })
    const data = Buffer.from(record.data)
    data.write(validity, data.indexOf(record.validity))
    return marshalIPNSRecord({ ...record, data, signatureV2: await this.#privateKey.sign(Buffer.concat([Buffer.from('ipns-signature:'), data])) })
  }
}

/** A public key under its own name. */
export async function publicKeyValue (): Promise<KeyedValue> {
  const { publicKey } = await generateKeyPair('Ed25519')
  return { key: Buffer.concat([Buffer.from('/pk/'), publicKey.toMultihash().bytes]), value: publicKeyToProtobuf(publicKey) }
}
