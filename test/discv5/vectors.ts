import type { MalformedReason } from '../../src/discv5/malformed.ts'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

interface HandshakeVector {
  readonly nonce: string,
  readonly readKey: string,
  readonly requestId: string,
  readonly enrSeq: number,
  readonly challengeData: string
  readonly ephemeralKey: string,
  readonly ephemeralPublicKey: string,
  readonly packet: string
}

interface Vectors {
  readonly nodeAKey: string,
  readonly nodeBKey: string,
  readonly nodeAId: string,
  readonly nodeBId: string
  readonly ping: { readonly nonce: string, readonly readKey: string, readonly requestId: string, readonly enrSeq: number, readonly packet: string }
  readonly whoareyou: { readonly challengeData: string, readonly requestNonce: string, readonly idNonce: string, readonly packet: string }
  readonly handshake: HandshakeVector
  readonly handshakeWithRecord: HandshakeVector
  readonly ecdh: { readonly publicKey: string, readonly secretKey: string, readonly sharedSecret: string }
  readonly keyDerivation: { readonly ephemeralKey: string, readonly destPublicKey: string, readonly challengeData: string, readonly initiatorKey: string, readonly recipientKey: string }
  readonly idNonceSigning: { readonly staticKey: string, readonly challengeData: string, readonly ephemeralPublicKey: string, readonly signature: string }
  readonly encryption: { readonly key: string, readonly nonce: string, readonly plaintext: string, readonly ad: string, readonly ciphertext: string }
  readonly messages: { readonly ping: string, readonly pong: string, readonly findnode: string }
  readonly enr: { readonly text: string, readonly privateKey: string, readonly nodeId: string, readonly ip: string, readonly udp: number }
}

/** The vectors of the discv5 and ENR specifications. */
export const vectors = JSON.parse(readFileSync(join(import.meta.dirname, '../vectors/discv5.json'), 'utf8')) as Vectors

export const hex = (text: string): Buffer => Buffer.from(text, 'hex')

/** What a decoder throws, for `t.throws`. */
export const because = (reason: MalformedReason): Error => ({ name: 'Malformed', reason }) as unknown as Error
