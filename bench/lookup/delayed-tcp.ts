import { setTimeout as sleep } from 'node:timers/promises'
import type { Connection, CreateListenerOptions, DialTransportOptions, Listener, MultiaddrConnection, Transport, Upgrader } from '@libp2p/interface'
import { serviceCapabilities, transportSymbol } from '@libp2p/interface'
import type { TCPComponents } from '@libp2p/tcp'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Uint8ArrayList } from 'uint8arraylist'
import { corkedTcp } from '../../src/kad/transport/corked-tcp.ts'
import type { Link } from './link.ts'

type CreateTcp = (components: TCPComponents) => Transport

/**
 * TCP over a link of a given length: what a host sends arrives one delay later, so a round trip takes two, as does TCP's own
 * handshake. It dials from its own loopback address, by which the other side knows the link, and dials nothing but loopback.
 */
export function delayedTcp (link: Link, create: CreateTcp = corkedTcp()): (components: TCPComponents) => Transport {
  return components => new DelayedTcp(link, create(components))
}

class DelayedTcp implements Transport {
  readonly [transportSymbol] = true
  readonly [Symbol.toStringTag] = 'bench/delayed-tcp'
  readonly [serviceCapabilities]: string[] = ['@libp2p/transport']
  readonly #link: Link
  readonly #tcp: Transport

  constructor (link: Link, tcp: Transport) {
    this.#link = link
    this.#tcp = tcp
  }

  async dial (address: Multiaddr, options: DialTransportOptions): Promise<Connection> {
    const ip = loopbackIp(address)
    if (ip === undefined) throw new Error(`${address.toString()} is not on loopback`)
    await sleep(2 * this.#link.delayMs(ip), undefined, { signal: options.signal })
    const fromOwnAddress = { ...options, upgrader: this.#delaying(options.upgrader), localAddress: this.#link.ip }
    return await this.#tcp.dial(address, fromOwnAddress)
  }

  createListener (options: CreateListenerOptions): Listener {
    return this.#tcp.createListener({ ...options, upgrader: this.#delaying(options.upgrader) })
  }

  listenFilter (addresses: Multiaddr[]): Multiaddr[] { return this.#tcp.listenFilter(addresses).filter(address => loopbackIp(address) !== undefined) }
  dialFilter (addresses: Multiaddr[]): Multiaddr[] { return this.#tcp.dialFilter(addresses).filter(address => loopbackIp(address) !== undefined) }

  #delaying (upgrader: Upgrader): Upgrader {
    const delay = (connection: MultiaddrConnection): MultiaddrConnection => delaySends(connection, this.#link.delayMs(loopbackIp(connection.remoteAddr) ?? ''))
    return {
      upgradeOutbound: async (connection, options) => await upgrader.upgradeOutbound(delay(connection), options),
      upgradeInbound: async (connection, options) => await upgrader.upgradeInbound(delay(connection), options),
      createInboundAbortSignal: signal => upgrader.createInboundAbortSignal(signal),
      getConnectionEncrypters: () => upgrader.getConnectionEncrypters(),
      getStreamMuxers: () => upgrader.getStreamMuxers(),
    }
  }
}

/** The IP of an address in 127.0.0.0/8. */
function loopbackIp (address: Multiaddr): string | undefined {
  const [host] = address.getComponents()
  return host?.name === 'ip4' && host.value?.startsWith('127.') === true ? host.value : undefined
}

interface SendResult { readonly sentBytes: number, readonly canSendMore: boolean }

/** The members of a TCP connection that the interface leaves out. */
interface RawConnection extends MultiaddrConnection {
  sendData (data: Uint8ArrayList): SendResult
  sendClose (options?: object): Promise<void>
}

/** Both ends delay what they send, so both directions are delayed. */
function delaySends (connection: MultiaddrConnection, delayMs: number): MultiaddrConnection {
  const raw = connection as RawConnection
  const [send, close] = [raw.sendData.bind(raw), raw.sendClose.bind(raw)]
  const line = new DelayLine(delayMs, data => {
    // A full socket takes what it is given all the same, and says only that it would rather wait.
    while (data.byteLength > 0 && raw.status !== 'aborted' && raw.status !== 'reset' && raw.status !== 'closed') data.consume(send(data).sentBytes)
  })
  raw.sendData = data => {
    line.push(data)
    return { sentBytes: data.byteLength, canSendMore: true }
  }
  raw.sendClose = async options => {
    await line.emptied()
    await close(options)
  }
  return connection
}

/** Hands on what is pushed, in its order, after the delay. Holds what is under way; the bytes are not copied. */
class DelayLine {
  readonly #delayMs: number
  readonly #deliver: (data: Uint8ArrayList) => void
  readonly #underWay: Array<{ readonly at: number, readonly data: Uint8ArrayList }> = []
  #onEmpty: Array<() => void> = []

  constructor (delayMs: number, deliver: (data: Uint8ArrayList) => void) {
    this.#delayMs = delayMs
    this.#deliver = deliver
  }

  push (data: Uint8ArrayList): void {
    this.#underWay.push({ at: performance.now() + this.#delayMs, data })
    if (this.#underWay.length === 1) this.#wait()
  }

  async emptied (): Promise<void> {
    if (this.#underWay.length > 0) await new Promise<void>(resolve => this.#onEmpty.push(resolve))
  }

  #wait (): void {
    const [first] = this.#underWay
    if (first !== undefined) setTimeout(() => this.#arrive(), Math.max(0, first.at - performance.now()))
  }

  #arrive (): void {
    const now = performance.now() + 0.5 // a timer counts whole milliseconds
    while (this.#underWay[0] !== undefined && this.#underWay[0].at <= now) {
      const { data } = this.#underWay.shift() as { data: Uint8ArrayList }
      this.#deliver(data)
    }
    this.#wait()
    if (this.#underWay.length > 0) return
    for (const resolve of this.#onEmpty) resolve()
    this.#onEmpty = []
  }
}
