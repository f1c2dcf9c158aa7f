import { format } from 'node:util'
import type { ComponentLogger, Logger as Libp2pLogger } from '@libp2p/interface'
import type { Logger } from '../../observability/logger.ts'

/**
 * libp2p's own messages, at our level `trace`. Below it they cost nothing: by itself libp2p makes a logger for each stream and
 * asks the terminal about its colours every time.
 */
export function toLibp2pLogger (log: Logger): ComponentLogger {
  if (log.isLevelEnabled('trace')) return { forComponent: name => tracing(log, name) }
  return { forComponent: () => silent }
}

const silent: Libp2pLogger = Object.assign(() => {}, { error: () => {}, trace: () => {}, enabled: false, newScope: () => silent })

function tracing (log: Logger, name: string): Libp2pLogger {
  const write = (formatter: unknown, ...args: unknown[]): void => {
    // %p, %e and their like are libp2p's own; node:util knows %s, which suits them all.
    log.trace({ libp2p: name }, format(String(formatter).replaceAll(/%[a-zA-Z]/g, '%s'), ...args.map(String)))
  }
  return Object.assign(write, { error: write, trace: write, enabled: true, newScope: (scope: string) => tracing(log, `${name}:${scope}`) })
}
