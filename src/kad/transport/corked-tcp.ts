import type { Socket } from 'node:net'
import {
  serviceCapabilities, transportSymbol, type Connection, type CreateListenerOptions, type DialTransportOptions, type Listener, type MultiaddrConnection, type Transport, type Upgrader,
} from '@libp2p/interface'
import { tcp, type TCPComponents } from '@libp2p/tcp'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * TCP as libp2p has it, with one system call for what leaves a connection in one turn of the event loop. By itself it writes
 * each buffer of a frame alone: length prefix, ciphertext, and the window update behind every message.
 */
export function corkedTcp (): (components: TCPComponents) => Transport {
  const create = tcp()
  return components => new CorkedTcp(create(components))
}

class CorkedTcp implements Transport {
  readonly [transportSymbol] = true
  readonly [Symbol.toStringTag] = 'svc-dht/corked-tcp'
  readonly [serviceCapabilities]: string[] = ['@libp2p/transport']
  readonly #tcp: Transport

  constructor (transport: Transport) {
    this.#tcp = transport
  }

  async dial (address: Multiaddr, options: DialTransportOptions): Promise<Connection> {
    return await this.#tcp.dial(address, { ...options, upgrader: corking(options.upgrader) })
  }

  createListener (options: CreateListenerOptions): Listener {
    return this.#tcp.createListener({ ...options, upgrader: corking(options.upgrader) })
  }

  listenFilter (addresses: Multiaddr[]): Multiaddr[] { return this.#tcp.listenFilter(addresses) }
  dialFilter (addresses: Multiaddr[]): Multiaddr[] { return this.#tcp.dialFilter(addresses) }
}

/** The upgrader is where every connection passes before its first encrypted byte. */
function corking (upgrader: Upgrader): Upgrader {
  return {
    upgradeOutbound: async (connection, options) => await upgrader.upgradeOutbound(cork(connection), options),
    upgradeInbound: async (connection, options) => await upgrader.upgradeInbound(cork(connection), options),
    createInboundAbortSignal: signal => upgrader.createInboundAbortSignal(signal),
    getConnectionEncrypters: () => upgrader.getConnectionEncrypters(),
    getStreamMuxers: () => upgrader.getStreamMuxers(),
  }
}

/** The members of a TCP connection that the interface leaves out. */
interface SocketConnection extends MultiaddrConnection {
  readonly socket?: Socket
  sendData (data: unknown): unknown
}

/** Exported for its test. */
export function cork (connection: MultiaddrConnection): MultiaddrConnection {
  const { socket } = connection as SocketConnection
  if (socket === undefined) return connection // another version keeps it elsewhere: slower, and still right
  const writable = connection as SocketConnection
  const sendData = writable.sendData.bind(writable)
  let isCorked = false
  writable.sendData = data => {
    if (!isCorked) {
      isCorked = true
      socket.cork()
      setImmediate(() => {
        isCorked = false
        socket.uncork()
      })
    }
    return sendData(data)
  }
  return connection
}
