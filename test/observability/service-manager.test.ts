import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { notifySocketOf } from '../../src/observability/service-manager.ts'
import { start, startCommand, type Running } from '../process.ts'

const FREE_PORTS = ['kad.listen=/ip4/127.0.0.1/tcp/0', 'public.listen=127.0.0.1:0', 'ops.listen=127.0.0.1:0', 'discv5.listen=127.0.0.1:0'].flatMap(setting => ['--set', setting])

const hasPrograms = ['systemd-notify', 'python3'].every(program => spawnSync(program, ['--version']).status === 0)
const skip = hasPrograms ? false : 'systemd-notify or python3 is not installed'

/** Node cannot receive what is sent here either. Each message is a line, its parts divided by spaces. */
const RECEIVER = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('listening', flush=True)
while True:
    print(s.recv(4096).decode().strip().replace('\\n', ' '), flush=True)
`

async function startManager (t: Test): Promise<{ readonly socket: string, readonly received: Running, readonly folder: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'svc-dht-test-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const socket = join(folder, 'notify')
  const received = startCommand(t, 'python3', ['-c', RECEIVER, socket])
  await received.printed(/listening/)
  return { socket, received, folder }
}

t.test('systemd hears when the daemon serves, how it is, that it lives, reloads and stops', { skip }, async t => {
  const { socket, received, folder } = await startManager(t)
  const daemon = start(t, 'svc-dht', ['run', ...FREE_PORTS], { XDG_RUNTIME_DIR: folder, NOTIFY_SOCKET: socket, WATCHDOG_USEC: '400000' })
  await received.printed(/^READY=1 STATUS=not ready: bootstrap: .+$/m)
  await received.printed(/(^WATCHDOG=1$[^]*){2}/m)
  daemon.child.kill('SIGHUP')
  await received.printed(/^RELOADING=1 MONOTONIC_USEC=\d+$[^]*^READY=1$/m)
  daemon.child.kill('SIGTERM')
  t.equal((await daemon.exit).code, 0, 'a service without certificates outlives a reload')
  t.match(await received.printed(/^STOPPING=1$/m), /STOPPING=1/)
})

t.test('a manager that is gone is said once, and the daemon serves', { skip }, async t => {
  const folder = mkdtempSync(join(tmpdir(), 'svc-dht-test-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const daemon = start(t, 'svc-dht', ['run', ...FREE_PORTS], { XDG_RUNTIME_DIR: folder, NOTIFY_SOCKET: join(folder, 'nobody'), WATCHDOG_USEC: '100000' })
  await daemon.printed(/systemd does not hear of this daemon/)
  daemon.child.kill('SIGTERM')
  const { code, stdout } = await daemon.exit
  t.equal(code, 0)
  t.equal(stdout.split('systemd does not hear of this daemon').length, 2)
})

t.test('a watchdog counts when it is meant for this process', async t => {
  t.equal(notifySocketOf({}, [1]), undefined)
  t.equal(notifySocketOf({ WATCHDOG_USEC: '1000000' }, [1]), undefined, 'nobody to tell')
  t.strictSame(notifySocketOf({ NOTIFY_SOCKET: '@n' }, [1]), { socket: '@n', watchdogMs: undefined })
  t.strictSame(notifySocketOf({ NOTIFY_SOCKET: '/n', WATCHDOG_USEC: '1500000' }, [1]), { socket: '/n', watchdogMs: 1500 })
  t.strictSame(notifySocketOf({ NOTIFY_SOCKET: '/n', WATCHDOG_USEC: '1500000', WATCHDOG_PID: '2' }, [1, 2]), { socket: '/n', watchdogMs: 1500 })
  t.strictSame(notifySocketOf({ NOTIFY_SOCKET: '/n', WATCHDOG_USEC: '1500000', WATCHDOG_PID: '3' }, [1, 2]), { socket: '/n', watchdogMs: undefined })
  t.strictSame(notifySocketOf({ NOTIFY_SOCKET: '/n', WATCHDOG_USEC: 'soon' }, [1]), { socket: '/n', watchdogMs: undefined })
})
