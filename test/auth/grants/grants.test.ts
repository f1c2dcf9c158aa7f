import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { Authority, type Attempt } from '../../../src/auth/authority.ts'
import { parseCaveat, type Caveat } from '../../../src/auth/caveats.ts'
import type { MintRequest } from '../../../src/auth/grants/grant.ts'
import { Grants } from '../../../src/auth/grants/grants.ts'
import { ensureOwner } from '../../../src/auth/grants/owner.ts'
import { decodeToken, encodeToken } from '../../../src/auth/macaroon/codec.ts'
import { attenuate, attenuateByThirdParty, bindDischarge, mintMacaroon } from '../../../src/auth/macaroon/macaroon.ts'
import type { ControlAction } from '../../../src/core/control-action.ts'
import { DhtError } from '../../../src/core/errors.ts'
import { Custody } from '../../../src/kms/custody.ts'
import { EphemeralKeyStore } from '../../../src/kms/key-store.ts'
import { createMetrics } from '../../../src/observability/metrics.ts'
import { only } from '../../patterns.ts'

const START = Date.parse('2026-01-02T03:04:05Z')
const HOUR = 3_600_000
const ci: MintRequest = { memo: 'ci', allows: ['provider:write'], caveats: [], expiresAt: undefined }
const admin: MintRequest = { memo: 'admin', allows: ['cap:mint', 'provider:write', 'record:read'], caveats: [], expiresAt: undefined }

const shared = await Custody.open(new EphemeralKeyStore())

function setUp (maxGrants = 10, roots = shared) {
  const clock = { now: START }
  const actions: ControlAction[] = []
  const state = { isLogBroken: false }
  const log = {
    record: async (action: ControlAction) => {
      if (state.isLogBroken) throw new DhtError('DegradedAudit', 'no')
      return { seq: actions.push(action), ts: clock.now }
    },
  }
  const metrics = createMetrics()
  const grants = new Grants({ maxGrants }, { roots, log, metrics: metrics.auth, now: () => clock.now })
  const authority = new Authority({ grants })
  const use = (token: string, changes: Partial<Attempt> = {}) => authority.authorize(token, { permission: 'provider:write', ip: '10.1.2.3', now: clock.now, ...changes })
  /** Who mints with the token, as the wall hands it on. */
  const as = (token: string) => use(token, { permission: 'cap:mint' })
  return { clock, actions, state, grants, metrics, use, as }
}

const caveats = (...texts: string[]) => texts.map(text => parseCaveat(text) as Caveat)
const narrowed = (token: string, ...texts: string[]) => encodeToken(texts.reduce((macaroon, text) => attenuate(macaroon, Buffer.from(text)), decodeToken(token)))

t.test('a minted token works, the log tells of it, and neither log nor list holds it', async t => {
  const { grants, use, actions, clock } = setUp()
  const { token, grant, conditions } = await grants.mint({ ...ci, caveats: caveats('rps<=5') }, 'daemon')
  t.same(conditions, ['service=svc-dht', 'rps<=5'])
  clock.now += 1000
  t.match(use(token), { id: grant.id, capabilityId: grant.id, bounds: only({ perSecond: 5 }), conditions: only(...conditions), isDischarged: false })
  t.equal(grants.list()[0]?.lastUsedAt, clock.now)
  t.match(actions, only({ action: 'cap.mint', reason: 'ci', actor: 'daemon', event: { grant: { id: grant.id } } }))
  const signature = Buffer.from(decodeToken(token).signature)
  for (const secret of [token, signature.toString('hex'), signature.toString('base64url')]) t.notOk(JSON.stringify([actions, grants.list()]).includes(secret))
})

t.test('a role is what it may do when it is granted', async t => {
  const { grants, use } = setUp()
  const { token, grant } = await grants.mint({ ...ci, allows: 'auditor' }, 'daemon')
  t.equal(grant.role, 'auditor')
  t.ok(use(token, { permission: 'record:read' }))
  t.throws(() => use(token), { code: 'NoCapability' })
})

t.test('a revoked token is refused at once, and the others go on', async t => {
  const { grants, use, actions } = setUp()
  const [one, two, three] = await Promise.all([grants.mint(ci, 'daemon'), grants.mint(ci, 'daemon'), grants.mint(ci, 'daemon')])
  await grants.revoke({ id: one.grant.id }, 'daemon', 'lost')
  await grants.revoke({ nonce: two.grant.nonce }, 'daemon', 'lost too')
  t.throws(() => use(one.token), { code: 'NoCapability' })
  t.throws(() => use(two.token), { code: 'NoCapability' })
  t.ok(use(three.token))
  t.match(actions.at(-1), { action: 'cap.revoke', reason: 'lost too' })
  await t.rejects(grants.revoke({ id: one.grant.id }, 'daemon', 'again'), { code: 'NotFound' })
})

t.test('a family is revoked whole: the grant, and what was minted under it, also under one that is gone', async t => {
  const { grants, use, as } = setUp()
  const root = await grants.mint(admin, 'daemon')
  const child = await grants.mint(admin, as(root.token))
  const grandchild = await grants.mint(ci, as(child.token))
  const stranger = await grants.mint(ci, 'daemon')
  await grants.revoke({ id: child.grant.id }, 'daemon', 'only this one')
  t.ok(use(grandchild.token), 'revoking one leaves those it minted')
  t.equal((await grants.revoke({ family: root.grant.id }, 'daemon', 'all of it')).length, 2)
  t.throws(() => use(root.token), { code: 'NoCapability' })
  t.throws(() => use(grandchild.token), { code: 'NoCapability' })
  t.ok(use(stranger.token))
})

t.test('all that was minted before a time is revoked together, also what is being minted meanwhile', async t => {
  const { grants, use, clock } = setUp()
  const minting = grants.mint(ci, 'daemon')
  const revoking = grants.revoke({ before: START + 1 }, 'daemon', 'leak')
  t.throws(() => use('x'), { code: 'NoCapability' })
  const { token } = await minting
  t.equal((await revoking).length, 1)
  t.throws(() => use(token), { code: 'NoCapability' })
  clock.now += 1
  t.ok(use((await grants.mint(ci, 'daemon')).token))
})

t.test('what the log does not take does not happen', async t => {
  const { grants, use, state } = setUp()
  const { token, grant } = await grants.mint(ci, 'daemon')
  state.isLogBroken = true
  await t.rejects(grants.mint(ci, 'daemon'), { code: 'DegradedAudit' })
  await t.rejects(grants.revoke({ id: grant.id }, 'daemon', 'x'), { code: 'DegradedAudit' })
  t.equal(grants.list().length, 1)
  t.ok(use(token))
  state.isLogBroken = false
  t.ok(await grants.mint(ci, 'daemon'), 'a change after one that failed goes on')
})

t.test('nobody mints more than their grant has, nor for longer', async t => {
  const { grants, as, clock } = setUp()
  const { token } = await grants.mint({ ...admin, expiresAt: START + HOUR }, 'daemon')
  await t.rejects(grants.mint({ ...ci, allows: ['cap:revoke'] }, as(token)), { code: 'NoCapability' })
  await t.rejects(grants.mint({ ...ci, allows: 'ops' }, as(token)), { code: 'NoCapability' })
  await t.rejects(grants.mint({ ...ci, expiresAt: START + HOUR + 1 }, as(token)), { code: 'NoCapability' })
  t.equal((await grants.mint(ci, as(token))).grant.expiresAt, START + HOUR)
  const short = narrowed(token, `expires<=${new Date(START + 1000).toISOString()}`)
  await t.rejects(grants.mint({ ...ci, expiresAt: START + 1001 }, as(short)), { code: 'NoCapability' })
  t.equal((await grants.mint(ci, as(short))).grant.expiresAt, START + 1000)
  const minter = as(short)
  clock.now += HOUR + 1
  await t.rejects(grants.mint(ci, minter), { code: 'NoCapability' }, 'the minter expired while it waited')
})

t.test('whatever the minter’s token could not do, the minted one cannot either', async t => {
  const { grants, use, as } = setUp(100)
  const root = await grants.mint(admin, 'daemon')
  const texts = ['ip=10.0.0.0/8', 'scope in cap,provider', 'verbs in mint,write', 'not-before>=2026-01-01T00:00Z', 'time-before 2026-01-03T00:00:00Z', 'action in cap:mint,record:read']
  const attempts: Array<Partial<Attempt>> = [
    {}, { ip: '192.0.2.1' }, { ip: undefined }, { permission: 'record:read' }, { permission: 'cap:mint' }, { now: START + 48 * HOUR }, { now: START - 48 * HOUR },
  ]
  await fc.assert(fc.asyncProperty(fc.subarray(texts), async chosen => {
    const minter = narrowed(root.token, ...chosen)
    const child = await grants.mint(admin, as(minter))
    for (const attempt of attempts) {
      const allows = (token: string) => { try { return use(token, attempt) !== undefined } catch { return false } }
      t.equal(allows(child.token), allows(minter), `${chosen.join()} ${JSON.stringify(attempt)}`)
    }
    await grants.revoke({ id: child.grant.id }, 'daemon', 'done')
  }), { numRuns: 30 })
})

t.test('what cannot be carried over keeps a token from minting', async t => {
  const { grants, as } = setUp(20)
  const { token } = await grants.mint(admin, 'daemon')
  await t.rejects(grants.mint(ci, as(narrowed(token, 'rps<=5'))), { code: 'NoCapability', message: /rps/ })
  const root = attenuateByThirdParty(decodeToken(token), Buffer.alloc(32, 1), Buffer.from('ask'), 'elsewhere')
  const discharge = bindDischarge(root, mintMacaroon(Buffer.alloc(32, 1), Buffer.from('ask'), 'elsewhere'))
  await t.rejects(grants.mint(ci, as(`${encodeToken(root)},${encodeToken(discharge)}`)), { code: 'NoCapability', message: /third-party/ })
  await t.rejects(grants.mint({ ...ci, caveats: caveats('scope=cap', 'scope=provider') }, as(narrowed(token, ...Array.from({ length: 63 }, (_, n) => `not-before>=2025-01-01T00:00:00.${String(n).padStart(3, '0')}Z`)))), { code: 'BadRequest' })
  let deep = token
  for (let depth = 1; depth <= 8; depth++) deep = (await grants.mint(admin, as(deep))).token
  await t.rejects(grants.mint(admin, as(deep)), { code: 'NoCapability', message: /8 mints/ })
})

t.test('a mint that waited while its minter was revoked is refused', async t => {
  const { grants, as } = setUp()
  const { token, grant } = await grants.mint(admin, 'daemon')
  const by = as(token)
  const revoking = grants.revoke({ id: grant.id }, 'daemon', 'leak')
  await t.rejects(grants.mint(ci, by), { code: 'NoCapability' })
  await revoking
  t.same(grants.list(), [])
})

t.test('a new root is proven by a token of it before the old one is retired with all its grants', async t => {
  const { grants, use, as } = setUp(10, await Custody.open(new EphemeralKeyStore()))
  const old = await grants.mint(admin, 'daemon')
  t.equal(await grants.beginRotation(as(old.token), 'yearly'), 2)
  t.ok(use(old.token))
  await t.rejects(grants.finishRotation(as(old.token), 'yearly'), { code: 'Conflict' })
  const young = await grants.mint(admin, as(old.token))
  t.equal(young.grant.rootVersion, 2)
  await t.rejects(grants.finishRotation('operator', 'yearly'), { code: 'Conflict' }, 'minted, but not seen to work')
  t.same(await grants.finishRotation(as(young.token), 'yearly'), { version: 2, revoked: 1 })
  t.throws(() => use(old.token), { code: 'NoCapability' })
  t.ok(use(young.token))
})

t.test('grants and waiting changes are bounded, counted, and expired grants make room', async t => {
  const { grants, clock, metrics } = setUp(2)
  const mint = async () => await grants.mint({ ...ci, expiresAt: clock.now + 1 }, 'daemon')
  const results = await Promise.allSettled(Array.from({ length: 300 }, mint))
  t.equal(results.filter(({ status }) => status === 'fulfilled').length, 2)
  t.match((await metrics.auth.refused.get()).values, only({ labels: { reason: 'busy' }, value: 44 }, { labels: { reason: 'full' }, value: 254 }))
  await t.rejects(mint(), { code: 'Backpressure', reason: 'quota_grants' })
  clock.now += 2
  t.ok(await mint())
  t.equal((await metrics.auth.grants.get()).values[0]?.value, 1)
})

t.test('where the bound is reached and nobody may mint, a start still makes an owner', async t => {
  const { grants, as, clock } = setUp(1)
  const { grant } = await grants.mint(ci, 'daemon')
  const token = await ensureOwner(grants, { now: clock.now }) ?? ''
  await t.rejects(grants.mint(ci, as(token)), { code: 'Backpressure' })
  await grants.revoke({ id: grant.id }, as(token), 'make room')
  await t.rejects(grants.mint(ci, as(token)), { code: 'Backpressure' }, 'the owner counts')
})

t.test('what makes no sense is refused', async t => {
  const { grants } = setUp()
  for (const wrong of [{ memo: '' }, { memo: ' ' }, { memo: 'a\nb' }, { memo: 'x'.repeat(201) }, { allows: [] }, { expiresAt: START }, { expiresAt: 1e300 }, { expiresAt: Number.NaN }]) {
    await t.rejects(grants.mint({ ...ci, ...wrong }, 'daemon'), { code: 'BadRequest' }, JSON.stringify(wrong))
  }
})

t.test('the first start makes an owner, and a later one only when nobody can mint', async t => {
  const { grants, as, clock } = setUp()
  const tokenFile = join(t.testdir({}), 'owner.token')
  t.equal(await ensureOwner(grants, { tokenFile, now: clock.now }), undefined)
  t.equal(statSync(tokenFile).mode & 0o777, 0o600)
  const first = readFileSync(tokenFile, 'utf8').trim()
  t.ok(as(first))
  await ensureOwner(grants, { tokenFile, now: clock.now })
  t.equal(readFileSync(tokenFile, 'utf8').trim(), first)
  await grants.revoke({ before: START + 1 }, 'daemon', 'everything')
  await ensureOwner(grants, { tokenFile, now: clock.now })
  t.ok(as(readFileSync(tokenFile, 'utf8').trim()))
  t.throws(() => as(first), { code: 'NoCapability' })
})

t.test('an owner’s token that cannot be written is no grant; without a file it is returned once', async t => {
  const { grants, as, clock } = setUp()
  const tokenFile = join(t.testdir({}), 'nowhere', 'owner.token')
  await t.rejects(ensureOwner(grants, { tokenFile, now: clock.now }), { code: 'ENOENT' })
  t.same(grants.list(), [])
  t.notOk(existsSync(tokenFile))
  t.ok(as(await ensureOwner(grants, { now: clock.now }) ?? ''))
  t.equal(await ensureOwner(grants, { now: clock.now }), undefined)
})
