import t from 'tap'
import { decodeRecordText, signRecord } from '../../src/discv5/enr/record.ts'
import type { TableNode } from '../../src/discv5/engine.ts'
import { hearsSomebody } from '../../src/discv5/plane-readiness.ts'
import { joinAddress, startTestDaemon, until } from '../daemon.ts'
import { only } from '../patterns.ts'
import { curve } from './network.ts'

const record = signRecord(1n, { ip: Uint8Array.of(127, 0, 0, 1), udp: Uint8Array.of(9) }, Buffer.alloc(32, 7), curve)
const node = (isLive: boolean, lastSeen: number): TableNode => ({ record, ip: '127.0.0.1', port: 9, distance: 256, isLive, lastSeen })

t.test('the plane hears somebody while one node answered lately', async t => {
  const table: TableNode[] = []
  let now = 10_000
  const check = hearsSomebody({ bootnodes: 2, lapseMs: 5000 }, { engine: { table: () => table }, now: () => now })
  const silence = 'no discv5 node answered in the last 5 s, none of 2 boot nodes either'
  t.equal(check.reason(), silence)
  table.push(node(false, 10_000))
  t.equal(check.reason(), silence, 'who never answered us says nothing')
  table.push(node(true, 10_000))
  t.equal(check.reason(), undefined)
  now = 15_000
  t.equal(check.reason(), undefined)
  now = 15_001
  t.equal(check.reason(), silence)
})

t.test('without boot nodes nobody is expected', async t => {
  const check = hearsSomebody({ bootnodes: 0, lapseMs: 1 }, { engine: { table: () => [] }, now: () => 0 })
  t.equal(check.reason(), undefined)
})

t.test('a daemon whose boot nodes are silent says so, one of the Kademlia plane alone does not, and both are ready once they hear somebody', async t => {
  const kademlia = await startTestDaemon(t)
  const silent = decodeRecordText(record.text, curve)
  const flags = { 'kad.bootstrap': joinAddress(kademlia), 'discv5.bootnodes': silent.text, 'discv5.pingInterval': '1s', 'bridge.enabled': 'false' }
  const daemon = await startTestDaemon(t, { flags })
  kademlia.bootstrapFrom([joinAddress(daemon)])
  await until(() => kademlia.readiness().ready, 'the other is ready')
  await until(() => daemon.readiness().reasons.length === 1, 'nothing else is missing')
  t.match(daemon.readiness(), { ready: false, reasons: only({ condition: 'discv5', reason: /^no discv5 node answered in the last 5 s, none of 1 boot nodes either$/ }) })

  await startTestDaemon(t, { flags: { 'discv5.bootnodes': daemon.enr() ?? '' } })
  await until(() => daemon.readiness().ready, 'it hears somebody who is no boot node')
  t.pass()
})
