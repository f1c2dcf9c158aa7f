import { generateKeyPair, privateKeyFromRaw } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { toCandidate, type Candidate } from '../../src/bridge/candidate.ts'
import { parsePredicate } from '../../src/core/record-predicate.ts'
import type { NodeRecord } from '../../src/discv5/engine.ts'
import { PUBLIC_IP, recordOf } from './records.ts'

const RULES = { predicates: [], scope: 'public', self: '12D3KooWself' } as const
const ADDRESS = { ip: PUBLIC_IP, tcp: [0x1f, 0x90] }

t.test('the peer of a record is the libp2p ID of its secp256k1 key', async t => {
  const key = randomBytes(32)
  const candidate = toCandidate(recordOf(ADDRESS, { key }), RULES, 0) as Candidate
  t.equal(candidate.peerId, peerIdFromPrivateKey(privateKeyFromRaw(key)).toString())
  t.equal(candidate.isDeclared, false)
  t.strictSame(candidate.addresses, ['/ip4/203.0.113.7/tcp/8080'])
})

t.test('a record may name another key’s peer ID, and is marked for it', async t => {
  const peer = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
  const candidate = toCandidate(recordOf({ ...ADDRESS, libp2p: peer.toMultihash().bytes }), RULES, 0) as Candidate
  t.equal(candidate.peerId, peer.toString())
  t.equal(candidate.isDeclared, true)
  t.equal(toCandidate(recordOf({ ...ADDRESS, libp2p: [1, 2, 3] }), RULES, 0), 'no_peer')
})

t.test('each record that leads to no dial has its reason', async t => {
  const key = randomBytes(32)
  t.equal(toCandidate(recordOf(ADDRESS, { key }), { ...RULES, self: peerIdFromPrivateKey(privateKeyFromRaw(key)).toString() }, 0), 'self')
  t.equal(toCandidate(recordOf({ ip: PUBLIC_IP, udp: [1, 2] }), RULES, 0), 'no_address')
  t.equal(toCandidate(recordOf({ ip: [10, 0, 0, 1], tcp: [1, 2] }), RULES, 0), 'private_address')
  t.equal(toCandidate(recordOf(ADDRESS), { ...RULES, predicates: [parsePredicate('eth2')] }, 0), 'predicate')
  t.equal(toCandidate({ ...recordOf(ADDRESS), pairs: new Map() }, RULES, 0), 'no_peer')
  const broken = { get pairs (): never { throw new Error('a record of a form that nobody thought of') } } as unknown as NodeRecord
  t.equal(toCandidate(broken, RULES, 0), 'malformed')
})

t.test('all predicates must hold', async t => {
  const predicates = [parsePredicate('tcp'), parsePredicate('shard=0x02')]
  t.equal(toCandidate(recordOf({ ...ADDRESS, shard: [2] }), { ...RULES, predicates }, 0) instanceof Object, true)
  t.equal(toCandidate(recordOf({ ...ADDRESS, shard: [3] }), { ...RULES, predicates }, 0), 'predicate')
})

t.test('any pairs give a candidate with an address, or a reason', async () => {
  const keys = ['ip', 'ip6', 'tcp', 'quic', 'tcp6', 'secp256k1', 'libp2p', 'eth']
  fc.assert(fc.property(fc.array(fc.tuple(fc.constantFrom(...keys), fc.uint8Array({ maxLength: 64 }))), entries => {
    const record = { nodeId: 'aa', seq: 1n, bytes: new Uint8Array(), text: 'enr:', pairs: new Map(entries) }
    const result = toCandidate(record, RULES, 0)
    return typeof result === 'string' || result.addresses.length > 0
  }))
})
