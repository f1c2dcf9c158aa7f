import type { Server } from 'node:http'
import type { Socket } from 'node:net'

/**
 * Sees to it that every request over TCP has an address, by which the policy and the quotas judge it. The kernel tells the address of
 * a connection only until it is reset, so it is read once when the connection arrives: who sends a request and resets would have
 * no address else, be denied by no list, and spend the quota of this machine. A connection that is gone already is dropped.
 */
export function requireAddresses (server: Server): void {
  const isUnixSocket = overUnixSocket(server)
  for (const event of ['connection', 'secureConnection']) {
    server.on(event, (socket: Socket) => {
      if (!isUnixSocket() && socket.remoteAddress === undefined) socket.destroy()
    })
  }
}

/** Tells, once it listens, whether a server does so on a Unix socket: there nobody has an address. */
export function overUnixSocket (server: Server): () => boolean {
  let isUnixSocket = false
  server.once('listening', () => { isUnixSocket = typeof server.address() === 'string' })
  return () => isUnixSocket
}
