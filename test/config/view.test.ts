import t from 'tap'
import { eachSetting, loadConfig } from '../../src/config/load.ts'
import { configDigest, redactConfig } from '../../src/config/view.ts'

t.test('two daemons have one digest exactly when every setting is the same', async t => {
  const digest = configDigest(loadConfig({ flags: { 'kad.bucketSize': '7' } }))
  t.match(digest, /^b3:[0-9a-f]{64}$/)
  t.equal(configDigest(loadConfig({ file: '[kad]\nbucketSize = 7\n' })), digest, 'wherever it was set')
  t.equal(configDigest(loadConfig({ env: { SVC_DHT_PROVIDERS_TTL: '1440m', SVC_DHT_KAD_BUCKET_SIZE: '7' } })), digest, 'however it was written')
  t.not(configDigest(loadConfig()), digest)
})

t.test('the view shows every setting as it is written', async t => {
  const view = redactConfig(loadConfig({ flags: { 'providers.ttl': '120m' } }))
  t.strictSame(Object.keys(view), [...eachSetting()].map(([section, key]) => `${section}.${key}`))
  t.match(view, { 'providers.ttl': '2h', 'kad.bucketSize': '20', 'public.ipnsPut': 'true' })
})

t.test('where a secret is kept is never shown', async t => {
  const config = loadConfig({ flags: { 'identity.keyFile': '/keys/id', 'identity.passphraseFile': '/secret/passphrase' } })
  t.equal(redactConfig(config)['identity.passphraseFile'], '(set)')
  t.equal(redactConfig(loadConfig())['identity.passphraseFile'], '(not set)')
  t.notMatch(JSON.stringify(redactConfig(config)), '/secret')
})
