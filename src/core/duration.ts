const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/**
 * Milliseconds from `250ms`, `90s`, `45m`, `24h` or `7d`, or from several together as in `1h30m`.
 * @throws {Error} with a plain sentence when the text is not a duration
 */
export function parseDuration (text: string): number {
  const parts = [...text.matchAll(/(\d{1,9})(ms|s|m|h|d)/g)]
  const ms = parts.reduce((sum, [, count, unit]) => sum + Number(count) * (UNIT_MS[unit ?? ''] ?? Number.NaN), 0)
  const isWhole = parts.length > 0 && parts.map(([part]) => part).join('') === text
  if (!isWhole || !Number.isSafeInteger(ms)) throw new Error('must be a duration such as 250ms, 10s, 5m, 24h or 1h30m')
  return ms
}

/** The text that `parseDuration` reads as `ms`, in the largest unit that holds it whole. */
export function printDuration (ms: number): string {
  // Hours up to a week, as people say 24h and 48h.
  const units = Object.entries(UNIT_MS).reverse().filter(([unit]) => unit !== 'd' || ms >= 7 * 86_400_000)
  const [unit, unitMs] = units.find(([, size]) => ms % size === 0 && ms >= size) ?? ['ms', 1]
  return `${ms / unitMs}${unit}`
}
