import type { Windows } from './sections/charter.ts'
import { DAY_MS, HOUR_MS } from './sections/rules.ts'

/** When a proposal of `from` lapses: after `lapse_ms`, of which only business hours count where the charter has a calendar. UTC. */
export function lapseTime (from: number, { lapse_ms: lapseMs, calendar }: Windows): number {
  if (calendar === undefined) return from + lapseMs
  let left = lapseMs
  // The charter has at least one hour on one weekday, so this ends after 168 weeks at most.
  for (let day = Math.floor(from / DAY_MS) * DAY_MS; ; day += DAY_MS) {
    const weekday = new Date(day).getUTCDay() || 7
    if (!calendar.weekdays.includes(weekday)) continue
    const opens = Math.max(from, day + calendar.from_hour * HOUR_MS)
    const open = day + calendar.to_hour * HOUR_MS - opens
    if (open <= 0) continue
    if (left <= open) return opens + left
    left -= open
  }
}
