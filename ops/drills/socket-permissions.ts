import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DaemonProcess } from './daemon-process.ts'
import type { Drill } from './drill.ts'

/** Tries as nobody to connect; prints what came of it. */
const CONNECT = "process.setgid?.(65534); process.setuid?.(65534); require('net').connect(process.argv[1]).on('connect', () => { console.log('connected'); process.exit() }).on('error', err => console.log(err.code))"

/** The admin socket lets in its user alone: by its own permissions, by those of its directory, and by a capability besides. */
export const socketPermissions: Drill = async (notes, stack) => {
  const daemon = stack.use(await DaemonProcess.start())
  const socket = daemon.started.admin
  const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8)
  notes.expect('the directory is 0700', modeOf(dirname(socket)) === '700', modeOf(dirname(socket)))
  notes.expect('the socket is 0600', modeOf(socket) === '600', modeOf(socket))
  notes.expect('both are of the user that runs the daemon', [socket, dirname(socket)].every(path => statSync(path).uid === process.getuid?.()), statSync(socket).uid)
  const { status } = await daemon.admin('GET', '/v1/status', { capability: '' })
  notes.expect('its user is not served without a capability', status === 403, status)
  if (process.getuid?.() === 0) {
    chmodSync(daemon.folder, 0o755) // so that only the two permissions above stand in the way
    const asNobody = () => spawnSync(process.execPath, ['-e', CONNECT, socket], { encoding: 'utf8', cwd: '/' }).stdout.trim()
    notes.expect('another user cannot connect', asNobody() === 'EACCES', asNobody())
    chmodSync(dirname(socket), 0o755)
    notes.expect('nor when the directory is opened', asNobody() === 'EACCES', asNobody())
  }

  const folder = mkdtempSync(join(tmpdir(), 'svc-dht-drill-'))
  stack.defer(() => rmSync(folder, { recursive: true, force: true }))
  const open = join(folder, 'open')
  mkdirSync(open)
  chmodSync(open, 0o755)
  const refused = await DaemonProcess.start({ 'admin.socket': join(open, 'admin.sock') }).then(async started => {
    await started[Symbol.asyncDispose]()
    return false
  }, () => true)
  notes.expect('a daemon does not start with its socket in a directory that others may enter', refused, 'it started')
}
