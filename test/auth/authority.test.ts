import fc from 'fast-check'
import t from 'tap'
import { type Attempt, Authority, formatIdentifier, type KnownGrant } from '../../src/auth/authority.ts'
import { formatCaveat, judgeCaveats, parseCaveat } from '../../src/auth/caveats.ts'
import { encodeToken } from '../../src/auth/macaroon/codec.ts'
import { attenuate, mintMacaroon } from '../../src/auth/macaroon/macaroon.ts'
import { DhtError } from '../../src/core/errors.ts'
import { only } from '../patterns.ts'

const NOW = Date.parse('2026-01-02T03:04:05Z')
const attempt: Attempt = { permission: 'provider:write', ip: '10.1.2.3', now: NOW, proposal: 'p1' }
const holds = (text: string, changes: Partial<Attempt> = {}) => judgeCaveats([Buffer.from(text)], { ...attempt, ...changes })[0]?.holds

t.test('each caveat holds for what it says', async t => {
  for (const text of [
    'service=svc-dht', 'service = svc-dht', 'scope=provider', 'scope in record,provider', 'action=provider:write', 'verbs in read,write', 'proposal=p1',
    'expires<=2026-01-02T03:04:05Z', 'expires<=2026-01-02T03:05Z', 'not-before>=2026-01-02T03:04Z', 'time-before 2026-01-03T00:00:00Z',
    'ip=10.0.0.0/8', 'ip in 192.0.2.1,10.1.2.3', 'ipaddr 10.1.2.3', 'iprange 10.1.0.0/16', 'rps<=5',
  ]) t.ok(holds(text), text)
  t.ok(holds('ip=10.0.0.0/8', { ip: '::ffff:10.1.2.3' }), 'an IPv4 peer of an IPv6 socket')
  t.ok(holds('ip=2001:db8::/32', { ip: '2001:db8::7' }))
})

t.test('each caveat denies the rest, and what the request does not tell', async t => {
  for (const text of [
    'service=svc-kms', 'scope=record', 'action=provider:delete', 'verbs=read', 'proposal=p2', 'tenant=a', 'aud=a', 'kid=a', 'alg=a', 'nonce=a', 'config-digest=a',
    'expires<=2026-01-02T03:04:04Z', 'not-before>=2026-01-02T03:05Z', 'ip=10.1.2.4', 'ip=2001:db8::/32', 'time-before 2025-01-01T00:00:00Z',
  ]) t.notOk(holds(text), text)
  t.notOk(holds('ip=0.0.0.0/0', { ip: undefined }))
})

t.test('what is unknown or malformed denies', async t => {
  for (const text of [
    '', 'x=1', 'service', 'service==svc-dht', 'service>=svc-dht', 'service=', 'SERVICE=svc-dht', ' service=svc-dht', 'service=svc-dht ', 'service=svc-dht\n', 'service  = svc-dht',
    'expires=2027-01-01T00:00Z', 'expires>=2027-01-01T00:00Z', 'expires<=2027-01-01', 'expires<=2027-01-01T00:00+00:00', 'expires<=2027-02-30T00:00Z', 'expires<=2027-01-01T24:00Z',
    'ip=10.0.0.0/33', 'ip=10.0.0.0/08', 'ip=ten', 'ip=10.0.0.0/8/8', 'rps<=0', 'rps=5', 'scope in provider,', 'scope in ', 'constructor=x', '__proto__=x', `scope=${'a'.repeat(1025)}`,
  ]) t.notOk(holds(text), JSON.stringify(text))
  fc.assert(fc.property(fc.string(), text => parseCaveat(text) === undefined || judgeCaveats([Buffer.from(text)], attempt).length === 1))
})

t.test('what is minted is read as the same caveat', async t => {
  for (const text of ['scope in a,b', 'expires<=2027-01-01T00:00Z', 'ip=10.0.0.0/8', 'rps<=9']) {
    const caveat = parseCaveat(text)
    t.equal(caveat && formatCaveat(caveat), text)
  }
})

const ROOT = Buffer.alloc(32, 7)
const NONCE = 'ab'.repeat(16)
const FAMILY = 'cd'.repeat(8)

function setUp (changes: Partial<KnownGrant> = {}) {
  const used: string[] = []
  const grant: KnownGrant = { id: 'g1', permissions: ['provider:write'], expiresAt: undefined, ...changes }
  const authority = new Authority({
    grants: {
      find: (family, nonce) => family === FAMILY && nonce === NONCE ? grant : undefined,
      firstSignature: (_, identifier) => mintMacaroon(ROOT, identifier, '').signature,
      used: id => used.push(id),
    }
  })
  const token = (caveats: string[] = [], nonce = NONCE, key: Uint8Array = ROOT) =>
    encodeToken(caveats.reduce((macaroon, text) => attenuate(macaroon, Buffer.from(text)), mintMacaroon(key, formatIdentifier(FAMILY, nonce), 'svc-dht')))
  return { authority, token, used }
}

t.test('a token of a grant lets its bearer in', async t => {
  const { authority, token, used } = setUp()
  t.same(authority.authorize(token(['scope=provider']), attempt), { id: 'g1', capabilityId: 'g1', bounds: [], conditions: ['scope=provider'], isDischarged: false })
  t.same(used, ['g1'])
})

t.test('each tighter rate is shared by those whose tokens came of the one that has it', async t => {
  const { authority, token } = setUp()
  const boundsOf = (...caveats: string[]) => authority.authorize(token(caveats), attempt).bounds
  const [nine] = boundsOf('rps<=9')
  t.match(boundsOf('rps<=9', 'rps<=3', 'rps<=20', 'rps<=3', 'scope=provider'), only({ ...nine }, { perSecond: 3 }), 'the widest first, and none that says no more')
  t.strictSame(boundsOf('rps<=9', 'scope=provider'), [nine], 'narrowed on, it is still shared')
  t.equal(boundsOf('rps<=9', 'scope=provider', 'rps<=2').length, 2)
  t.not(boundsOf('scope=provider', 'rps<=9')[0]?.party, nine?.party)
  t.not(boundsOf('rps<=9', 'rps<=3')[1]?.party, boundsOf('rps<=9', 'scope=provider', 'rps<=3')[1]?.party)
})

t.test('repeated caveats intersect', async t => {
  const { authority, token } = setUp()
  t.throws(() => authority.authorize(token(['verbs in read,write', 'verbs=read']), attempt), { code: 'NoCapability' })
})

t.test('nobody else is let in, and no refusal repeats the token', async t => {
  const { authority, token, used } = setUp()
  const refused: Array<[string | undefined, Partial<Attempt>]> = [
    [undefined, {}], ['', {}], ['x', {}], ['{}', {}], [token([], 'ef'.repeat(16)), {}], [token([], NONCE, Buffer.alloc(32, 8)), {}], [`${token()},${token()}`, {}],
    [token(), { permission: 'cap:mint' }], [token(['scope=record']), {}], [token(['x=1']), {}], [Array.from({ length: 10 }, () => 'Ag').join(), {}],
  ]
  for (const [sent, changes] of refused) {
    try {
      authority.authorize(sent, { ...attempt, ...changes })
      t.fail('let in')
    } catch (err) {
      t.ok(err instanceof DhtError && err.code === 'NoCapability' && err.reason === 'unauth' && err.hint !== undefined)
      if (sent !== undefined && sent.length > 2) t.notOk(`${String(err)} ${(err as DhtError).hint} ${String((err as DhtError).cause)}`.includes(sent))
    }
  }
  t.same(used, [])
})

t.test('an expired grant lets nobody in', async t => {
  const { authority, token } = setUp({ expiresAt: NOW - 1 })
  t.throws(() => authority.authorize(token(), attempt), { code: 'NoCapability' })
})

t.test('forged, unknown and malformed tokens get one and the same answer', async t => {
  const { authority, token } = setUp()
  const answers = ['x', token([], 'ef'.repeat(16)), token([], NONCE, Buffer.alloc(32, 8))].map(sent => {
    try { return authority.authorize(sent, attempt) } catch (err) { return `${(err as DhtError).message} ${(err as DhtError).hint}` }
  })
  t.equal(new Set(answers).size, 1)
})
