import t from 'tap'
import { findDrift } from '../../src/config/drift.ts'
import { givenSettings, loadConfig, type Sources } from '../../src/config/load.ts'
import type { Setting, Settings } from '../../src/config/setting.ts'
import { settings } from '../../src/config/settings.ts'
import { liveSettings } from '../../src/governance/live-values.ts'
import { charterOf, castOf, stateOf } from '../governance/fixtures.ts'

const PEERS = ['12D3KooWGzxzKZYveHXtpG6AsrUJBcWxHBFS2HsEoGTxrMLvKXtf', '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp'] as const

/** What drifts when `sources` are given and what is in force differs from them by `inForce`. */
function drift (sources: Sources, inForce: Readonly<Record<string, string>>) {
  const { flags = {} } = sources
  return findDrift(loadConfig(sources), loadConfig({ ...sources, flags: { ...flags, ...inForce } }), givenSettings(sources))
}

t.test('a configured value that does not hold is told with the one that does, wherever it was given', async t => {
  const inForce = { 'kad.concurrency': '3', 'providers.ttl': '12h' }
  const expected = { 'kad.concurrency': { configured: '8', in_force: '3' } }
  t.strictSame(drift({ file: '[kad]\nconcurrency = 8' }, inForce), expected)
  t.strictSame(drift({ env: { SVC_DHT_KAD_CONCURRENCY: '8' } }, inForce), expected)
  t.strictSame(drift({ flags: { 'kad.concurrency': '8' } }, inForce), expected)
})

t.test('a default is nobody’s wish, but a default that somebody wrote down is', async t => {
  t.strictSame(drift({}, { 'kad.concurrency': '3' }), {})
  t.strictSame(drift({ flags: { 'kad.concurrency': '10' } }, { 'kad.concurrency': '3' }), { 'kad.concurrency': { configured: '10', in_force: '3' } })
})

t.test('the same value in other words is no drift, nor is the same list in another order', async t => {
  t.strictSame(drift({ flags: { 'providers.ttl': '24h' } }, { 'providers.ttl': '1d' }), {})
  t.strictSame(drift({ flags: { 'policy.denyPeers': PEERS.join() } }, { 'policy.denyPeers': PEERS.toReversed().join() }), {})
  t.match(drift({ flags: { 'policy.denyPeers': PEERS.join() } }, { 'policy.denyPeers': PEERS[0] }), { 'policy.denyPeers': { in_force: PEERS[0] } })
})

t.test('what is not governed cannot drift', async t => {
  t.strictSame(drift({ flags: { 'log.level': 'warn' } }, { 'log.level': 'info' }), {})
})

t.test('every setting that governance puts in force is marked as governed', async t => {
  const sections = stateOf(charterOf(castOf()), { bootstrap: { seeds: [{ fingerprint: PEERS[0], endpoint: '/ip4/127.0.0.1/tcp/1' }] } }).sections
  const table: Settings = settings
  const steered = Object.entries(liveSettings(sections).changes).flatMap(([section, entries]) => Object.keys(entries).map(key => [section, key] as const))
  t.ok(steered.length > 10)
  t.strictSame(steered.filter(([section, key]) => (table[section]?.[key] as Setting<unknown>).governed !== true), [])
})
