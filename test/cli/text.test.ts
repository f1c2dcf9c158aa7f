import t from 'tap'
import { count, formatBytes, formatDuration, formatMoment, printable, toJsonLine, truncate } from '../../src/cli/text.ts'

t.test('nothing that moves a cursor, colours or reverses text gets through', async t => {
  const hostile = 'a\u001b[31mred\u0007\r\nb\u009b2Jc\u202egnp.exe\u2028d\u007f\ud800e\u{e0041}'
  const safe = printable(hostile)
  t.notMatch(safe, /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u)
  t.match(safe, /^a\\u001b\[31mred\\u0007\\u000d\\u000ab\\u009b2Jc\\u202egnp\.exe\\u2028d\\u007f\\ud800e\\udb40\\udc41$/)
  t.equal(printable('/dns4/bücher.example/tcp/1 – ok'), '/dns4/bücher.example/tcp/1 – ok', 'letters of any script stay')
})

t.test('JSON is as safe, and still the same value', async t => {
  const value = { text: 'a\u001b[31m\u009b\u202e\u{e0041}"\\', list: ['ü'] }
  const line = toJsonLine(value)
  t.notMatch(line, /[\p{Cc}\p{Cf}]/u)
  t.same(JSON.parse(line), value)
})

t.test('durations have two units at most and round down', async t => {
  const durations = { '0ms': -5, '800ms': 800.9, '1s': 1999, '1m': 60_999, '4m 10s': 250_000, '23h 59m': 86_399_999, '1d': 86_400_000 + 5000, '2d 3h': 183_700_000, '1h': 3_605_000 }
  for (const [text, ms] of Object.entries(durations)) t.equal(formatDuration(ms), text)
})

t.test('moments are told from now, and an unreadable one as it is', async t => {
  t.equal(formatMoment('2026-01-01T00:00:00Z', Date.UTC(2025, 11, 31, 23)), 'in 1h')
  t.equal(formatMoment('2026-01-01T00:00:00Z', Date.UTC(2026, 0, 1, 0, 0, 3)), '3s ago')
  t.equal(formatMoment('soon', 0), 'soon')
})

t.test('bytes are told in binary units', async t => {
  const sizes = { '0 B': 0, '1023 B': 1023, '1.0 KiB': 1024, '1.5 MiB': 1.5 * 1024 ** 2, '2.0 PiB': 2 * 1024 ** 5, '2048.0 PiB': 2 * 1024 ** 6 }
  for (const [text, bytes] of Object.entries(sizes)) t.equal(formatBytes(bytes), text)
})

t.test('a cut text says so and never splits a character', async t => {
  t.equal(truncate('abc', 3), 'abc')
  t.equal(truncate('abcd', 3), 'ab…')
  t.equal(truncate('😀😀😀', 2), '😀…')
  t.equal(truncate('abc', 0), '…')
})

t.test('nouns agree with their number', async t => {
  t.same([count(0, 'peer'), count(1, 'peer'), count(2, 'peer')], ['0 peers', '1 peer', '2 peers'])
})
