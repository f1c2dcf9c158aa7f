import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { ASN_DATABASE, COUNTRY_DATABASE, IpDatabase } from '../../src/policy/ip-database.ts'
import { PolicyHolder } from '../../src/policy/policy-holder.ts'
import { NO_RULES, type ProfileName } from '../../src/policy/policy.ts'
import { encodeMmdb } from './mmdb.ts'

const COUNTRIES = encodeMmdb('Test-Country', [
  { prefix: '203.0.113.0/24', record: { country: { iso_code: 'CH' } } }, { prefix: '198.51.100.0/25', record: { country: { iso_code: 'AT' } } },
])

function place (t: Test, bytes?: Buffer): { path: string, put: (bytes: Buffer) => void } {
  const folder = mkdtempSync(join(tmpdir(), 'svc-dht-test-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'ip.mmdb')
  function put (bytes: Buffer): void {
    writeFileSync(`${path}.new`, bytes)
    renameSync(`${path}.new`, path)
  }
  if (bytes !== undefined) put(bytes)
  return { path, put }
}

t.test('it tells country and AS number of an address, mapped ones too', async t => {
  const country = new IpDatabase({ ...COUNTRY_DATABASE, path: place(t, COUNTRIES).path, intervalMs: 60_000 })
  await country.refresh()
  t.equal(country.fault(), undefined)
  t.equal(country.find('203.0.113.9'), 'CH')
  t.equal(country.find('::ffff:203.0.113.9'), 'CH')
  t.equal(country.find('198.51.100.127'), 'AT')
  for (const unknown of ['198.51.100.128', '192.0.2.1', '2001:db8::1', 'nonsense']) t.equal(country.find(unknown), undefined, unknown)

  const asns = encodeMmdb('Test-ASN', [{ prefix: '203.0.113.0/24', record: { autonomous_system_number: 64_500 } }])
  const asn = new IpDatabase({ ...ASN_DATABASE, path: place(t, asns).path, intervalMs: 60_000 })
  await asn.refresh()
  t.equal(asn.find('203.0.113.9'), 64_500)
})

t.test('a missing, cut, garbled or foreign file is a fault', async t => {
  const asns = encodeMmdb('Test-ASN', [{ prefix: '203.0.113.0/24', record: { autonomous_system_number: 64_500 } }])
  for (const [what, bytes] of [['missing', undefined], ['empty', Buffer.alloc(0)], ['cut', COUNTRIES.subarray(0, 700)], ['noise', Buffer.alloc(4096, 0x5a)], ['foreign', asns]] as const) {
    const database = new IpDatabase({ ...COUNTRY_DATABASE, path: place(t, bytes).path, intervalMs: 60_000 })
    await database.refresh()
    t.type(database.fault(), 'string', what)
    t.equal(database.find('203.0.113.9'), undefined, what)
  }
})

t.test('a policy outage fails closed and recovers; only rules that need the database feel it', async t => {
  const { path, put } = place(t, COUNTRIES)
  const country = new IpDatabase({ ...COUNTRY_DATABASE, path, intervalMs: 60_000 })
  await country.refresh()
  const profiles: ProfileName[] = []
  const policy = new PolicyHolder({ profile: 'standard', allow: NO_RULES, deny: { ...NO_RULES, countries: ['CH'] } }, {
    sources: { asn: undefined, country }, onProfile: profile => profiles.push(profile),
  })
  const outsider = { ip: '198.51.100.1' }
  t.equal(policy.reason(), undefined)
  t.throws(() => policy.assertAdmits({ ip: '203.0.113.9' }), { code: 'NoCapability', reason: 'policy_country' })
  policy.assertAdmits(outsider)

  put(Buffer.from('broken'))
  await country.refresh()
  t.match(policy.reason(), /cannot be used/)
  t.throws(() => policy.assertAdmits(outsider), { code: 'NotReady', reason: 'policy_down' })
  put(COUNTRIES)
  await country.refresh()
  t.equal(policy.reason(), undefined, 'ready again')
  policy.assertAdmits(outsider)

  rmSync(path)
  await country.refresh()
  t.match(policy.reason(), /ENOENT/)
  policy.replace({ profile: 'open', allow: NO_RULES, deny: NO_RULES })
  t.equal(policy.reason(), undefined, 'no rule asks for the country any more')
  policy.assertAdmits(outsider)
  t.same(profiles, ['standard', 'open'])
})

t.test('a rule about AS numbers without a database denies; rules that are not valid leave those in force', async t => {
  const policy = new PolicyHolder({ profile: 'standard', allow: NO_RULES, deny: { ...NO_RULES, asns: [64_500] } }, { sources: { asn: undefined, country: undefined }, onProfile: () => {} })
  t.match(policy.reason(), /asnDatabase/)
  t.throws(() => policy.assertAdmits({ ip: '127.0.0.1' }), { code: 'NotReady', reason: 'policy_down' })
  policy.replace({ profile: 'standard', allow: NO_RULES, deny: { ...NO_RULES, prefixes: ['192.0.2.0/24'] } })
  t.throws(() => policy.replace({ profile: 'open', allow: NO_RULES, deny: { ...NO_RULES, prefixes: ['x'] } }), { code: 'BadRequest' })
  t.equal(policy.rules.profile, 'standard')
  t.throws(() => policy.assertAdmits({ ip: '192.0.2.1' }), { code: 'NoCapability', reason: 'policy_ip' })
})
