import t from 'tap'
import { CID, fakePorts, KEY, startDaemon } from '../../http/admin/fake-daemon.ts'
import { jsonLines, ronctl } from '../ronctl.ts'

const NOT_ANNOUNCED = `b3:${'00'.repeat(32)}`

const announcer = { ...fakePorts().announcer, withdraw: async (key: Uint8Array) => key[2] === 0 ? undefined : Date.UTC(2026, 0, 2, 5, 4, 5) }

t.test('a withdrawn key is reported with the time until which others may still name the daemon', async t => {
  const socket = await startDaemon(t, { announcer })
  const { exit, stdout } = await ronctl(['withdraw', CID, '--socket', socket])
  t.equal(exit, 0)
  t.equal(stdout, `${KEY}  withdrawn; others may name this daemon until 2026-01-02T05:04:05.000Z (in 2h)\n`)
})

t.test('a key that was not announced makes the answer a no, after all others were withdrawn', async t => {
  const socket = await startDaemon(t, { announcer })
  const { exit, stdout } = await ronctl(['withdraw', NOT_ANNOUNCED, KEY, '--socket', socket])
  t.equal(exit, 1)
  t.match(stdout, `${NOT_ANNOUNCED}  was not announced\n${KEY}  withdrawn`)
})

t.test('--json prints the daemon’s answer for each key', async t => {
  const socket = await startDaemon(t, { announcer })
  const { exit, stdout } = await ronctl(['withdraw', KEY, NOT_ANNOUNCED, '--json', '--socket', socket])
  t.equal(exit, 1)
  t.same(jsonLines(stdout), [{ key: KEY, withdrawn: true, others_until: '2026-01-02T05:04:05.000Z' }, { key: NOT_ANNOUNCED, withdrawn: false }])
})

t.test('nothing is withdrawn unless every argument is a key', async t => {
  let withdrawn = 0
  const socket = await startDaemon(t, { announcer: { ...announcer, withdraw: async () => withdrawn++ } })
  t.match(await ronctl(['withdraw', KEY, 'nonsense', '--socket', socket]), { exit: 2, stdout: '', stderr: /Not a key/ })
  t.equal(withdrawn, 0)
})
