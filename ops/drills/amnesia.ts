import { readdirSync, readFileSync, readlinkSync, statSync, watch } from 'node:fs'
import { join, relative } from 'node:path'
import { DaemonProcess, startReady } from './daemon-process.ts'
import type { Drill } from './drill.ts'

/**
 * A micronode forgets: while it works it writes to no disk, and after it has stopped nothing of it is left. Its working,
 * temporary, home and runtime folders are one folder, which is watched; and its open files are looked at, for a file
 * that was unlinked at once would not be seen otherwise.
 */
export const amnesia: Drill = async (notes, stack) => {
  const daemon = await startReady(stack, { 'node.profile': 'micronode' })
  const changed = new Set<string>()
  const watcher = watch(daemon.folder, { recursive: true }, (_, name) => { if (name !== null) changed.add(name) })
  stack.defer(() => watcher.close())

  for (let index = 0; index < 20; index++) {
    const { status } = await fetch(`${daemon.started.public}/routing/v1/providers/b3:${index.toString(16).padStart(64, '0')}`)
    if (status !== 200) throw new Error(`a lookup was answered with ${status}`)
  }
  const open = openFiles(daemon)
  notes.expect('no file is open for writing', open.length === 0, open)
  const held = filesIn(daemon.folder).filter(name => !isSocket(daemon, name))
  notes.expect('its folders hold its socket and nothing else', held.length === 0, held)

  await daemon.stop()
  const left = filesIn(daemon.folder)
  notes.expect('after its stop its folders are empty', left.length === 0, left)
  const written = [...changed].filter(name => name !== 'run' && name !== join('run', 'admin.sock'))
  notes.expect('no file came and went meanwhile', written.length === 0, written)
}

/** Regular files that the process may write to, beside its standard streams; pipes, sockets and devices keep nothing. */
function openFiles ({ pid }: DaemonProcess): string[] {
  return readdirSync(`/proc/${pid}/fd`).filter(fd => Number(fd) > 2).flatMap(fd => {
    try {
      const path = `/proc/${pid}/fd/${fd}`
      const isWritable = (statSync(path, { throwIfNoEntry: false })?.isFile() ?? false) && (Number.parseInt(flagsOf(pid, fd), 8) & 0o3) !== 0
      return isWritable ? [readlinkSync(path)] : []
    } catch {
      return [] // closed between the two looks
    }
  })
}

/** proc(5), fdinfo: the access mode and status flags, in octal. */
function flagsOf (pid: number, fd: string): string {
  return /^flags:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8'))?.[1] ?? '0'
}

function filesIn (folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => !entry.isDirectory())
    .map(({ parentPath, name }) => relative(folder, join(parentPath, name)))
}

function isSocket ({ folder }: DaemonProcess, name: string): boolean {
  return statSync(join(folder, name)).isSocket()
}
