import type { PeerId, PeerInfo } from '@libp2p/interface'
import type { QueryEvent } from '@libp2p/kad-dht'
import t from 'tap'
import { emptyTrace, type Walk } from '../../src/core/peer.ts'
import { Engine } from '../../src/kad/engine.ts'
import type { Host } from '../../src/kad/host.ts'
import { only } from '../patterns.ts'
import { bytesOf, keyOf, peerOf } from './fixtures.ts'

type Verify = (contact: { readonly peerId: PeerId }) => Promise<boolean>

/** The members of kad-dht that the engine uses. Its queries play one script of events, then end or fail. */
class FakeDht {
  script: ReadonlyArray<Partial<QueryEvent>> = []
  failure: Error | undefined
  readonly routingTable = Object.assign(new EventTarget(), {
    size: 3,
    kb: { verify: (async () => true) as Verify },
    queued: [] as PeerId[],
    removed: [] as PeerId[],
    queueRoutingTableUpdate (peer: PeerId) { this.queued.push(peer) },
    async remove (peer: PeerId) { this.removed.push(peer) },
  })

  findProviders = this.#play
  findPeer = this.#play
  getClosestPeers = this.#play
  get = this.#play

  async * #play (): AsyncGenerator<Partial<QueryEvent>> {
    yield * this.script
    if (this.failure !== undefined) throw this.failure
  }
}

function setUp () {
  const dht = new FakeDht()
  const host = Object.assign(new EventTarget(), { services: { dht } })
  return { dht, host, engine: new Engine(host as unknown as Host) }
}

const walk = (): Walk => ({ signal: new AbortController().signal, trace: emptyTrace() })
const info = (name: string): PeerInfo => ({ id: peerOf(name), multiaddrs: [] })
const asked = (name: string): Partial<QueryEvent> => ({ name: 'SEND_QUERY', to: peerOf(name) })
const answered = (name: string, ...closer: string[]): Partial<QueryEvent> => ({ name: 'PEER_RESPONSE', from: peerOf(name), closer: closer.map(info), messageName: 'FIND_NODE' })
const valued = (name: string, value: Uint8Array): Partial<QueryEvent> => (
  { name: 'PEER_RESPONSE', from: peerOf(name), closer: [], messageName: 'GET_VALUE', record: { key: keyOf('k'), value, timeReceived: new Date(0) } }
)
const named = (message: string, name: string): Error => Object.assign(new Error(message), { name })
const idsOf = (found: readonly PeerInfo[]): string[] => found.map(({ id }) => id.toString())
const ids = (...names: string[]): string[] => names.map(name => peerOf(name).toString())

t.test('providers come in the order of the network, and the first answer ends the path', async t => {
  const { dht, engine } = setUp()
  dht.script = [
    asked('a'), answered('a', 'b'), asked('b'), answered('b'),
    { name: 'PROVIDER', from: peerOf('b'), providers: [info('x'), info('y')] }, { name: 'PROVIDER', from: peerOf('a'), providers: [info('x')] },
  ]
  const trip = walk()
  t.strictSame(idsOf(await Array.fromAsync(engine.findProviders(keyOf('k'), trip))), ids('x', 'y', 'x'))
  t.match(trip.trace, { messages: 2, answered: 2, failed: 0, hops: 2, path: only(...ids('a', 'b')) })
})

t.test('a peer that nobody knows is an end, not a failure', async t => {
  const { dht, engine } = setUp()
  dht.failure = named('not found', 'NotFoundError')
  t.strictSame(await Array.fromAsync(engine.findPeer(peerOf('x'), walk())), [])
  dht.failure = named('aborted', 'AbortError')
  await t.rejects(Array.fromAsync(engine.findPeer(peerOf('x'), walk())), { name: 'AbortError' })
})

t.test('a peer is told as often as the network names it', async t => {
  const { dht, engine } = setUp()
  dht.script = [asked('a'), answered('a', 'x'), { name: 'FINAL_PEER', from: peerOf('a'), peer: info('x') }, { name: 'FINAL_PEER', from: peerOf('b'), peer: info('x') }]
  const trip = walk()
  t.strictSame(idsOf(await Array.fromAsync(engine.findPeer(peerOf('x'), trip))), ids('x', 'x'))
  t.match(trip.trace, { hops: 1, path: only(...ids('a')) })
})

t.test('the closest peers are told, and the path leads to the closest', async t => {
  const { dht, engine } = setUp()
  dht.script = [asked('a'), answered('a', 'b'), asked('b'), answered('b'), ...['b', 'a'].map(name => ({ name: 'FINAL_PEER' as const, from: peerOf('self'), peer: info(name) }))]
  const trip = walk()
  t.strictSame(idsOf(await Array.fromAsync(engine.findClosest(bytesOf(peerOf('x')), trip))), ids('b', 'a'))
  t.match(trip.trace, { hops: 2, path: only(...ids('a', 'b')) })
})

t.test('each value that a peer returns is told, also when correcting others fails in the end', async t => {
  const { dht, engine } = setUp()
  dht.script = [answered('a'), valued('a', Uint8Array.of(1)), valued('b', Uint8Array.of(2))]
  dht.failure = named('could not correct', 'QueryError')
  const trip = walk()
  t.strictSame(await Array.fromAsync(engine.findValues(keyOf('k'), trip)), [Uint8Array.of(1), Uint8Array.of(2)])
  t.strictSame(trip.trace.path, ids('b'))
  dht.failure = named('aborted', 'AbortError')
  await t.rejects(Array.fromAsync(engine.findValues(keyOf('k'), walk())), { name: 'AbortError' })
})

t.test('a contact comes into the table when the guard has room, it answers, and the guard takes it', async t => {
  for (const [hasRoom, isAlive, isAdmitted] of [[true, true, true], [false, true, true], [true, false, true], [true, true, false]] as const) {
    const { dht, engine } = setUp()
    dht.routingTable.kb.verify = async () => isAlive
    engine.guardTable({ hasRoomFor: () => hasRoom, admits: async () => isAdmitted })
    t.equal(await dht.routingTable.kb.verify({ peerId: peerOf('a') }), hasRoom && isAlive && isAdmitted)
  }
})

t.test('who finds no room is not even asked whether it lives', async t => {
  const { dht, engine } = setUp()
  dht.routingTable.kb.verify = async () => t.fail('asked')
  engine.guardTable({ hasRoomFor: () => false, admits: async () => true })
  t.notOk(await dht.routingTable.kb.verify({ peerId: peerOf('a') }))
})

t.test('changes of the table and the look-up of our own ID are passed on', async t => {
  const { dht, host, engine } = setUp()
  const heard: string[] = []
  engine.onTableChange({ added: peer => heard.push(`added ${peer}`), removed: peer => heard.push(`removed ${peer}`) })
  engine.onSelfLookup(() => heard.push('self'))
  dht.routingTable.dispatchEvent(new CustomEvent('peer:add', { detail: peerOf('a') }))
  dht.routingTable.dispatchEvent(new CustomEvent('peer:remove', { detail: peerOf('a') }))
  host.dispatchEvent(new Event('kad-dht:query:self'))
  t.strictSame(heard, [`added ${peerOf('a')}`, `removed ${peerOf('a')}`, 'self'])
  engine.offer(peerOf('b'))
  await engine.drop(peerOf('c'))
  t.match(dht.routingTable, { queued: only(peerOf('b')), removed: only(peerOf('c')) })
  t.equal(engine.tableSize, 3)
})
