import { InvalidArgumentError } from 'commander'
import { parseDuration } from '../core/duration.ts'

/** The text of `--limit`, 1 to 1000 as the admin API has it. */
export function parseLimit (text: string): number {
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0
  if (limit < 1 || limit > 1000) throw new InvalidArgumentError('Give a whole number from 1 to 1000.')
  return limit
}

/** The number of an entry, or of entries. */
export function parseCount (text: string): number {
  if (!/^(0|[1-9]\d{0,14})$/.test(text)) throw new InvalidArgumentError('Give a whole number.')
  return Number(text)
}

/** The text of `--since` or `--max-age`, in milliseconds. */
export function parseAge (text: string): number {
  try {
    return parseDuration(text)
  } catch {
    throw new InvalidArgumentError('Give a duration such as 90s, 10m, 24h or 7d.')
  }
}

/** The text of `--ttl`, in seconds. */
export function parseTtl (text: string): number {
  try {
    const seconds = parseDuration(text) / 1000
    if (Number.isInteger(seconds) && seconds > 0) return seconds
  } catch {
    // not a duration at all: refused as one that is too short
  }
  throw new InvalidArgumentError('Give a duration such as 90s, 45m, 12h or 1h30m, in whole seconds.')
}
