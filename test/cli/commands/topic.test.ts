import t from 'tap'
import { startTestDaemon, until } from '../../daemon.ts'
import { only } from '../../patterns.ts'
import { jsonLines, ronctl } from '../ronctl.ts'

t.setTimeout(90_000)

const TOPIC = '5c'.repeat(32)

t.test('what one daemon advertises another finds, and the log of the first says so', async t => {
  const first = await startTestDaemon(t, { flags: { 'discv5.topics': 'true' } })
  const second = await startTestDaemon(t, { flags: { 'discv5.topics': 'true', 'discv5.bootnodes': first.enr() ?? '' } })
  const topic = async (daemon: typeof first, ...args: string[]) => await ronctl(['discv5', 'topic', ...args, '--socket', daemon.adminSocket])
  await until(async () => await first.metric('svc_dht_discv5_table_nodes{state="live"}') === 1 && await second.metric('svc_dht_discv5_table_nodes{state="live"}') === 1, 'they know each other')
  t.match(await topic(second, 'find', TOPIC), { exit: 1, stdout: /^$/, stderr: /^0 advertisers after 1 request/ })
  t.match(await topic(first, 'list'), { exit: 0, stderr: 'Nothing is advertised\n' })

  t.match(await topic(first, 'advertise', TOPIC, '--for', '1h', '--reason', 'we serve it'), { exit: 0, stdout: new RegExp(`^TOPIC +ENDS +HELD +WAITING\n${TOPIC} `) })
  await until(async () => await second.metric('svc_dht_discv5_topic_ads') === 1, 'the other holds it')
  t.match(jsonLines((await topic(first, 'list', '--json')).stdout), only({ advertised: only({ topic: TOPIC, held: 1, waiting: 0 }) }))
  const { exit, stdout } = await topic(second, 'find', TOPIC, '--json')
  t.equal(exit, 0)
  t.match(jsonLines(stdout), only({ topic: TOPIC, advertisers: only({ enr: first.enr() }), complete: true }))
  t.match(await topic(second, 'find', TOPIC), { exit: 0, stdout: /udp\/127\.0\.0\.1:\d+/, stderr: /^1 advertiser after \d+ request/ })

  t.match(await topic(first, 'withdraw', TOPIC), { exit: 0 })
  t.match(await topic(first, 'withdraw', TOPIC), { exit: 1, stderr: /not advertised/ })
  t.match(await ronctl(['audit', 'log', '--action', 'topic.advertise', '--socket', first.adminSocket]), { exit: 0, stdout: /we serve it/ })
  t.match(await topic(first, 'advertise', 'x'), { exit: 2 })
  t.match(await topic(first, 'advertise', TOPIC, '--for', 'soon'), { exit: 2 })
})
