import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import t from 'tap'
import { startTestDaemon } from '../../daemon.ts'
import { encodeMmdb } from '../../policy/mmdb.ts'
import { ronctl } from '../ronctl.ts'

t.setTimeout(60_000)

t.test('an operator sees what is in force, and why somebody is refused', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'svc-dht-test-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'asn.mmdb')
  writeFileSync(file, encodeMmdb('Test-ASN', [{ prefix: '198.51.100.0/24', record: { autonomous_system_number: 64_500 } }]))
  const { adminSocket: socket } = await startTestDaemon(t, { flags: { 'policy.denyPrefixes': '192.0.2.0/24,2001:db8::/32', 'policy.denyAsns': '64500', 'policy.asnDatabase': file, 'public.requestsPerPrefixPerSecond': '77' } })
  const run = async (...args: string[]) => await ronctl(['policy', ...args, '--socket', socket])
  t.match(await run('show'), { exit: 0, stdout: /profile +standard\nset by +configuration\njudges +yes\n[^]*deny +prefixes: 192\.0\.2\.0\/24 2001:db8::\/32\n +asns: 64500\n[^]*asn: read\n[^]*public requests of a \/24 or \/48 +77 +a second +public\.requestsPerPrefixPerSecond\n/ })
  t.match(await run('test', '--ip', '192.0.2.9'), { exit: 1, stdout: /admitted +no: policy_ip\nby +the deny list of prefixes: 192\.0\.2\.0\/24\n/ })
  t.match(await run('test', '--ip', '2001:db8:7::1'), { exit: 1, stdout: /by +the deny list of prefixes: 2001:db8::\/32\n/ })
  t.match(await run('test', '--ip', '198.51.100.4'), { exit: 1, stdout: /no: policy_asn\nby +the deny list of asns: 64500\norigin +AS64500, country not known\n/ })
  t.match(await run('test', '--ip', '203.0.113.1', '--path', '/v1/caps', '--method', 'POST'), { exit: 0, stdout: /admitted +yes\nby +the profile standard\n[^]*request +admin POST \/v1\/caps asks a capability with cap:mint\n/ })
  t.match(await run('test', '--ip', '203.0.113.1', '--path', '/nothing'), { exit: 1, stdout: /there is nothing at this path/ })
  t.match(await run('test', '--ip', '203.0.113.1', '--json'), { exit: 0, stdout: /^\{"admitted":true,.*\}\n$/ })
})

t.test('an operator is not locked out of the socket by a list that names too few', async t => {
  const { adminSocket: socket, adminUrl = '' } = await startTestDaemon(t, { flags: { 'policy.profile': 'strict', 'policy.allowPrefixes': '192.0.2.0/24', 'admin.listen': '127.0.0.1:0' } })
  const run = async (...args: string[]) => await ronctl([...args, '--socket', socket])
  t.match(await run('cap', 'list'), { exit: 0 })
  t.match(await run('policy', 'test', '--ip', '127.0.0.1'), { exit: 1, stdout: /no: policy_unlisted\nby +the profile strict\n/ })
  const token = readFileSync(join(dirname(socket), 'admin.cap'), 'utf8').trim()
  t.equal((await fetch(`${adminUrl}/v1/status`, { headers: { authorization: `Bearer ${token}` } })).status, 403, 'over TCP the list holds')
})

t.test('a wrong command line asks no daemon', async t => {
  for (const args of [['test'], ['test', '--ip', '::1', '--method', 'GET'], ['test', '--path', '/'], ['show', 'x']]) t.match(await ronctl(['policy', ...args, '--socket', '/nowhere']), { exit: 2 }, args.join(' '))
})
