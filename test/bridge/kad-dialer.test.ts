import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PeerId } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { pino } from 'pino'
import t from 'tap'
import type { Candidate } from '../../src/bridge/candidate.ts'
import { KadDialer } from '../../src/bridge/kad-dialer.ts'

const peer = peerIdFromPrivateKey(await generateKeyPair('secp256k1'))
const candidate: Candidate = {
  nodeId: 'aa', seq: 1n, record: 'enr:', peerId: peer.toString(), isDeclared: false, addresses: ['/ip4/127.0.0.1/udp/1/quic-v1', '/ip4/127.0.0.1/tcp/1'],
}

function dialer ({ isThere = true, isOfOverlay = true, streams = 0 } = {}) {
  const seen = { dialled: [] as string[], offered: [] as PeerId[], hungUp: 0, joined: [] as unknown[] }
  const fake = new KadDialer({
    host: {
      dial: (async (addresses: unknown[]) => {
        seen.dialled.push(...addresses.map(String))
        if (!isThere) throw new Error('connection refused')
        return { remotePeer: peer, streams: new Array(streams) }
      }) as never,
      hangUp: async () => { seen.hungUp++ },
    },
    engine: { offer: offered => { seen.offered.push(offered) } },
    client: { ping: async () => { if (!isOfOverlay) throw new Error('no such protocol') } },
    bootstrap: { joined: (...said) => { seen.joined.push(said) } },
    log: pino({ level: 'silent' }),
  })
  return { seen, dial: async () => await fake.dial(candidate, new AbortController().signal) }
}

t.test('a peer of the overlay is offered to the table, after it was dialled as the peer of the record', async t => {
  const { seen, dial } = dialer()
  t.equal(await dial(), 'joined')
  t.strictSame(seen.dialled, candidate.addresses.map(address => `${address}/p2p/${peer.toString()}`))
  t.strictSame(seen.offered, [peer])
  t.strictSame(seen.joined, [[peer.toString(), seen.dialled]])
  t.equal(seen.hungUp, 0)
})

t.test('a peer that is not of the overlay is let go, unless somebody uses its connection', async t => {
  const idle = dialer({ isOfOverlay: false })
  t.equal(await idle.dial(), 'foreign')
  t.strictSame(idle.seen.offered, [])
  t.strictSame(idle.seen.joined, [])
  t.equal(idle.seen.hungUp, 1)
  const used = dialer({ isOfOverlay: false, streams: 1 })
  t.equal(await used.dial(), 'foreign')
  t.equal(used.seen.hungUp, 0)
})

t.test('a peer that is not there is a failed dial', async t => {
  const { seen, dial } = dialer({ isThere: false })
  t.equal(await dial(), 'failed')
  t.strictSame(seen.offered, [])
})
