import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { startTestDaemon } from '../../../daemon.ts'
import { tempDirectory } from '../../../http/admin/fake-daemon.ts'
import { jsonLines, ronctl } from '../../ronctl.ts'

/** A daemon, and the command line of its owner: the owner's capability is beside the socket. With `cap`, of whoever has that one. */
async function setUp (t: Test) {
  const { adminSocket } = await startTestDaemon(t)
  const folder = tempDirectory(t)
  const run = async (...args: readonly string[]) => await ronctl(['--socket', adminSocket, ...args])
  const runAs = async (cap: string, ...args: readonly string[]) => await ronctl(['--socket', adminSocket, '--cap', cap, ...args])
  const mint = async (name: string, ...args: readonly string[]) => {
    const file = join(folder, name)
    const { exit, stdout, stderr } = await run('cap', 'mint', '--memo', name, '--out', file, '--json', ...args)
    if (exit !== 0) throw new Error(stderr)
    return { file, id: (jsonLines(stdout)[0] as { readonly id: string }).id, stdout }
  }
  return { run, runAs, mint }
}

t.test('what was minted allows what it says and no more, until it is revoked', async t => {
  const { run, runAs, mint } = await setUp(t)
  const { file, id, stdout } = await mint('auditor', '--role', 'auditor')
  const token = readFileSync(file, 'utf8').trim()
  t.equal(statSync(file).mode & 0o777, 0o600)
  t.notOk(stdout.includes(token), 'it is in its file, and nowhere else')

  t.match(await runAs(file, 'status'), { exit: 0 })
  t.match(await runAs(file, 'ops', 'degraded', 'on', '--reason', 'no'), { exit: 77 })
  t.match(await run('cap', 'list'), { exit: 0, stdout: new RegExp(`${id} .*auditor`) })
  t.match(await run('cap', 'test', file, '--permission', 'status:read'), { exit: 0, stdout: /allowed {2}yes/ })
  t.match(await run('cap', 'test', file, '--permission', 'cap:mint'), { exit: 1, stdout: /granted {2}no/ })
  t.match(await run('cap', 'test', file, '--permission', 'cap:mind'), { exit: 2, stderr: /no such permission.*\n.*cap permissions/ })

  t.match(await run('cap', 'revoke', id, '--reason', 'left the team'), { exit: 0, stdout: new RegExp(id) })
  t.match(await runAs(file, 'status'), { exit: 77 })
  t.match(await run('cap', 'revoke', id, '--reason', 'again'), { exit: /1|69|70/ })
})

t.test('who was given little cannot hand out more', async t => {
  const { runAs, mint } = await setUp(t)
  const { file } = await mint('minter', '--permission', 'cap:mint', 'status:read')
  t.match(await runAs(file, 'cap', 'mint', '--memo', 'x', '--role', 'owner', '--out', `${file}.more`), { exit: 77 })
  t.match(await runAs(file, 'cap', 'mint', '--memo', 'x', '--permission', 'status:read', '--out', `${file}.same`), { exit: 0 })
})

t.test('permissions and roles are told, and the root is changed in two steps', async t => {
  const { run } = await setUp(t)
  t.match(await run('cap', 'permissions'), { exit: 0, stdout: /provider:write +yes/ })
  t.match(await run('cap', 'rotate-root', 'prepare', '--reason', 'once a year'), { exit: 0, stdout: /newest root {2}2/ })
})

t.test('a command that says two things at once is refused before anything is asked', async t => {
  const { run } = await setUp(t)
  t.match(await run('cap', 'mint', '--memo', 'x', '--out', '/tmp/x', '--role', 'ops', '--permission', 'status:read'), { exit: 2, stderr: /not both/ })
  t.match(await run('cap', 'revoke', '--reason', 'x'), { exit: 2, stderr: /an id or --before/ })
})
