import t, { type Test } from 'tap'
import { collect, durationWithin, parseAge, parseCount, parseLimit, parseTtl, wholeNumber } from '../../src/cli/options.ts'

const refuses = (t: Test, parse: (text: string) => unknown, message: string, ...texts: readonly string[]): void => {
  for (const text of texts) t.throws(() => parse(text), { message }, text)
}

t.test('a whole number within limits is taken, and nothing else', async t => {
  t.strictSame(['1', '16'].map(wholeNumber(1, 16)), [1, 16])
  refuses(t, wholeNumber(1, 16), 'Give a whole number from 1 to 16.', '0', '17', '', ' 1', '1.5', '-1', '1e1', '0x1', '9'.repeat(16))
  t.strictSame(['1', '1000'].map(parseLimit), [1, 1000])
  t.strictSame(['0', '123456789012345'].map(parseCount), [0, 123_456_789_012_345])
  refuses(t, parseCount, 'Give a whole number.', '01', '-1', '1.0', '', '9'.repeat(16))
})

t.test('a duration within limits is taken, and what is out of them is told them', async t => {
  t.strictSame(['1s', '90s', '24h'].map(durationWithin('1s', '24h')), [1000, 90_000, 86_400_000])
  refuses(t, durationWithin('1s', '24h'), 'Give a duration from 1s to 24h.', '999ms', '25h', 'soon', '', '60')
  t.equal(parseAge('7d'), 604_800_000)
  refuses(t, parseAge, 'Give a duration such as 90s, 10m, 24h or 7d.', 'soon', '')
  t.equal(parseTtl('1h30m'), 5400)
  refuses(t, parseTtl, 'Give a duration such as 90s, 45m, 12h or 1h30m, in whole seconds.', '0s', '1500ms', 'soon')
})

t.test('an option that is given several times has all of its values, in order', async t => {
  t.strictSame(['a', 'b'].reduce<readonly string[] | undefined>((values, value) => collect(value, values), undefined), ['a', 'b'])
})
