import fc from 'fast-check'
import t from 'tap'
import { compilePolicy, decide, findMatch, MAX_RULES, PROFILE_NAMES, NO_RULES, type PolicyRules, type Subject } from '../../src/policy/policy.ts'
import { PolicyHolder } from '../../src/policy/policy-holder.ts'

const PEER = '12D3KooWGzxzKZYveHXtpG6AsrUJBcWxHBFS2HsEoGTxrMLvKXtf'
const OTHER = '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp'
const IP = '203.0.113.9'

function ask (rules: Partial<PolicyRules>, subject: Subject = { peerId: PEER, ip: IP }, origin = { asn: 64500, country: 'CH' } as { asn: number | undefined, country: string | undefined }) {
  const decision = decide(compilePolicy({ profile: 'standard', allow: NO_RULES, deny: NO_RULES, ...rules }), subject, origin)
  return decision.admitted ? decision.rule : decision.reason
}

t.test('each kind of rule refuses with a reason of its own', async t => {
  t.equal(ask({}), 'default')
  t.equal(ask({ deny: { ...NO_RULES, peers: [PEER] } }), 'policy_peer')
  t.equal(ask({ deny: { ...NO_RULES, prefixes: ['203.0.113.0/24'] } }), 'policy_ip')
  t.equal(ask({ deny: { ...NO_RULES, asns: [64500] } }), 'policy_asn')
  t.equal(ask({ deny: { ...NO_RULES, countries: ['CH'] } }), 'policy_country')
})

t.test('deny wins over allow, whatever is more specific', async t => {
  const allow = { peers: [PEER], prefixes: [IP], asns: [64500], countries: ['CH'] }
  t.equal(ask({ allow }), 'allow')
  t.equal(ask({ allow, deny: { ...NO_RULES, prefixes: ['0.0.0.0/0'] } }), 'policy_ip')
  t.equal(ask({ allow, deny: { ...NO_RULES, countries: ['CH'] } }), 'policy_country')
})

t.test('open asks for no origin; strict refuses one that is not known, but not a private address', async t => {
  const deny = { ...NO_RULES, countries: ['CH'] }
  const unknown = { asn: undefined, country: undefined }
  t.equal(ask({ profile: 'open', deny }), 'default')
  t.equal(ask({ profile: 'standard', deny }, undefined, unknown), 'default')
  t.equal(ask({ profile: 'strict', deny }, undefined, unknown), 'policy_origin')
  t.equal(ask({ profile: 'strict', deny }, { ip: '10.0.0.1' }, unknown), 'default')
})

t.test('strict admits only the listed once anybody is listed', async t => {
  const allow = { ...NO_RULES, peers: [PEER] }
  t.equal(ask({ profile: 'strict' }), 'default')
  t.equal(ask({ profile: 'strict', allow }), 'allow')
  t.equal(ask({ profile: 'strict', allow }, { peerId: OTHER, ip: IP }), 'policy_unlisted')
  t.equal(ask({ profile: 'strict', allow }, { ip: IP }), 'default', 'before the handshake it may still be the listed peer')
  t.equal(ask({ profile: 'strict', allow: { ...NO_RULES, prefixes: ['192.0.2.0/24'] } }, { ip: IP }), 'policy_unlisted')
})

t.test('who is on the admin socket can undo a list that names too few, but not while nothing can be judged', async t => {
  const rules: PolicyRules = { profile: 'strict', allow: { ...NO_RULES, prefixes: ['192.0.2.0/24'] }, deny: NO_RULES }
  t.equal(ask(rules, { isLocal: true }), 'default')
  t.equal(ask(rules, {}), 'policy_unlisted', 'an overlay connection whose address is not known')
  const unjudged = new PolicyHolder({ ...rules, deny: { ...NO_RULES, countries: ['CH'] } }, { sources: { asn: undefined, country: undefined }, onProfile: () => {} })
  t.equal(unjudged.refusal({ isLocal: true }), 'policy_down')
})

t.test('a peer is denied in every spelling of its ID, and an IPv4 address also when mapped', async t => {
  t.equal(ask({ deny: { ...NO_RULES, prefixes: ['203.0.113.0/24'] } }, { ip: '::ffff:203.0.113.9' }), 'policy_ip')
  const asCid = 'bafzaajaiaejca'
  t.throws(() => ask({ deny: { ...NO_RULES, peers: [asCid] } }), { code: 'BadRequest' })
})

t.test('a rule that is not what its list holds is refused', async t => {
  for (const deny of [{ peers: ['x'] }, { prefixes: ['10.0.0.1/8'] }, { asns: [-1] }, { asns: [2 ** 32] }, { countries: ['ch'] }, { countries: ['CHE'] }]) {
    t.throws(() => ask({ deny: { ...NO_RULES, ...deny } }), { code: 'BadRequest' }, JSON.stringify(deny))
  }
  t.throws(() => ask({ deny: { ...NO_RULES, asns: new Array<number>(MAX_RULES + 1).fill(1) } }), { code: 'TooLarge' })
})

t.test('what is told of a decision is what it rests on', async t => {
  const LIST = { deny: { policy_peer: 'peers', policy_ip: 'prefixes', policy_asn: 'asns', policy_country: 'countries' } } as const
  const list = fc.record({
    peers: fc.subarray([PEER, OTHER]), prefixes: fc.subarray(['203.0.113.0/24', '198.51.100.0/24']), asns: fc.subarray([64500, 64501]), countries: fc.subarray(['CH', 'SE']),
  })
  const subject = fc.record({ peerId: fc.constantFrom(PEER, OTHER, undefined), ip: fc.constantFrom(IP, '198.51.100.1', '10.0.0.1', undefined) })
  const origin = fc.record({ asn: fc.constantFrom(64500, 64502, undefined), country: fc.constantFrom('CH', 'DE', undefined) })
  fc.assert(fc.property(fc.constantFrom(...PROFILE_NAMES), list, list, subject, origin, (profile, allow, deny, subject, origin) => {
    const policy = compilePolicy({ profile, allow, deny })
    const decision = decide(policy, subject, origin)
    const match = findMatch(policy, subject, origin)
    if (decision.admitted) return decision.rule === 'allow' ? match?.list === 'allow' : match === undefined
    if (!Object.hasOwn(LIST.deny, decision.reason)) return match === undefined // the profile refused
    return match?.list === 'deny' && match.kind === LIST.deny[decision.reason as keyof typeof LIST.deny]
  }), { numRuns: 2000 })
  t.pass('2000 policies')
})
