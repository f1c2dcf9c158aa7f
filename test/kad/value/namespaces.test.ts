import fc from 'fast-check'
import t from 'tap'
import { DhtError } from '../../../src/core/errors.ts'
import { MAX_VALUE_BYTES } from '../../../src/core/limits.ts'
import { assertValidValue, parseValueKey } from '../../../src/kad/value/namespaces.ts'
import { HOUR_MS } from '../fixtures.ts'
import { IpnsOwner, publicKeyValue, REAL_NOW } from './values.ts'

const REFUSED = { code: 'BadRequest', reason: 'record' } as const
const owner = await IpnsOwner.create()

t.test('values live under /pk/ and /ipns/ only', async t => {
  for (const text of ['', '/pk', '/ipns', 'pk/x', '/PK/x', '/other/x', '/constructor/x', '/ipns2/x']) {
    t.throws(() => parseValueKey(Buffer.from(text)), { code: 'BadRequest', reason: 'key' }, text)
  }
  t.ok(parseValueKey(owner.key))
  t.throws(() => parseValueKey(Buffer.concat([Buffer.from('/pk/'), Buffer.alloc(77)])), { code: 'BadRequest', reason: 'key' }, '81 bytes')
})

t.test('a public key belongs under the peer ID that it makes', async t => {
  const [one, other] = [await publicKeyValue(), await publicKeyValue()]
  const namespace = await assertValidValue(one.key, one.value)
  t.notOk(namespace.isNewer(one.key, one.value, one.value))
  t.equal(namespace.validUntil(one.value), Infinity)
  await t.rejects(assertValidValue(one.key, other.value), REFUSED)
  await t.rejects(assertValidValue(one.key, Buffer.from('no key')), REFUSED)
})

t.test('an IPNS record belongs under the name of the key that signed it', async t => {
  const other = await IpnsOwner.create()
  const value = await owner.record(1)
  await assertValidValue(owner.key, value)
  await t.rejects(assertValidValue(other.key, value), REFUSED)
  const altered = Uint8Array.from(value)
  altered[altered.byteLength - 5] = (altered.at(-5) ?? 0) ^ 1
  await t.rejects(assertValidValue(owner.key, altered), REFUSED)
})

t.test('an IPNS record that ended is refused', async t => {
  await t.rejects(assertValidValue(owner.key, await owner.record(1, new Date(REAL_NOW - 1000).toISOString())), REFUSED)
})

t.test('an IPNS record ends when it says', async t => {
  const end = new Date(REAL_NOW + HOUR_MS)
  const value = await owner.record(1, end.toISOString().replace('Z', '456789Z'))
  t.equal((await assertValidValue(owner.key, value)).validUntil(value), end.getTime())
})

t.test('an end that is no RFC 3339 time is refused, or the value would never leave', async t => {
  await assertValidValue(owner.key, await owner.recordThatSays('2130-01-01T00:00:00.123456789Z'))
  for (const validity of ['99999-01-01T00:00:00.00000000Z', '2130-01-01T00:00:00.0000+25:00', '2130-01-01T23:59:60.123456789Z']) {
    await t.rejects(assertValidValue(owner.key, await owner.recordThatSays(validity)), REFUSED, validity)
  }
})

t.test('a higher sequence is newer, then a later end', async t => {
  const [older, newer] = [await owner.record(1), await owner.record(2)]
  const longer = await owner.record(1, new Date(REAL_NOW + 48 * HOUR_MS).toISOString())
  const { isNewer } = await assertValidValue(owner.key, older)
  t.ok(isNewer(owner.key, newer, older))
  t.notOk(isNewer(owner.key, older, newer))
  t.ok(isNewer(owner.key, longer, older))
  t.notOk(isNewer(owner.key, older, longer))
  t.notOk(isNewer(owner.key, older, older), 'what is held stays on a tie')
})

t.test('a value has at most 10 KiB, which is checked before its signature', async t => {
  await t.rejects(assertValidValue(owner.key, new Uint8Array(MAX_VALUE_BYTES + 1)), { ...REFUSED, message: /at most 10240 bytes/ })
})

t.test('no bytes do more than be refused', async t => {
  await fc.assert(fc.asyncProperty(fc.constantFrom('/pk/', '/ipns/'), fc.uint8Array({ maxLength: 60 }), fc.uint8Array({ maxLength: 200 }), async (prefix, name, value) => {
    const err = await assertValidValue(Buffer.concat([Buffer.from(prefix), name]), value).then(() => undefined, (reason: unknown) => reason)
    t.ok(err instanceof DhtError && err.code === 'BadRequest')
  }), { numRuns: 200 })
})
