import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { isIPv6 } from 'node:net'
import { listenFailure } from '../../core/listen-failure.ts'
import type { Endpoint } from '../engine.ts'
import { formatEndpoint } from '../socket.ts'

/**
 * Takes the port for a moment and lets go of it. The library reports a port that is in use as an uncaught exception and cannot say which
 * port it was given, so both are found out before it starts.
 * @throws {DhtError} Conflict when nothing can listen there
 */
export async function claimPort ({ ip, port }: Endpoint): Promise<number> {
  const socket = createSocket(isIPv6(ip) ? 'udp6' : 'udp4')
  const listening = once(socket, 'listening')
  socket.bind(port, ip)
  try {
    await listening
    const given = socket.address().port
    socket.close()
    await once(socket, 'close')
    return given
  } catch (err) {
    throw listenFailure('discv5.listen', [{ address: formatEndpoint({ ip, port }), why: String(err) }], err)
  }
}
