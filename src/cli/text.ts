/**
 * Text from elsewhere, safe to write to a terminal: what would move the cursor, change colours or turn the direction of
 * the line is shown as its escape.
 */
export function printable (text: string): string {
  return text.replace(UNPRINTABLE, toEscape)
}

/** One line of JSON. Its strings carry no byte that a terminal would act on; parsing gives the same value back. */
export function toJsonLine (value: unknown): string {
  return JSON.stringify(value).replace(UNPRINTABLE, toEscape)
}

/** Cut to `width` characters, the last one an ellipsis when something is missing. */
export function truncate (text: string, width: number): string {
  const characters = [...text]
  return characters.length <= width ? text : `${characters.slice(0, Math.max(0, width - 1)).join('')}…`
}

/** Two units at most, rounded down: `23h 59m`, `4m 10s`, `800ms`. */
export function formatDuration (ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.trunc(ms))}ms`
  const parts: string[] = []
  let rest = ms
  for (const [unit, unitMs] of UNITS) {
    const count = Math.trunc(rest / unitMs)
    rest -= count * unitMs
    // Only neighbours: `1d 5s` would say more than anyone asked.
    if (count > 0) parts.push(`${count}${unit}`)
    else if (parts.length > 0) break
    if (parts.length === 2) break
  }
  return parts.join(' ')
}

/** `in 23h 59m` or `3s ago`, for an ISO 8601 time as seen at `nowMs`. */
export function formatMoment (iso: string, nowMs: number): string {
  const ms = Date.parse(iso)
  if (Number.isNaN(ms)) return iso
  return ms >= nowMs ? `in ${formatDuration(ms - nowMs)}` : `${formatDuration(nowMs - ms)} ago`
}

/** `512 B`, `1.5 KiB`, `2.0 GiB`. */
export function formatBytes (bytes: number): string {
  if (bytes < 1024) return `${bytes} B`
  const exponent = Math.min(BINARY_PREFIXES.length, Math.floor(Math.log2(bytes) / 10))
  return `${(bytes / 1024 ** exponent).toFixed(1)} ${BINARY_PREFIXES[exponent - 1]}iB`
}

/** `192.0.2.1:9000`, `[2001:db8::1]:9000`. */
export function formatEndpoint (ip: string, port: number): string {
  return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`
}

/** `1 peer`, `2 peers`. */
export function count (amount: number, noun: string): string {
  return `${amount} ${noun}${amount === 1 ? '' : 's'}`
}

// Controls, formatting characters such as direction marks, unpaired surrogates, and the two exotic line ends.
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

const UNITS = [['d', 86_400_000], ['h', 3_600_000], ['m', 60_000], ['s', 1000]] as const

const BINARY_PREFIXES = ['K', 'M', 'G', 'T', 'P']

function toEscape (character: string): string {
  // By UTF-16 unit: the only form that JSON knows.
  return Array.from({ length: character.length }, (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`).join('')
}
