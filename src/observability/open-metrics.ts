import type { Registry } from 'prom-client'
import type { Exemplars } from './exemplars.ts'

interface Sample {
  readonly metricName?: string
  readonly labels: Readonly<Record<string, string | number>>
  readonly value: number
}

/**
 * All metrics in OpenMetrics. prom-client writes it too, but renames its counters as it does, for the next scrape in the other format as
 * well, and writes bounds of buckets in a way that the specification does not allow.
 */
export async function toOpenMetrics (registry: Registry, exemplars: Exemplars): Promise<string> {
  const lines: string[] = []
  for (const metric of await registry.getMetricsAsJSON()) {
    const isCounter = String(metric.type) === 'counter' && metric.name.endsWith('_total')
    // A counter's samples must end in _total. One that does not, of a library, is not renamed by the format that is asked for: it is of unknown type.
    const type = String(metric.type) === 'counter' && !isCounter ? 'unknown' : String(metric.type)
    const family = isCounter ? metric.name.slice(0, -'_total'.length) : metric.name
    lines.push(`# TYPE ${family} ${type}`, `# HELP ${family} ${escape(metric.help)}`)
    for (const { metricName = metric.name, labels, value } of metric.values as unknown as readonly Sample[]) {
      const exemplar = metricName.endsWith('_bucket') ? exemplars.of(metric.name, labels) : undefined
      const trace = exemplar === undefined ? '' : ` # {trace_id="${exemplar.traceId}"} ${exemplar.value} ${exemplar.at / 1000}`
      lines.push(`${metricName}${toLabels(labels)} ${toNumber(value)}${trace}`)
    }
  }
  lines.push('# EOF\n')
  return lines.join('\n')
}

function toLabels (labels: Sample['labels']): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${name === 'le' ? toBound(value) : escape(String(value))}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

/** The specification wants bounds of buckets as floats: `1.0`, not `1`. */
function toBound (bound: string | number): string {
  return typeof bound === 'number' && Number.isInteger(bound) ? `${bound}.0` : String(bound)
}

function toNumber (value: number): string {
  return Number.isFinite(value) || Number.isNaN(value) ? String(value) : value > 0 ? '+Inf' : '-Inf'
}

function escape (text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')
}
