import { Bridge } from '../bridge/bridge.ts'
import { KadDialer } from '../bridge/kad-dialer.ts'
import type { Config } from '../config/settings.ts'
import { parsePredicate } from '../core/record-predicate.ts'
import { RateLimit } from '../policy/rate-limit.ts'
import type { Discv5Plane } from './discv5.ts'
import type { KadPlane } from './kad.ts'
import type { Surroundings } from './surroundings.ts'

interface Planes {
  readonly kad: Pick<KadPlane, 'host' | 'engine' | 'client' | 'bootstrap'>
  readonly discv5: Discv5Plane
}

/**
 * Nodes that discv5 finds join the Kademlia plane; undefined when either plane's side is off. It starts before the discv5 engine, which
 * tells of each record once, and after the libp2p host.
 */
export function composeBridge ({ bridge, kad: { addresses } }: Config, { log: parentLog, metrics, now }: Surroundings, { kad, discv5 }: Planes): Bridge | undefined {
  if (!bridge.enabled || discv5.engine === undefined) return undefined
  const log = parentLog.child({ component: 'bridge' })
  return new Bridge({
    ...bridge,
    predicates: bridge.predicates.map(parsePredicate),
    scope: addresses,
    self: kad.host.peerId.toString(),
    rememberedMs: bridge.rememberedFor,
    retryMs: bridge.retryAfter,
  }, {
    discv5: discv5.engine,
    dialer: new KadDialer({ ...kad, log }),
    rate: new RateLimit({ perSecond: bridge.dialsPerSecond, parties: 1 }),
    metrics: metrics.bridge,
    log,
    now,
  })
}
