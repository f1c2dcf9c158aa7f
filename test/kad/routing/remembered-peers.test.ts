import { multiaddr } from '@multiformats/multiaddr'
import t from 'tap'
import { RememberedPeers } from '../../../src/kad/routing/remembered-peers.ts'
import { RoutingView } from '../../../src/kad/routing/routing-view.ts'
import { addrsOf, bytesOf, peerOf, silentLog } from '../fixtures.ts'
import { FakeJournal } from '../provider/store/fake-journal.ts'
import { eventually } from '../provider/store/persistent-stores.ts'

const ADDRS = addrsOf('/ip4/203.0.113.7/tcp/4001', '/dns4/dht.example.org/tcp/4001')

function setUp (answers: (peer: string) => boolean = () => true) {
  const journal = new FakeJournal()
  const view = new RoutingView({ count: 20, self: bytesOf(peerOf('self')) })
  const dialled: string[][] = []
  const offered: string[] = []
  const remembered = new RememberedPeers({
    journal,
    view,
    host: {
      dial: async addrs => {
        const texts = [addrs].flat().map(String)
        dialled.push(texts)
        if (!answers(texts[0]?.split('/p2p/')[1] ?? '')) throw new Error('nobody there')
        return undefined as never
      },
    },
    engine: { offer: peer => { offered.push(peer.toString()) } },
    log: silentLog,
  })
  t.teardown(async () => await remembered.stop())
  const meet = (name: number, addedAt: number, addrs = ADDRS): void => view.set({ id: peerOf(name).toString(), bytes: bytesOf(peerOf(name)), addrs, groups: [], addedAt })
  return { journal, view, remembered, dialled, offered, meet }
}

t.test('the table’s peers are saved, those first who have been there longest', async t => {
  const { journal, remembered, meet } = setUp()
  for (const [name, addedAt] of [[1, 300], [2, 100], [3, 200]] as const) meet(name, addedAt)
  meet(4, 50, [])
  await remembered.save()
  t.strictSame(journal.contacts, [2, 3, 1].map(name => ({ id: bytesOf(peerOf(name)), addrs: ADDRS })))
})

t.test('they are saved when the daemon stops, once', async t => {
  const { journal, remembered, meet } = setUp()
  await remembered.start()
  meet(1, 100)
  await remembered.stop()
  t.equal(journal.contacts.length, 1)
  meet(2, 100)
  await remembered.stop()
  t.equal(journal.contacts.length, 1)
})

t.test('an empty table does not make it forget', async t => {
  const { journal, remembered } = setUp()
  journal.contacts = [{ id: bytesOf(peerOf(1)), addrs: ADDRS }]
  await remembered.save()
  t.equal(journal.contacts.length, 1)
})

t.test('at the start those remembered are dialled where they were, and offered to the table when they answer', async t => {
  const { journal, remembered, dialled, offered } = setUp(peer => peer !== peerOf(2).toString())
  journal.contacts = [1, 2, 3].map(name => ({ id: bytesOf(peerOf(name)), addrs: ADDRS }))
  await remembered.start()
  await eventually(() => offered.length === 2)
  t.strictSame(offered.sort(), [1, 3].map(name => peerOf(name).toString()).sort())
  t.strictSame(dialled.find(([first]) => first?.endsWith(peerOf(1).toString())), ADDRS.map(addr => `${multiaddr(addr).toString()}/p2p/${peerOf(1).toString()}`))
})

t.test('no more than a hundred are dialled', async t => {
  const { journal, remembered, dialled } = setUp(() => false)
  journal.contacts = Array.from({ length: 150 }, (_, name) => ({ id: bytesOf(peerOf(name)), addrs: ADDRS }))
  await remembered.start()
  await eventually(() => dialled.length === 100)
  await remembered.stop()
  t.equal(dialled.length, 100)
})

t.test('what cannot be read or written, and what is no peer, does no harm', async t => {
  const { journal, remembered, dialled, offered, meet } = setUp()
  journal.contacts = [{ id: Uint8Array.of(1, 2, 3), addrs: ADDRS }, { id: bytesOf(peerOf(1)), addrs: [Uint8Array.of(255)] }, { id: bytesOf(peerOf(2)), addrs: ADDRS }]
  await remembered.start()
  await eventually(() => offered.length === 1)
  t.equal(dialled.length, 1)

  const broken = setUp()
  broken.journal.fault = 'io'
  broken.meet(1, 1)
  meet(1, 1)
  await broken.remembered.start()
  await broken.remembered.stop()
  t.strictSame(broken.dialled, [])
})

t.test('a removed peer is forgotten on disk too, though nobody takes its place', async t => {
  const { journal, view, remembered, meet } = setUp()
  meet(1, 100)
  meet(2, 100)
  await remembered.save()
  for (const name of [1, 2]) view.delete(peerOf(name).toString())
  const gone = bytesOf(peerOf(1))
  await remembered.forget({ has: () => false, hasBytes: id => Buffer.compare(id, gone) === 0 })
  t.strictSame(journal.contacts.map(({ id }) => id), [bytesOf(peerOf(2))])
  journal.fault = 'io'
  await remembered.forget({ has: () => false, hasBytes: () => true })
})
