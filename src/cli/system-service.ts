import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { defaultSocketPath } from '../core/socket-path.ts'
import type { Host } from './host.ts'

/** Where the unit in ops/systemd has what ronctl needs. Others than root see neither. */
export interface ServicePlaces {
  readonly socket: string
  /** The owner's capability. */
  readonly capability: string
}

export const SYSTEM_SERVICE: ServicePlaces = { socket: '/run/svc-dht/admin/admin.sock', capability: '/var/lib/svc-dht/data/owner.cap' }

/** The socket that was given, or named by RONCTL_SOCKET; else of the user's own daemon; else of the system's when there is that one alone. */
export function findSocket ({ env, uid, service }: Pick<Host, 'env' | 'uid' | 'service'>, given: string | undefined): string {
  // An empty path is no path: it would send us to a TCP port.
  const named = given || env['RONCTL_SOCKET']
  if (named) return named
  const own = defaultSocketPath(env['XDG_RUNTIME_DIR'], uid)
  return service !== undefined && !existsSync(own) && existsSync(service.socket) ? service.socket : own
}

/** The file whose capability goes to a socket when none is named. */
export function capabilityBeside (socketPath: string, service: ServicePlaces | undefined): string {
  return socketPath === service?.socket ? service.capability : join(dirname(socketPath), 'admin.cap')
}
