/** OpenMetrics 1.0.0, as its specification names the type. */
export const OPEN_METRICS_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8'

/** True when a client would rather have OpenMetrics than the text format. RFC 9110 §12.5.1; a version that we do not write does not count. */
export function prefersOpenMetrics (accept: string | undefined): boolean {
  const qualities = { open: 0, text: 0 }
  for (const member of (accept ?? '').slice(0, 1000).split(',')) {
    const [type = '', ...parameters] = member.split(';').map(part => part.trim().toLowerCase())
    const parameter = (name: string): string | undefined => parameters.find(each => each.startsWith(`${name}=`))?.slice(name.length + 1)
    const quality = Number(parameter('q') ?? 1)
    if (type === 'application/openmetrics-text' && (parameter('version') ?? '1.0.0') === '1.0.0') qualities.open = Math.max(qualities.open, quality)
    if (type === 'text/plain') qualities.text = Math.max(qualities.text, quality)
  }
  return qualities.open > 0 && qualities.open >= qualities.text
}
