import t from 'tap'
import { fakePorts, KEY, startDaemon } from '../../http/admin/fake-daemon.ts'
import { only } from '../../patterns.ts'
import { jsonLines, ronctl } from '../ronctl.ts'

const valid = () => ({ digest: 'b3:feed' })
const mistaken = () => ({ mistakes: ['file kad.bucketSize: must be at least 1, got "0"', 'file kad.\u001b: no such setting'] })

t.test('config hash prints the daemon’s digest, or that of a file, and nothing else', async t => {
  const socket = await startDaemon(t)
  t.same(await ronctl(['config', 'hash', '--socket', socket]), { exit: 0, stdout: `${KEY}\n`, stderr: '' })
  t.same(jsonLines((await ronctl(['config', 'hash', '--json', '--socket', socket])).stdout), [{ digest: KEY }])
  const asked: string[] = []
  const ofFile = await ronctl(['config', 'hash', '--file', 'a.toml'], { checkFile: path => { asked.push(path); return valid() } })
  t.same(ofFile, { exit: 0, stdout: 'b3:feed\n', stderr: '' })
  t.same(asked, ['a.toml'])
})

t.test('config hash of a file with mistakes has no digest to print', async t => {
  const { exit, stdout, stderr } = await ronctl(['config', 'hash', '--file', 'a.toml', '--json'], { checkFile: mistaken })
  t.equal(exit, 78)
  t.equal(stdout, '')
  t.match(jsonLines(stderr), only({ error: { code: 'BadConfig', message: /^a\.toml has mistakes: file kad\.bucketSize: must be at least 1, got "0"; file/, hint: /config check/ } }))
})

t.test('config check prints every mistake, or the digest', async t => {
  const bad = await ronctl(['config', 'check', '--file', 'a.toml'], { checkFile: mistaken })
  t.same(bad, { exit: 78, stdout: 'file kad.bucketSize: must be at least 1, got "0"\nfile kad.\\u001b: no such setting\n', stderr: '' })
  t.same(await ronctl(['config', 'check', '--file', 'a.toml'], { checkFile: valid }), { exit: 0, stdout: 'a.toml is valid: b3:feed\n', stderr: '' })
})

t.test('config check --json says whether it is valid, and why not', async t => {
  const bad = await ronctl(['config', 'check', '--file', 'a.toml', '--json'], { checkFile: mistaken })
  t.equal(bad.exit, 78)
  t.same(jsonLines(bad.stdout), [{ valid: false, ...mistaken() }])
  const good = await ronctl(['config', 'check', '--file', 'a.toml', '--json'], { checkFile: valid })
  t.same(jsonLines(good.stdout), [{ valid: true, ...valid() }])
  t.match(await ronctl(['config', 'check']), { exit: 2, stderr: /--file <path>/ })
})

t.test('config get prints all settings, a section, or one value alone', async t => {
  const socket = await startDaemon(t)
  const get = async (...args: string[]) => (await ronctl(['config', 'get', ...args, '--socket', socket])).stdout
  t.match(await get(), /kad\.bucketSize +20 \(governance holds; configured: 16\)\nkad\.listen +\/ip4.*\nlog\.level +info\nidentity\.passphraseFile +\(set\)\n/)
  t.equal(await get('kad'), 'kad.bucketSize  20 (governance holds; configured: 16)\nkad.listen      /ip4/127.0.0.1/tcp/7460\n')
  const { config } = fakePorts()
  t.same(jsonLines(await get('--json')), [config])
  t.same(jsonLines(await get('log', '--json')), [{ digest: config.digest, settings: { 'log.level': 'info' }, drift: {} }])
})

t.test('config get prints one value alone for scripts, and beside it which configured value does not hold', async t => {
  const socket = await startDaemon(t)
  const get = async (...args: string[]) => await ronctl(['config', 'get', ...args, '--socket', socket])
  t.same(await get('kad.bucketSize'), { exit: 0, stdout: '20\n', stderr: 'kad.bucketSize (governance holds; configured: 16)\n' })
  t.same(await get('log.level'), { exit: 0, stdout: 'info\n', stderr: '' })
  t.same(jsonLines((await get('kad.bucketSize', '--json')).stdout)[0], { digest: fakePorts().config.digest, settings: { 'kad.bucketSize': '20' }, drift: { 'kad.bucketSize': { configured: '16', in_force: '20' } } })
})

t.test('a setting that there is not is a no', async t => {
  const socket = await startDaemon(t)
  for (const path of ['kad.bucket', 'ka', 'constructor']) {
    t.match(await ronctl(['config', 'get', path, '--socket', socket]), { exit: 1, stdout: '', stderr: `ronctl: There is no setting ${path}.` }, path)
  }
})
