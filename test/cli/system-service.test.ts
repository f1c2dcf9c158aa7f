import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { capabilityBeside, findSocket, SYSTEM_SERVICE } from '../../src/cli/system-service.ts'
import { startDaemon, tempDirectory } from '../http/admin/fake-daemon.ts'
import { ROOT } from '../process.ts'
import { ronctl } from './ronctl.ts'

t.test('where the system runs the daemon, ronctl finds it without a word', async t => {
  const socket = await startDaemon(t)
  const env = { XDG_RUNTIME_DIR: tempDirectory(t) }
  t.match(await ronctl(['status'], { env, service: { socket, capability: '/nonexistent' } }), { exit: 0, stdout: /^ready/ })
  t.match(await ronctl(['status'], { env }), { exit: 69, stderr: env.XDG_RUNTIME_DIR })
})

t.test('one’s own daemon comes before the system’s, and what is named before both', async t => {
  const [own, system] = [tempDirectory(t), tempDirectory(t)]
  const service = { socket: join(system, 'admin.sock'), capability: join(system, 'owner.cap') }
  const host = { env: { XDG_RUNTIME_DIR: own }, uid: 0, service }
  const ownSocket = join(own, 'svc-dht', 'admin.sock')
  t.equal(findSocket(host, undefined), ownSocket, 'neither runs: the own one is what is said to be missing')
  writeFileSync(service.socket, '')
  t.equal(findSocket(host, undefined), service.socket)
  t.equal(findSocket({ ...host, env: { ...host.env, RONCTL_SOCKET: '/named' } }, undefined), '/named')
  t.equal(findSocket(host, '/given'), '/given')
  t.equal(findSocket({ ...host, env: { XDG_RUNTIME_DIR: system.replace(/$/, '/none') } }, undefined), service.socket)
})

t.test('the owner’s capability goes to the system’s socket alone', async t => {
  t.equal(capabilityBeside(SYSTEM_SERVICE.socket, SYSTEM_SERVICE), SYSTEM_SERVICE.capability)
  t.equal(capabilityBeside('/tmp/svc-dht-0/admin.sock', SYSTEM_SERVICE), '/tmp/svc-dht-0/admin.cap')
})

t.test('it looks where the unit has them', async t => {
  const unit = readFileSync(join(ROOT, 'ops/systemd/svc-dht.service'), 'utf8')
  t.equal(SYSTEM_SERVICE.socket, /admin\.socket=(\S+)/.exec(unit)?.[1]?.replace('%t', '/run'))
  t.equal(SYSTEM_SERVICE.capability, `${/node\.dataDir=(\S+)/.exec(unit)?.[1]?.replace('%S', '/var/lib') ?? ''}/owner.cap`)
})
