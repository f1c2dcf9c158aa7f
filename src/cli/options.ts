import { InvalidArgumentError } from 'commander'

/** The text of `--limit`, 1 to 1000 as the admin API has it. */
export function parseLimit (text: string): number {
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0
  if (limit < 1 || limit > 1000) throw new InvalidArgumentError('Give a whole number from 1 to 1000.')
  return limit
}

/** The text of `--ttl` in seconds: `90s`, `45m`, `12h`, `2d`, or several together as in `1h30m`. */
export function parseTtl (text: string): number {
  const parts = [...text.matchAll(/(\d{1,9})([smhd])/g)]
  const seconds = parts.reduce((sum, [, count, unit]) => sum + Number(count) * (UNIT_SECONDS[unit ?? ''] ?? 0), 0)
  if (parts.map(([part]) => part).join('') !== text || seconds === 0) throw new InvalidArgumentError('Give a duration such as 90s, 45m, 12h or 1h30m.')
  return seconds
}

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 }
