import type { ReadinessCheck } from '../core/readiness.ts'
import type { Engine } from './engine.ts'
import type { RoutingView } from './routing/routing-view.ts'

/** The routing table is warm: it holds at least so many peers. */
export function tableWarmth (view: Pick<RoutingView, 'size'>, warmTable: number): ReadinessCheck {
  return {
    name: 'routing_table',
    reason: () => view.size >= warmTable ? undefined : `the routing table holds ${view.size} of at least ${warmTable} peers`,
  }
}

/** The look-up of our own ID, which fills the buckets around us, has run. */
export function selfLookupDone (engine: Pick<Engine, 'onSelfLookup'>): ReadinessCheck {
  let hasRun = false
  engine.onSelfLookup(() => { hasRun = true })
  return { name: 'self_lookup', reason: () => hasRun ? undefined : 'the look-up of our own ID has not run yet' }
}
