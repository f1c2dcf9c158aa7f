import type { Config } from '../config/settings.ts'
import type { Component } from '../core/component.ts'
import type { Tracer } from '../core/span.ts'
import type { Surroundings } from './surroundings.ts'

/** What takes traces, when a collector is set. It starts first and stops last, so that what others end in their stop is sent too. */
export async function composeTracing ({ tracing, node }: Config, { version, metrics, log }: Surroundings, self: string): Promise<ReadonlyArray<Tracer & Component>> {
  if (tracing.endpoint === '') return []
  // eslint-disable-next-line no-restricted-syntax -- compose may import everything, and whoever sets no collector loads no SDK
  const { Tracing } = await import('../observability/tracing.ts')
  return [new Tracing({
    ...tracing, intervalMs: tracing.interval, timeoutMs: Math.min(tracing.timeout, node.drainTimeout / 2), drainMs: node.drainTimeout, version: version.version, instance: self,
  }, { metrics: metrics.tracing, log: log.child({ component: 'tracing' }) })]
}
