import type { Clock } from '../core/component.ts'
import type { ReadinessCheck } from '../core/readiness.ts'
import type { Discv5Engine } from './engine.ts'

interface Options {
  /** Boot nodes that are configured. */
  readonly bootnodes: number
  /** How long an answer counts. Milliseconds. */
  readonly lapseMs: number
}

interface Deps {
  readonly engine: Pick<Discv5Engine, 'table'>
  /** The engine's own clock. */
  readonly now: Clock
}

/** The plane hears somebody, whoever it is. Without boot nodes nobody is expected, so that a daemon of the Kademlia plane alone is ready (decision 0028). */
export function hearsSomebody ({ bootnodes, lapseMs }: Options, { engine, now }: Deps): ReadinessCheck {
  const isHeard = (): boolean => {
    const since = now() - lapseMs
    return engine.table().some(({ isLive, lastSeen }) => isLive && lastSeen >= since)
  }
  return {
    name: 'discv5',
    reason: () => bootnodes === 0 || isHeard() ? undefined : `no discv5 node answered in the last ${Math.ceil(lapseMs / 1000)} s, none of ${bootnodes} boot nodes either`,
  }
}
