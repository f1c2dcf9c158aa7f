import fc from 'fast-check'
import t from 'tap'
import { parseDuration, printDuration } from '../../src/core/duration.ts'

const HOUR_MS = 3_600_000

t.test('a duration is a whole number with its unit, or several together', async t => {
  for (const [text, ms] of [['0ms', 0], ['250ms', 250], ['90s', 90_000], ['45m', 45 * 60_000], ['24h', 24 * HOUR_MS], ['7d', 168 * HOUR_MS], ['1h30m', 1.5 * HOUR_MS]] as const) {
    t.equal(parseDuration(text), ms, text)
  }
})

t.test('what lacks a unit, or is more than a number holds, is none', async t => {
  for (const text of ['', '5', '5 s', '1.5h', '-1s', '5w', '5S', 's', '1h 30m', '1h30', '999999999d', '1000000000ms']) {
    t.throws(() => parseDuration(text), { message: /^must be a duration such as/ }, text)
  }
})

t.test('a duration is printed in the largest unit that holds it whole, in hours up to a week', async t => {
  for (const [ms, text] of [[0, '0ms'], [1500, '1500ms'], [60_000, '1m'], [90 * 60_000, '90m'], [48 * HOUR_MS, '48h'], [336 * HOUR_MS, '14d']] as const) {
    t.equal(printDuration(ms), text)
  }
})

t.test('what is printed reads back', async t => {
  const ms = fc.tuple(fc.nat({ max: 100_000 }), fc.constantFrom(1, 1000, 60_000, HOUR_MS)).map(([count, unit]) => count * unit)
  fc.assert(fc.property(ms, value => { t.equal(parseDuration(printDuration(value)), value) }))
})
