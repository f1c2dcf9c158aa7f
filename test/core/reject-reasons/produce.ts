import type { Test } from 'tap'
import type { Metrics } from '../../../src/observability/metrics.ts'
import { metricValue } from '../../kad/fixtures.ts'
import { until } from '../../daemon.ts'

/** Has something refused for a reason, over the surface that says it, and tells how often the reason was counted by that. */
export type Produce = (t: Test, reason: string) => Promise<number>

/** How often `refuse` had the reason counted, which may take a turn after the refusal. */
export async function countOf (metrics: Pick<Metrics, 'registry'> | { metric (series: string): Promise<number> }, reason: string, refuse: () => Promise<unknown>): Promise<number> {
  const read = async (): Promise<number> => 'metric' in metrics ? await metrics.metric(`rejected_total{reason="${reason}"}`) : await metricValue(metrics as Metrics, 'rejected_total', `reason="${reason}"`)
  const before = await read()
  await refuse()
  await until(async () => await read() > before, `${reason} is counted`)
  return await read() - before
}
