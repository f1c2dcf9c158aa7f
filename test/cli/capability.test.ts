import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readCapability } from '../../src/cli/capability.ts'

t.test('the capability is that of --cap, else of RONCTL_CAP, else of the file beside the socket, else none', async t => {
  const folder = t.testdir({ given: 'AgE-given=\n', named: 'named\n', run: { 'admin.cap': 'beside\n' } })
  const socket = join(folder, 'run', 'admin.sock')
  const env = { RONCTL_CAP: join(folder, 'named') }
  t.equal(readCapability(join(folder, 'given'), env, socket), 'AgE-given=')
  t.equal(readCapability(undefined, env, socket), 'named')
  t.equal(readCapability(undefined, { RONCTL_CAP: '' }, socket), 'beside')
  t.equal(readCapability(undefined, {}, join(folder, 'admin.sock')), undefined)
})

t.test('a named file without a capability is a mistake that shows nothing of it', async t => {
  const folder = t.testdir({ empty: '', 'two lines': 'SECRET\nother', long: 'x'.repeat(20_000), 'header splitting': 'SECRET\r\nX: y' })
  mkdirSync(join(folder, 'folder'))
  writeFileSync(join(folder, 'quote'), '"SECRET"')
  for (const name of ['empty', 'two lines', 'long', 'header splitting', 'quote', 'absent', 'folder']) {
    try {
      t.fail(String(readCapability(join(folder, name), {}, 'x')))
    } catch (err) {
      t.match(err, { exit: 'usage', message: name })
      t.notMatch(String(err), 'SECRET')
    }
  }
})
