import t from 'tap'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import type { PeerId } from '@libp2p/interface'
// Not exported by the package; the model is to be held against the engine's own code.
import { KBucket, isLeafBucket, type Bucket, type LeafBucket } from '../../node_modules/@libp2p/kad-dht/dist/src/routing-table/k-bucket.js'
import { STILL, withDead } from '../../bench/simulate/liveness.ts'
import { bitOf, Population, randomId, type Id } from '../../bench/simulate/population.ts'
import { Random } from '../../bench/simulate/random.ts'
import { ENGINE, KADEMLIA, Tables, type TableShape } from '../../bench/simulate/tables.ts'

const SEED = 3
const NODES = 6000

const population = new Population(NODES, SEED)
const everybody = (shape: TableShape, owner: number, liveness = STILL): number[] =>
  new Tables(shape, population, liveness, SEED).closest(owner, population.idOf(owner), Number.POSITIVE_INFINITY)

function commonBits (a: Id, b: Id): number {
  let depth = 0
  while (depth < 64 && bitOf(a, depth) === bitOf(b, depth)) depth++
  return depth
}

function countBy (peers: readonly number[], groupOf: (id: Id) => number): Map<number, number> {
  const counts = new Map<number, number>()
  for (const peer of peers) {
    const group = groupOf(population.idOf(peer))
    counts.set(group, (counts.get(group) ?? 0) + 1)
  }
  return counts
}

t.test('the engine table is the one that the engine builds: 64 buckets of 20, its own neighbourhood cut off', async t => {
  const leaves = leavesOf((await fillEngineTable(NODES)).root)
  t.equal(leaves.length, 64)
  t.ok(leaves.every(({ depth, peers }) => depth === ENGINE.trieDepth && peers.length === ENGINE.bucketSize))
  const modelled = countBy(everybody(ENGINE, 17), ({ hi }) => hi >>> 26)
  t.equal(modelled.size, 64)
  t.ok([...modelled.values()].every(count => count === ENGINE.bucketSize))
})

t.test('a Kademlia table has min(k, all) peers at each common prefix length', async t => {
  for (const owner of [0, 1234, NODES - 1]) {
    const ownId = population.idOf(owner)
    const all = countBy(Array.from({ length: NODES }, (_, peer) => peer).filter(peer => peer !== owner), id => commonBits(id, ownId))
    const held = countBy(everybody(KADEMLIA, owner), id => commonBits(id, ownId))
    for (const [bits, count] of all) {
      // A range of k peers or fewer, the owner included, is one bucket and is held whole.
      t.equal(held.get(bits), Math.min(count, KADEMLIA.bucketSize), `${bits} common bits`)
    }
  }
})

t.test('a divided own bucket adds the neighbourhood to the engine table', async t => {
  const owner = 99
  const nearest = population.closest(population.idOf(owner), 10, peer => peer !== owner)
  const held = everybody({ ...KADEMLIA, trieDepth: 6 }, owner)
  t.ok(nearest.every(peer => held.includes(peer)))
  t.ok(held.length > everybody(ENGINE, owner).length)
  t.notOk(nearest.every(peer => everybody(ENGINE, owner).includes(peer)))
  t.ok(nearest.every(peer => everybody({ ...ENGINE, nearest: 10 }, owner).includes(peer)))
})

t.test('the closest peers of a table are those of the whole table, sorted', async t => {
  const random = new Random(SEED)
  for (const shape of [ENGINE, KADEMLIA, { ...KADEMLIA, extraBits: 2 }, { ...ENGINE, nearest: 10 }]) {
    const liveness = withDead(0.2, SEED)
    const tables = new Tables(shape, population, liveness, SEED)
    for (let round = 0; round < 20; round++) {
      const owner = random.below(NODES)
      const target = randomId(random)
      const sorted = everybody(shape, owner, liveness).sort((a, b) => population.compareDistance(a, b, target))
      t.same(tables.closest(owner, target, 20), sorted.slice(0, 20))
      t.notOk(sorted.includes(owner))
      t.equal(new Set(sorted).size, sorted.length)
    }
  }
})

async function fillEngineTable (peers: number): Promise<KBucket> {
  const key = await generateKeyPairFromSeed('Ed25519', new Uint8Array(32))
  const table = new KBucket({ peerId: peerIdFromPrivateKey(key) }, {
    prefixLength: ENGINE.trieDepth, kBucketSize: ENGINE.bucketSize, verify: async () => true, ping: async function * () {},
  })
  const random = new Random(SEED)
  for (let peer = 0; peer < peers; peer++) await table.add(fakePeer(random))
  return table
}

/** As much of a peer ID as the table asks for: its hash is its place. */
function fakePeer (random: Random): PeerId {
  const bytes = Uint8Array.from({ length: 32 }, () => random.below(256))
  const digest = { code: 0, digest: bytes, size: bytes.length, bytes }
  return { toMultihash: () => digest, toString: () => Buffer.from(bytes).toString('hex'), equals: () => false } as unknown as PeerId
}

function leavesOf (bucket: Bucket): LeafBucket[] {
  return isLeafBucket(bucket) ? [bucket] : [...leavesOf(bucket.left), ...leavesOf(bucket.right)]
}
