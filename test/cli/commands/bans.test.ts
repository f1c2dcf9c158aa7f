import t from 'tap'
import { startTestDaemon } from '../../daemon.ts'
import { only } from '../../patterns.ts'
import { start } from '../../process.ts'
import { jsonLines, ronctl } from '../ronctl.ts'

t.setTimeout(60_000)

t.test('an operator bans, sees it, and lifts it again; each is in the audit log', async t => {
  const { adminSocket: socket } = await startTestDaemon(t)
  const run = async (...args: string[]) => await start(t, 'ronctl', [...args, '--socket', socket]).exit
  t.match(await run('bans', 'add', '192.0.2.7', '--for', '10m', '--reason', 'floods us'), { code: 0, stdout: /192\.0\.2\.7 +ip +discv5 +in (10m|9m 5\ds) +floods us\n/ })
  t.match(await run('bans', 'list'), { code: 0, stdout: /192\.0\.2\.7 /, stderr: '1 ban\n' })
  t.match(await run('bans', 'remove', '192.0.2.7', '--reason', 'a mistake'), { code: 0, stdout: /192\.0\.2\.7 / })
  t.match(await run('bans', 'list'), { code: 0, stdout: /^$/, stderr: 'Nobody is shut out\n' })
  t.match(await run('bans', 'remove', '192.0.2.7'), { code: 1, stderr: /no such ban/ })
  const entries = jsonLines((await run('audit', 'log', '--json')).stdout)
  t.match(entries.slice(-2), only({ action: 'ban.add', reason: 'floods us', event: { subject: '192.0.2.7' } }, { action: 'ban.remove', reason: 'a mistake' }))
})

t.test('a banned node is not heard any more, and is again when the ban is lifted', async t => {
  const [first, second] = [await startTestDaemon(t), await startTestDaemon(t)]
  const { node_id: id } = jsonLines((await ronctl(['discv5', 'node', second.enr() ?? '', '--json'])).stdout)[0] as { readonly node_id: string }
  const ping = async () => (await ronctl(['discv5', 'ping', first.enr() ?? '', '--socket', second.adminSocket])).exit
  t.equal(await ping(), 0)
  t.match(await ronctl(['bans', 'add', id, '--for', '1h', '--reason', 'x', '--socket', first.adminSocket, '--json']), { exit: 0, stdout: /"kind":"node"/ })
  t.equal(await ping(), 75)
  t.match(await ronctl(['bans', 'remove', id, '--socket', first.adminSocket, '--json']), { exit: 0, stdout: /^\{"removed":\[\{/ })
  t.equal(await ping(), 0)
})

t.test('an engine that cannot ban takes none, and the log tells of none', async t => {
  const { adminSocket: socket } = await startTestDaemon(t, { flags: { 'discv5.engine': 'chainsafe' } })
  t.match(await ronctl(['bans', 'add', '192.0.2.7', '--for', '10m', '--reason', 'x', '--socket', socket]), { exit: 1, stderr: /native/ })
  t.notMatch((await ronctl(['audit', 'log', '--json', '--socket', socket])).stdout, 'ban.add')
})

t.test('a wrong command line asks no daemon', async t => {
  for (const args of [['add', '192.0.2.1'], ['add', '192.0.2.1', '--for', '1h'], ['add', '192.0.2.1', '--for', '10', '--reason', 'x'], ['add', '192.0.2.1', '--for', '9ms', '--reason', 'x'], ['remove']]) {
    t.match(await ronctl(['bans', ...args, '--socket', '/nowhere']), { exit: 2 }, args.join(' '))
  }
})
