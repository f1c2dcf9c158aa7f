import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { UdpSocket } from '../../src/discv5/socket.ts'
import type { Sections } from '../../src/governance/state.ts'
import { startTestDaemon, until } from '../daemon.ts'
import { createNode } from '../discv5/network.ts'
import { charterOf, everyone, genesisOf, Network, stateOf } from './fixtures.ts'
import { Governed, SEED } from './governed.ts'

t.test('a member that the quorum revokes is cut off from the discv5 plane at once, and a stranger is never let in', async t => {
  const nodes = [0, 1, 2].map(() => createNode([new UdpSocket({ ip: '127.0.0.1', port: 0 }, () => {})], { requestTimeoutMs: 500, retries: 1 }))
  const [first, other, stranger] = nodes
  if (first === undefined || other === undefined || stranger === undefined) return t.fail()
  for (const node of nodes) {
    await node.start()
    t.teardown(async () => await node.stop())
  }
  const members: Sections['members'] = {
    mode: 'enforce',
    nodes: [
      { id: 'one', keys: { peer_id: SEED.fingerprint, node_id: first.nodeId }, roles: ['server'], status: 'active' },
      { id: 'two', keys: { peer_id: '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp', node_id: other.nodeId }, roles: ['server'], status: 'active' },
    ],
  }
  const folder = mkdtempSync(join(tmpdir(), 'svc-dht-gov-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const { cast } = new Network()
  writeFileSync(join(folder, 'genesis.json'), JSON.stringify(genesisOf(stateOf(charterOf(cast), { bootstrap: { seeds: [SEED] }, members }), everyone(cast))))
  const governed = new Governed(await startTestDaemon(t, { flags: { 'governance.genesis': join(folder, 'genesis.json') } }))
  const { network, daemon } = governed
  network.ledger = { ...network.ledger, state: { ...network.ledger.state, sections: { ...network.ledger.state.sections, members } } }
  const enr = daemon.enr() ?? ''
  for (const node of [first, other]) await t.resolves(node.ping(enr))
  await t.rejects(stranger.ping(enr), { code: 'Timeout' })
  const id = await governed.agree(t, network.proposal('members', { op: 'revoke', id: 'one' }))
  t.equal((await governed.execute(id)).status, 200)
  await t.rejects(first.ping(enr), { code: 'Timeout' })
  await t.resolves(other.ping(enr))
  await until(async () => await daemon.metric('svc_dht_discv5_sessions') === 1, 'its session is gone')
  t.ok(await daemon.metric('svc_dht_discv5_dropped_total{reason="member"}') >= 2)
  t.ok(await daemon.metric('svc_dht_discv5_outsiders_total{place="packet",effect="refused"}') >= 2)
})
