import { createSocket, type Socket } from 'node:dgram'
import { listenFailure } from '../core/listen-failure.ts'
import type { Endpoint } from './engine.ts'
import { familyOf, normalIp } from './ip.ts'

/** Where datagrams go out and come in. The network in tests, UDP otherwise. */
export interface DatagramSocket {
  readonly family: 4 | 6
  /** Bytes of receive buffer granted; 0 where there is none. */
  readonly receiveBufferBytes: number
  /** @throws {DhtError} when the address cannot be bound */
  bind (onPacket: (packet: Buffer, ip: string, port: number) => void): Promise<Endpoint>
  /** Never throws; `onFailure` of the constructor hears of what could not be sent. */
  send (packet: Buffer, ip: string, port: number): void
  close (): Promise<void>
}

/** Room for some 3,000 packets that wait while the event loop is busy. The kernel may grant less: `net.core.rmem_max`. */
export const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024
const SEND_BUFFER_BYTES = 1024 * 1024

/** `host:port` or `[v6]:port`, as settings have it. */
export function parseEndpoint (text: string): Endpoint {
  const colon = text.lastIndexOf(':')
  return { ip: normalIp(text.slice(0, colon).replace(/^\[|\]$/g, '')), port: Number(text.slice(colon + 1)) }
}

/** As settings have it. */
export function formatEndpoint ({ ip, port }: Endpoint): string {
  return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`
}

/** A UDP socket. Addresses are IPs already, so nothing is looked up. */
export class UdpSocket implements DatagramSocket {
  readonly family: 4 | 6
  readonly #endpoint: Endpoint
  readonly #onFailure: (err: Error) => void
  #socket: Socket | undefined
  #granted = 0

  constructor (endpoint: Endpoint, onFailure: (err: Error) => void) {
    this.#endpoint = endpoint
    this.family = familyOf(endpoint.ip)
    this.#onFailure = onFailure
  }

  get receiveBufferBytes (): number { return this.#granted }

  async bind (onPacket: (packet: Buffer, ip: string, port: number) => void): Promise<Endpoint> {
    const { ip, port } = this.#endpoint
    const socket = createSocket({
      type: this.family === 4 ? 'udp4' : 'udp6',
      ipv6Only: this.family === 6,
      lookup: (host, _options, callback) => callback(null, host, this.family),
    })
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    socket.once('error', reject)
    socket.bind({ address: ip, port }, resolve)
    try {
      await promise
    } catch (cause) {
      socket.close()
      throw listenFailure('discv5.listen', [{ address: formatEndpoint(this.#endpoint), why: String(cause) }], cause)
    }
    socket.off('error', reject)
    socket.on('error', this.#onFailure)
    widenBuffers(socket, this.#onFailure)
    this.#granted = grantedReceiveBuffer(socket)
    socket.on('message', (packet, from) => onPacket(packet, this.family === 4 ? from.address : normalIp(from.address), from.port))
    this.#socket = socket
    return { ip: socket.address().address, port: socket.address().port }
  }

  send (packet: Buffer, ip: string, port: number): void {
    try {
      this.#socket?.send(packet, 0, packet.length, port, ip, this.#onSent)
    } catch (err) {
      this.#onFailure(err as Error) // port 0, or closed meanwhile
    }
  }

  async close (): Promise<void> {
    const socket = this.#socket
    this.#socket = undefined
    if (socket === undefined) return
    await new Promise<void>(resolve => socket.close(() => resolve()))
  }

  readonly #onSent = (err: Error | null): void => {
    if (err !== null) this.#onFailure(err)
  }
}

/** Asks the kernel for room. What it does not grant is no failure: see `receiveBufferShortage`. */
export function widenBuffers (socket: Socket, onFailure: (err: Error) => void): void {
  try {
    socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES)
    socket.setSendBufferSize(SEND_BUFFER_BYTES)
  } catch (err) {
    onFailure(err as Error) // the default size stays
  }
}

/** Linux reports twice what it grants, for its own bookkeeping. */
export function grantedReceiveBuffer (socket: Socket): number {
  return process.platform === 'linux' ? socket.getRecvBufferSize() / 2 : socket.getRecvBufferSize()
}

/** What to say of a receive buffer that is smaller than asked for; undefined when it is not, or when there is no socket. */
export function receiveBufferShortage (granted: number): { readonly event: 'discv5_buffer_small', readonly asked_bytes: number, readonly granted_bytes: number, readonly sysctl: string } | undefined {
  if (granted === 0 || granted >= RECEIVE_BUFFER_BYTES) return undefined
  return { event: 'discv5_buffer_small', asked_bytes: RECEIVE_BUFFER_BYTES, granted_bytes: granted, sysctl: `net.core.rmem_max=${RECEIVE_BUFFER_BYTES}` }
}

export const SHORTAGE_MESSAGE = 'the kernel grants discv5 a smaller receive buffer than asked for, and bursts of packets will be lost: raise the sysctl net.core.rmem_max'
