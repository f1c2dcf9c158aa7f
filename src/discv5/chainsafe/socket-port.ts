import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { isIPv6 } from 'node:net'
import { DhtError } from '../../core/errors.ts'
import type { Endpoint } from '../engine.ts'

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
    throw new DhtError('Conflict', `Cannot listen for discv5 on ${ip}, port ${port}.`, { cause: err, hint: 'Another process may hold the port; set another one.' })
  }
}
