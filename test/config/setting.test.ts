import t from 'tap'
import { eachSetting } from '../../src/config/load.ts'
import { bool, choice, duration, int, list, listener, text } from '../../src/config/setting.ts'

const HOUR_MS = 3_600_000

t.test('a whole number keeps its bounds', async t => {
  const setting = int('', 5, { min: 1, max: 1000 })
  t.equal(setting.form, 'integer 1–1000')
  t.strictSame(['1', '1000', '1_0', '007'].map(setting.parse), [1, 1000, 10, 7])
  t.throws(() => setting.parse('0'), { message: 'must be at least 1' })
  t.throws(() => setting.parse('1001'), { message: 'must be at most 1000' })
  for (const wrong of ['', ' 1', '1.5', '-1', '1e2', '0x10', '_1', 'NaN', '99999999999999999999']) t.throws(() => setting.parse(wrong), { message: 'must be a whole number' }, wrong)
  t.equal(int('', 0).form, 'integer ≥ 0')
})

t.test('a duration keeps its bounds and its unit', async t => {
  const setting = duration('', '24h', { min: '1s', max: '48h' })
  t.equal(setting.form, 'duration ≥ 1s, ≤ 48h')
  t.equal(setting.fallback, 24 * HOUR_MS)
  t.strictSame(['1s', '90s', '48h', '2d'].map(setting.parse), [1000, 90_000, 48 * HOUR_MS, 48 * HOUR_MS])
  t.throws(() => setting.parse('999ms'), { message: 'must be at least 1s' })
  t.throws(() => setting.parse('49h'), { message: 'must be at most 48h' })
  t.equal(duration('', '0ms').print(0), '0ms')
})

t.test('a truth value is spelled out', async t => {
  t.strictSame(['true', 'false'].map(bool('', true).parse), [true, false])
  for (const wrong of ['', '1', 'yes', 'TRUE']) t.throws(() => bool('', true).parse(wrong), { message: 'must be true or false' })
})

t.test('a choice is one of its options', async t => {
  const setting = choice('', ['public', 'any'], 'public')
  t.equal(setting.form, '`public` or `any`')
  t.equal(setting.parse('any'), 'any')
  t.throws(() => setting.parse('toString'), { message: 'must be one of public, any' })
})

t.test('a text has the form that its row gives it', async t => {
  const setting = text('', '', { form: '`/x`', pattern: /^\/x$/ })
  t.equal(setting.parse('/x'), '/x')
  t.throws(() => setting.parse('y'), { message: 'must be `/x`' })
  t.equal(text('', '').parse('anything'), 'anything')
})

t.test('a list is bounded, has no member twice and checks each', async t => {
  const setting = list('', [], { form: 'letters', max: 2, check: member => { if (member.length > 1) throw new Error(`${member} is no letter`) } })
  t.strictSame(setting.parse(' a , b ,'), ['a', 'b'])
  t.strictSame(setting.parse(''), [])
  t.throws(() => setting.parse('a,b,c'), { message: 'must have at most 2 members' })
  t.throws(() => setting.parse('a,a'), { message: 'must not repeat a member' })
  t.throws(() => setting.parse('a,bc'), { message: 'bc is no letter' })
})

t.test('a listener is a host and a port that exists', async t => {
  const { parse } = listener('', '')
  for (const right of ['', '127.0.0.1:0', '[::1]:7462', 'localhost:65535']) t.equal(parse(right), right)
  for (const wrong of ['7462', ':7462', '127.0.0.1', '::1:7462', '127.0.0.1:65536', '127.0.0.1:-1', 'a b:1', '[x]:1', 'http://a:1']) {
    t.throws(() => parse(wrong), Error, wrong)
  }
})

t.test('marks say who may change a setting and what must not be shown', async t => {
  t.match(int('', 1), { governed: false, sensitive: false })
  t.match(text('', '', { governed: true, sensitive: true }), { governed: true, sensitive: true })
})

t.test('what a setting prints is what it reads back', async t => {
  for (const [section, key, setting] of eachSetting()) t.strictSame(setting.parse(setting.print(setting.fallback)), setting.fallback, `${section}.${key}`)
})

t.test('every setting explains itself and has a fallback that it accepts', async t => {
  for (const [section, key, { doc, form }] of eachSetting()) t.ok(doc.endsWith('.') && form !== '', `${section}.${key}`)
})
