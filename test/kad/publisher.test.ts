import type { PeerId } from '@libp2p/interface'
import t from 'tap'
import { emptyTrace, type Walk } from '../../src/core/peer.ts'
import { Publisher } from '../../src/kad/publisher.ts'
import { FakeEngine } from './fake-engine.ts'
import { keyOf, peerOf, silentLog } from './fixtures.ts'

const RECORD = Uint8Array.of(1, 2, 3)
const walk = (): Walk => ({ signal: new AbortController().signal, trace: emptyTrace() })

/** Peers that take what they are sent, but for those that refuse. */
class FakeClient {
  readonly sent: string[] = []
  readonly refusing = new Set<string>()

  async addProvider (peer: PeerId, _key: Uint8Array, self: Uint8Array): Promise<void> { this.#take('provider', peer, self) }
  async putValue (peer: PeerId, _key: Uint8Array, record: Uint8Array): Promise<void> { this.#take('value', peer, record) }

  #take (kind: string, peer: PeerId, record: Uint8Array): void {
    this.sent.push(`${kind} ${Buffer.from(record).toString('hex')}`)
    if (this.refusing.has(peer.toString())) throw new Error('refused')
  }
}

function setUp () {
  const engine = new FakeEngine()
  engine.closest = ['a', 'b', 'c'].map(name => ({ id: peerOf(name), multiaddrs: [] }))
  const client = new FakeClient()
  return { engine, client, publisher: new Publisher({ engine, client, log: silentLog }) }
}

t.test('a provider record goes to the closest peers, and it is counted who took it', async t => {
  const { publisher, client } = setUp()
  client.refusing.add(peerOf('b').toString())
  t.strictSame(await publisher.publishProvider(keyOf('k'), RECORD, walk()), { reached: 2, attempted: 3 })
  t.strictSame(client.sent, ['provider 010203', 'provider 010203', 'provider 010203'])
})

t.test('a value goes to the closest peers', async t => {
  const { publisher, client } = setUp()
  t.strictSame(await publisher.publishValue(keyOf('k'), RECORD, walk()), { reached: 3, attempted: 3 })
  t.strictSame(client.sent, ['value 010203', 'value 010203', 'value 010203'])
})

t.test('without anybody near nobody is reached', async t => {
  const { publisher, engine } = setUp()
  engine.closest = []
  t.strictSame(await publisher.publishProvider(keyOf('k'), RECORD, walk()), { reached: 0, attempted: 0 })
})
