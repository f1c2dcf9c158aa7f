import t from 'tap'
import { changeConfig, type Changes } from '../../src/config/change.ts'
import { loadConfig } from '../../src/config/load.ts'
import { AMINO_PROTOCOL } from '../../src/config/settings.ts'

const HOUR_MS = 3_600_000
const config = loadConfig()

t.test('what is changed is in force, the rest stays, and the configuration before is left as it was', async t => {
  const next = changeConfig(config, { kad: { concurrency: 3 }, providers: { ttl: HOUR_MS } })
  t.strictSame([next.kad.concurrency, next.kad.bucketSize, next.providers.ttl, next.providers.records], [3, config.kad.bucketSize, HOUR_MS, config.providers.records])
  t.equal(config.kad.concurrency, 10)
})

t.test('nothing goes beyond what the settings table allows, and every mistake is told', async t => {
  const changes = { kad: { concurrency: 21, disjointPaths: 0 }, providers: { ttl: 49 * HOUR_MS, records: 1.5 }, lookup: { deadline: 28_001 } }
  t.throws(() => changeConfig(config, changes), {
    code: 'BadRequest',
    message: /kad.concurrency: must be at most 20; kad.disjointPaths: must be at least 1; providers.ttl: .*; providers.records: must be a whole number; lookup.deadline: must be at most 28s\.$/,
  })
})

t.test('values of the wrong type, or that no part takes while it runs, are refused', async t => {
  const wrong: ReadonlyArray<readonly [unknown, RegExp]> = [
    [{ kad: { concurrency: '3' } }, /kad.concurrency: must be of the form integer/],
    [{ kad: { concurrency: Number.NaN } }, /kad.concurrency: must be a whole number/],
    [{ kad: { readTimeout: 1.5 } }, /kad.readTimeout: must be/],
    [{ kad: { bootstrap: '/ip4/127.0.0.1/tcp/1' } }, /kad.bootstrap: must be of the form/],
    [{ kad: { bootstrap: ['/ip4/127.0.0.1/tcp/1'] } }, /must end in \/p2p/],
    [{ kad: { listen: [] } }, /kad.listen: cannot be changed/],
    [{ kad: { constructor: 1 } }, /kad.constructor: cannot be changed/],
    [{ nonsense: { key: 1 } }, /nonsense.key: cannot be changed/],
  ]
  for (const [changes, message] of wrong) t.throws(() => changeConfig(config, changes as Changes), { code: 'BadRequest', message })
})

t.test('what cannot be in force together is refused', async t => {
  t.throws(() => changeConfig(config, { providers: { records: 10 } }), { message: /recordsPerPeer: must not exceed/ })
  t.throws(() => changeConfig(config, { providers: { maxTtl: HOUR_MS } }), { message: /ttl: must not exceed/ })
})

t.test('on the public network’s protocol the TTL stays what its specification fixes', async t => {
  const amino = loadConfig({ flags: { 'kad.protocol': AMINO_PROTOCOL } })
  t.throws(() => changeConfig(amino, { providers: { ttl: HOUR_MS } }), { message: /is fixed by/ })
  t.equal(changeConfig(amino, { providers: { records: 200_000 } }).providers.ttl, 48 * HOUR_MS)
})
