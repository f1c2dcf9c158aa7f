import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readCapability } from '../../src/cli/capability.ts'
import { MAX_TOKEN_BYTES } from '../../src/core/limits.ts'
import { tempDirectory } from '../http/admin/fake-daemon.ts'
import { ronctl } from './ronctl.ts'

/** A folder of files that only we can read. */
function folderOf (files: Readonly<Record<string, string>>): string {
  const folder = tempDirectory(t)
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text, { mode: 0o600 })
  return folder
}

t.test('the capability is that of --cap, else of RONCTL_CAP, else of the file beside the socket, else none', async t => {
  const folder = folderOf({ given: 'AgE-given=\n', named: 'named\r\n', 'admin.cap': 'beside' })
  const socket = join(folder, 'admin.cap')
  const env = { RONCTL_CAP: join(folder, 'named') }
  t.equal(readCapability(join(folder, 'given'), env, socket), 'AgE-given=')
  t.equal(readCapability(undefined, env, socket), 'named')
  t.equal(readCapability(undefined, { RONCTL_CAP: '' }, socket), 'beside')
  t.equal(readCapability(undefined, {}, join(folder, 'elsewhere', 'admin.cap')), undefined)
})

t.test('the longest capability fits, and what is longer is not read to its end', async t => {
  const folder = folderOf({ longest: `${'a'.repeat(MAX_TOKEN_BYTES)}\r\n`, 'one more': 'a'.repeat(MAX_TOKEN_BYTES + 1) })
  t.equal(readCapability(join(folder, 'longest'), {}, 'x')?.length, MAX_TOKEN_BYTES)
  t.throws(() => readCapability(join(folder, 'one more'), {}, 'x'), { message: /no capability in/ })
  execFileSync('truncate', ['--size=1G', join(folder, 'longest')])
  t.throws(() => readCapability(join(folder, 'longest'), {}, 'x'), { message: /too long for a capability: it has at most 8 KiB/ })
})

t.test('a named file without a capability is a mistake that shows nothing of it and says what to do', async t => {
  const folder = folderOf({ empty: '', 'two lines': 'SECRET\nother', long: 'x'.repeat(20_000), 'header splitting': 'SECRET\r\nX: y', quote: '"SECRET"', umlaut: 'SECRETä', nul: 'SECRET\0' })
  mkdirSync(join(folder, 'folder'), { mode: 0o700 })
  for (const name of ['empty', 'two lines', 'long', 'header splitting', 'quote', 'umlaut', 'nul', 'absent', 'folder']) {
    try {
      t.fail(String(readCapability(join(folder, name), {}, 'x')))
    } catch (err) {
      t.match(err, { exit: 'usage', message: name, hint: /^(Give|Name) / })
      t.notMatch(String(err), 'SECRET')
    }
  }
})

t.test('a file that others can read is refused by every command, wherever its name came from', async t => {
  const folder = folderOf({ 'admin.cap': 'SECRET' })
  const [cap, link, socket] = [join(folder, 'admin.cap'), join(folder, 'link'), join(folder, 'admin.sock')]
  symlinkSync(cap, link)
  for (const mode of [0o640, 0o604, 0o620]) {
    chmodSync(cap, mode)
    const answers = [
      await ronctl(['--socket', socket, 'status']),
      await ronctl(['--socket', socket, '--cap', cap, 'status']),
      await ronctl(['--socket', socket, '--cap', link, 'status']),
      await ronctl(['--socket', socket, 'cap', 'show', cap]),
      await ronctl(['--socket', socket, 'cap', 'test', cap, '--permission', 'status:read']),
      await ronctl(['--socket', socket, 'cap', 'constrain', cap, '--rps', '1', '--out', join(folder, 'out')]),
    ]
    for (const answer of answers) {
      t.match(answer, { exit: 2, stderr: /Others can read .*\nRevoke the capability if they may have, or run: chmod 600/ })
      t.notMatch(answer, { stderr: 'SECRET' })
    }
  }
})
