import type { Peer, PeerData, PeerStore } from '@libp2p/interface'
import t from 'tap'
import { rememberProtocols } from '../../../src/kad/transport/peer-protocols.ts'

/** A peer store that notes its writes. */
function fakeStore (): PeerStore & { readonly writes: string[] } {
  const writes: string[] = []
  const write = (kind: string) => async (id: unknown, data: PeerData = {}): Promise<Peer> => {
    writes.push(`${kind} ${String(id)} ${Object.keys(data).join()}`)
    return { id, protocols: data.protocols } as never
  }
  return { writes, merge: write('merge'), patch: write('patch'), save: write('save'), delete: write('delete') } as never
}

const peer = (name: string) => ({ toString: () => name }) as never

t.test('that a peer speaks a protocol is written once', async t => {
  const store = fakeStore()
  rememberProtocols(store)
  const first = await store.merge(peer('a'), { protocols: ['/x'] })
  t.equal(await store.merge(peer('a'), { protocols: ['/x'] }), first)
  await store.merge(peer('a'), { protocols: ['/y'] })
  await store.merge(peer('b'), { protocols: ['/x'] })
  t.strictSame(store.writes, ['merge a protocols', 'merge a protocols', 'merge b protocols'])
})

t.test('everything else is written as ever, and makes it forget what it knew of the peer', async t => {
  const store = fakeStore()
  rememberProtocols(store)
  const note = async () => { await store.merge(peer('a'), { protocols: ['/x'] }) }
  await note()
  await store.merge(peer('a'), { protocols: ['/x'], tags: {} })
  await note()
  await store.patch(peer('a'), { protocols: [] })
  await note()
  await store.delete(peer('a'))
  await note()
  await store.merge(peer('a'), { protocols: ['/x', '/y'] })
  t.equal(store.writes.length, 8)
})

t.test('it remembers a bounded number of peers', async t => {
  const store = fakeStore()
  rememberProtocols(store)
  for (let index = 0; index <= 4096; index++) await store.merge(peer(`${index}`), { protocols: ['/x'] })
  await store.merge(peer('4096'), { protocols: ['/x'] })
  t.equal(store.writes.length, 4097, 'the latest is known')
  await store.merge(peer('0'), { protocols: ['/x'] })
  t.equal(store.writes.length, 4098, 'the oldest is not')
})
