import type { Socket } from 'node:dgram'
import type { EventEmitter } from 'node:events'
import type { Discv5, PongResponse } from '@chainsafe/discv5'
import type { ENR, SignableENR } from '@chainsafe/enr'
import { DhtError } from '../../core/errors.ts'
import type { Endpoint, RecordLike } from '../engine.ts'
import { ipText } from '../ip.ts'

/** The classes of the library that are used as values. */
export interface Library {
  readonly Discv5: typeof Discv5
  readonly ENR: typeof ENR
  readonly SignableENR: typeof SignableENR
}

/** Loads it only when it is wanted: it takes a tenth of a second, and memory. */
export async function loadLibrary (): Promise<Library> {
  const [{ Discv5 }, { ENR, SignableENR }] = await Promise.all([import('@chainsafe/discv5'), import('@chainsafe/enr')])
  return { Discv5, ENR, SignableENR }
}

type CreateOptions = Parameters<typeof Discv5.create>[0]
export type BindAddrs = CreateOptions['bindAddrs']
export type PrivateKey = CreateOptions['privateKey']

export type NodeAddress = Parameters<Discv5['sendTalkResp']>[0]
export interface TalkRequest { readonly id: Parameters<Discv5['sendTalkResp']>[1], readonly protocol: Uint8Array, readonly request: Uint8Array }

/** The library's emitters, whose types hang on a package that it does not install. */
export function toEmitter (emitter: object): EventEmitter {
  return emitter as EventEmitter
}

/** Its sockets, which it keeps to itself. */
export function socketsOf ({ sessionService: { transport } }: Discv5): Socket[] {
  const { ip4, ip6 } = transport as unknown as Partial<Record<'ip4' | 'ip6', { readonly socket?: Socket }>>
  return [ip4?.socket, ip6?.socket].filter(socket => socket !== undefined)
}

/** @throws {DhtError} BadRequest for what the library does not take for a record */
export function toEnr ({ ENR }: Pick<Library, 'ENR'>, record: RecordLike): ENR {
  try {
    return typeof record === 'string' ? ENR.decodeTxt(record) : ENR.decode(record)
  } catch (err) {
    throw new DhtError('BadRequest', 'Not a valid node record.', { cause: err, hint: 'Give it as enr:… text.' })
  }
}

/** The library's own class of multiaddrs, which is not the one of our libp2p, by way of a record that holds the address. */
export function toBindAddrs ({ SignableENR }: Pick<Library, 'SignableENR'>, ip: string, port: number): BindAddrs {
  const carrier = SignableENR.createV4(new Uint8Array(32).fill(1))
  if (ip.includes(':')) {
    Object.assign(carrier, { ip6: ip, udp6: port })
    return { ip6: carrier.getLocationMultiaddr('udp6') } as BindAddrs
  }
  Object.assign(carrier, { ip, udp: port })
  return { ip4: carrier.getLocationMultiaddr('udp4') } as BindAddrs
}

/** Where the other side sees us, spelled as everywhere else. */
export function toEndpoint ({ addr: { ip, port } }: PongResponse): Endpoint {
  return { ip: ipText(ip.octets), port }
}

/** The library's failures, of which a caller can only tell apart those that are its own fault. */
export function toFailure (err: unknown): DhtError {
  if (err instanceof DhtError) return err
  return new DhtError('Timeout', 'The node did not answer.', { cause: err })
}
