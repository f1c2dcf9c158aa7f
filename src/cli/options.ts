import { InvalidArgumentError } from 'commander'
import { parseDuration } from '../core/duration.ts'

/** Reads a whole number within limits. */
export function wholeNumber (min: number, max: number): (text: string) => number {
  return text => {
    const number = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
    if (number >= min && number <= max) return number
    throw new InvalidArgumentError(`Give a whole number from ${min} to ${max}.`)
  }
}

/** Reads a duration within limits, in milliseconds. */
export function durationWithin (min: string, max: string): (text: string) => number {
  const [minMs, maxMs] = [parseDuration(min), parseDuration(max)]
  return text => {
    try {
      const ms = parseDuration(text)
      if (ms >= minMs && ms <= maxMs) return ms
    } catch {
      // not a duration at all: refused as one that is out of bounds
    }
    throw new InvalidArgumentError(`Give a duration from ${min} to ${max}.`)
  }
}

/** The text of `--limit`, as the admin API has it. */
export const parseLimit = wholeNumber(1, 1000)

/** Collects an option that may be given several times. */
export function collect (value: string, values: readonly string[] = []): readonly string[] {
  return [...values, value]
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

/** A duration of a second at least, as it was given: the daemon reads it. */
export function durationText (text: string): string {
  if (parseAge(text) < 1000) throw new InvalidArgumentError('Give at least 1s.')
  return text
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
