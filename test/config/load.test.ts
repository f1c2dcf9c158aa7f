import { readdirSync } from 'node:fs'
import t from 'tap'
import { adminSocketPath, ConfigError, eachSetting, envName, loadConfig, readConfigFile, readEnvironment, type Sources } from '../../src/config/load.ts'
import { only } from '../patterns.ts'

const PROFILES = new URL('../../config/', import.meta.url)
const HOUR_MS = 3_600_000
const PEER = '12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo'

function mistakesOf (sources: Sources): readonly string[] {
  try {
    loadConfig(sources)
  } catch (err) {
    if (err instanceof ConfigError) return err.mistakes
    throw err
  }
  return []
}

t.test('flags win over the environment, the environment over the file, the file over the defaults', async t => {
  const file = '[kad]\nbucketSize = 5\n'
  const env = { SVC_DHT_KAD_BUCKET_SIZE: '6' }
  t.equal(loadConfig().kad.bucketSize, 20)
  t.equal(loadConfig({ file }).kad.bucketSize, 5)
  t.equal(loadConfig({ file, env }).kad.bucketSize, 6)
  t.equal(loadConfig({ file, env, flags: { 'kad.bucketSize': '7' } }).kad.bucketSize, 7)
})

t.test('an empty value is a value, not an absence', async t => {
  t.equal(loadConfig({ flags: { 'ops.listen': '' }, env: { SVC_DHT_OPS_LISTEN: '127.0.0.1:1' } }).ops.listen, '')
})

t.test('every mistake is told at once, with where it is', async t => {
  t.strictSame(mistakesOf({
    flags: { 'kad.bucketSize': '0', 'kad.nonsense': '1' },
    env: { SVC_DHT_LOG_LEVEL: 'loud', SVC_DHT_KAD_NONSENSE: '1', HOME: '/root' },
    file: 'top = 1\n[providers]\nttl = "3d"\nnonsense = 1\nrecords = { nested = 1 }\n',
  }), [
    'file top: no such setting',
    'file providers.records: must be a plain value or a list of them',
    'SVC_DHT_LOG_LEVEL: must be one of fatal, error, warn, info, debug, trace, silent, got "loud"',
    '--set kad.bucketSize: must be at least 1, got "0"',
    'file providers.ttl: must be at most 48h, got "3d"',
    '--set kad.nonsense: no such setting',
    'file providers.nonsense: no such setting',
    'SVC_DHT_KAD_NONSENSE: no such setting',
  ])
})

t.test('the number of mistakes is in the message', async t => {
  t.throws(() => loadConfig({ flags: { a: '' } }), { name: 'ConfigError', message: '1 mistake in the configuration' })
  t.throws(() => loadConfig({ flags: { a: '', b: '' } }), { message: '2 mistakes in the configuration' })
})

t.test('a file that is not TOML is one mistake', async t => {
  const [mistake, ...others] = mistakesOf({ file: '[kad\nbucketSize = 5' })
  t.match(mistake, /^file: /)
  t.notMatch(mistake, /\n/)
  t.strictSame(others, [])
})

t.test('a file writes lists as arrays, numbers and truth values as they are', async t => {
  const { kad, providers, public: http } = loadConfig({
    file: '[kad]\nlisten = ["/ip4/127.0.0.1/tcp/1", "/ip4/127.0.0.1/tcp/2"]\nannounce = []\n[providers]\nrecords = 2_000_000\n[public]\nipnsPut = false\n',
  })
  t.strictSame(kad.listen, ['/ip4/127.0.0.1/tcp/1', '/ip4/127.0.0.1/tcp/2'])
  t.strictSame(kad.announce, [])
  t.equal(providers.records, 2_000_000)
  t.equal(http.ipnsPut, false)
})

t.test('names of members that every object has are no settings', async t => {
  t.strictSame(mistakesOf({ file: '[constructor]\nname = "x"\n["__proto__"]\nx = 1\n', flags: { toString: '1' } }), [
    '--set toString: no such setting', 'file constructor.name: no such setting', 'file __proto__.x: no such setting',
  ])
})

t.test('settings that contradict each other are refused', async t => {
  for (const [flags, mistake] of [
    [{ 'providers.ttl': '3h', 'providers.maxTtl': '2h' }, /^providers.ttl: must not exceed providers.maxTtl/],
    [{ 'providers.records': '1', 'providers.recordsPerPeer': '2' }, /^providers.recordsPerPeer: /],
    [{ 'kad.peersPerIpGroup': '1', 'kad.peersPerIpGroupInBucket': '2' }, /^kad.peersPerIpGroupInBucket: /],
    [{ 'kad.bootstrapLapse': '5s', 'kad.bootstrapProbeInterval': '5s' }, /^kad.bootstrapLapse: must be longer/],
    [{ 'kad.listen': '' }, /^kad.listen: at least one/],
    [{ 'identity.keyFile': '/k' }, /give both or neither/],
    [{ 'admin.tlsCert': '/c' }, /give both or neither/],
    [{ 'admin.tlsClientCa': '/ca' }, /needs admin\.tlsCert/],
    [{ 'admin.listen': '0.0.0.0:7463' }, /only a loopback address without admin\.tlsCert/],
    [{ 'admin.listen': '[::]:7463' }, /only a loopback address/],
    [{ 'admin.listen': '127.0.0.1.example.org:7463' }, /only a loopback address/],
    [{ 'identity.passphraseFile': '/p' }, /give both or neither/],
    [{ 'node.profile': 'macronode', 'node.dataDir': '/d' }, /^node.dataDir: .* give identity.keyFile and identity.passphraseFile$/],
    [{ 'node.profile': 'macronode', 'providers.store': 'persistent' }, /^providers.store: persistent needs node.dataDir/],
    [{ 'discv5.engine': 'chainsafe', 'discv5.listen': '127.0.0.1:1,[::1]:2' }, /^discv5.listen: the chainsafe engine/],
    [{ 'bridge.waiting': '20000' }, /^bridge.remembered: /],
    [{ 'node.dataDir': '/d', 'providers.store': 'persistent' }, /^providers.store: a micronode leaves nothing on disk/],
  ] as Array<[Record<string, string>, RegExp]>) {
    const mistakes = mistakesOf({ flags })
    t.equal(mistakes.length, 1, Object.keys(flags).join())
    t.match(mistakes[0], mistake)
  }
})

t.test('on the public network’s protocol provider records are valid for 48 h, whatever is set', async t => {
  const flags = { 'kad.protocol': '/ipfs/kad/1.0.0', 'providers.ttl': '1h', 'providers.maxTtl': '30m' }
  t.match(loadConfig({ flags }).providers, { ttl: 48 * HOUR_MS, maxTtl: 48 * HOUR_MS })
  t.match(loadConfig().providers, { ttl: 24 * HOUR_MS, maxTtl: 48 * HOUR_MS })
})

t.test('the result cannot be changed', async t => {
  const config = loadConfig()
  t.ok([config, config.kad, config.kad.listen].every(Object.isFrozen))
})

t.test('the admin API may be anywhere with TLS, and on loopback without', async t => {
  for (const listen of ['127.0.0.1:7463', '127.9.8.7:0', '[::1]:7463', 'localhost:7463', '']) t.strictSame(mistakesOf({ flags: { 'admin.listen': listen } }), [], listen)
  t.strictSame(mistakesOf({ flags: { 'admin.listen': '0.0.0.0:7463', 'admin.tlsCert': '/c', 'admin.tlsKey': '/k', 'admin.tlsClientCa': '/ca' } }), [])
})

t.test('a bootstrap address ends in the peer ID that must answer there', async t => {
  const address = `/dns4/dht.example.org/tcp/7460/p2p/${PEER}`
  t.strictSame(loadConfig({ flags: { 'kad.bootstrap': address } }).kad.bootstrap, [address])
  for (const wrong of ['/ip4/192.0.2.1/tcp/7460', `${address}/p2p-circuit`, '192.0.2.1:7460']) {
    t.equal(mistakesOf({ flags: { 'kad.bootstrap': wrong } }).length, 1, wrong)
  }
})

t.test('each setting has one variable of its own', async t => {
  const names = [...eachSetting()].map(([section, key]) => envName(`${section}.${key}`))
  t.equal(new Set(names).size, names.length)
  t.ok(names.every(name => /^SVC_DHT_[A-Z][A-Z\d]*(_[A-Z\d]+)+$/.test(name)))
  t.equal(envName('kad.bucketSize'), 'SVC_DHT_KAD_BUCKET_SIZE')
})

t.test('each profile in config/ loads', async t => {
  const profiles = readdirSync(PROFILES).filter(name => name.endsWith('.toml'))
  t.ok(profiles.length > 0)
  for (const profile of profiles) t.strictSame(mistakesOf({ file: readConfigFile(new URL(profile, PROFILES).pathname) }), [], profile)
})

t.test('a predicate on node records that is none is a mistake, and says which of them', async t => {
  const told = mistakesOf({ file: '[bridge]\npredicates = ["tcp", "eth2~=6a95a1a9", "attnets^=0xff/9"]' })
  t.strictSame(told, ['file bridge.predicates: predicate 3: attnets^=0xff/9: the bits must be from 1 to those of the value, got "tcp,eth2~=6a95a1a9,attnets^=0xff/9"'])
  t.match(mistakesOf({ flags: { 'bridge.predicates': 'eth2~=xyz' } }), only(/^--set bridge.predicates: predicate 1: xyz is not a fork digest/))
})

t.test('a file that cannot be read is a mistake that names it', async t => {
  t.throws(() => readConfigFile('/nonexistent/svc-dht.toml'), { name: 'ConfigError', mistakes: ['/nonexistent/svc-dht.toml: cannot be read (ENOENT)'] })
})

t.test('the admin socket is where it is set to be, else where this machine keeps such things', async t => {
  const env = { XDG_RUNTIME_DIR: '/run/user/1' }
  t.equal(adminSocketPath(loadConfig(), env), '/run/user/1/svc-dht/admin.sock')
  t.equal(adminSocketPath(loadConfig({ flags: { 'admin.socket': '/x.sock' } }), env), '/x.sock')
})

t.test('the environment is the process’s own', async t => {
  t.equal(readEnvironment(), process.env)
})
