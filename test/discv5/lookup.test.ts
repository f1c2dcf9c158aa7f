import fc from 'fast-check'
import t from 'tap'
import { Enr } from '../../src/discv5/enr/record.ts'
import { onwards, towards, walk } from '../../src/discv5/lookup.ts'
import { compareDistance, logDistance } from '../../src/discv5/table/distance.ts'
import { Table } from '../../src/discv5/table/table.ts'

/** Numbers that look random and are the same in each run. */
function seeded (seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

const randomId = (random: () => number) => Buffer.from(Array.from({ length: 32 }, () => Math.floor(random() * 256)))
const recordOf = (id: Buffer) => new Enr(Buffer.alloc(0), { seq: 1n, pairs: new Map(), publicKey: Buffer.alloc(33), id })

/** Nodes whose tables took in all others in some order, as full as a table gets. */
function world (count: number, seed: number) {
  const random = seeded(seed)
  const records = Array.from({ length: count }, () => recordOf(randomId(random)))
  const tables = new Map(records.map(({ id, nodeId }) => {
    const table = new Table(id, random)
    const shuffled = records.map(record => ({ record, at: random() })).sort((a, b) => a.at - b.at)
    for (const { record } of shuffled) table.add(record, { ip: '127.0.0.1', port: 1 })
    for (const entry of table.entries()) table.confirm(entry, 1)
    return [nodeId, table] as const
  }))
  const ask = async ({ nodeId }: Enr, distances: readonly number[]): Promise<Enr[]> =>
    (tables.get(nodeId) as Table).at(distances, 16, () => true).map(({ record }) => record)
  const closest = (target: Buffer, without: string) => records.filter(({ nodeId }) => nodeId !== without)
    .sort((a, b) => compareDistance(target, a.id, b.id)).slice(0, 16).map(({ nodeId }) => nodeId)
  return { random, records, tables, ask, closest }
}

for (const [nodes, most, missing] of [[80, 40, 0], [1000, 40, 0]] as const) {
  t.test(`among ${nodes} nodes lookups find the 16 closest, closest first, each with at most ${most} requests; of 800 at most ${missing} are missing`, async t => {
    const { random, records, tables, ask, closest } = world(nodes, nodes)
    let missed = 0
    for (let round = 0; round < 50; round++) {
      const asker = records[Math.floor(random() * nodes)] as Enr
      const target = randomId(random)
      const seeds = (tables.get(asker.nodeId) as Table).closest(target, 16).map(({ record }) => record)
      const { nodes: found, requests, isComplete } = await walk({ target, count: 16, concurrency: 3, seeds }, { ask, self: asker.nodeId })
      const ids = found.map(({ nodeId }) => nodeId)
      missed += closest(target, asker.nodeId).filter(id => !ids.includes(id)).length
      t.strictSame(ids, [...found].sort((a, b) => compareDistance(target, a.id, b.id)).map(({ nodeId }) => nodeId))
      t.ok(isComplete && requests <= most, `${requests} requests`)
    }
    t.ok(missed <= missing, `${missed} missing`)
  })
}

t.test('nodes that do not answer are passed over, and are not in the result', async t => {
  const { random, records, ask, tables } = world(200, 5)
  const dead = new Set(records.filter(() => random() < 0.3).map(({ nodeId }) => nodeId))
  const asker = records.find(({ nodeId }) => !dead.has(nodeId)) as Enr
  const target = randomId(random)
  const seeds = (tables.get(asker.nodeId) as Table).closest(target, 16).map(({ record }) => record)
  const { nodes: found, isComplete } = await walk({ target, count: 16, concurrency: 3, seeds }, {
    self: asker.nodeId,
    ask: async (node, distances) => dead.has(node.nodeId) ? await Promise.reject(new Error('no answer')) : await ask(node, distances),
  })
  t.ok(isComplete)
  t.equal(found.length, 16)
  t.notOk(found.some(({ nodeId }) => dead.has(nodeId)))
})

t.test('a lookup that is aborted says that it is not complete', async t => {
  const { random, records, ask } = world(80, 3)
  const stop = new AbortController()
  let asked = 0
  const { isComplete } = await walk({ target: randomId(random), count: 16, concurrency: 1, seeds: records.slice(0, 2), signal: stop.signal }, {
    self: '',
    ask: async (node, distances) => {
      if (++asked === 2) stop.abort()
      return await ask(node, distances)
    },
  })
  t.equal(isComplete, false)
  t.equal(asked, 2)
})

t.test('whoever invents ever closer nodes is stopped after 200 requests', async t => {
  const target = Buffer.alloc(32)
  let n = 0
  const closer = () => {
    const id = Buffer.alloc(32, 0xff)
    id.fill(0, 0, 28)
    id.writeUInt32BE(0xffff_ffff - n++, 28)
    return recordOf(id)
  }
  const { requests, isComplete } = await walk({ target, count: 16, concurrency: 3, seeds: [closer()] }, { self: '', ask: async () => [closer()] })
  t.equal(requests, 200)
  t.equal(isComplete, false)
})

t.test('the distances asked for are valid, and begin with buckets that hold what is closer to the target', async t => {
  const random = seeded(7)
  const pairs = Array.from({ length: 300 }, (_, i) => {
    const target = randomId(random)
    const id = Buffer.from(target)
    if (i > 0) id[i % 32] = (id[i % 32] as number) ^ (1 << (i % 8)) // as near as one bit
    return [target, i % 2 === 0 ? id : randomId(random)] as const
  })
  for (const [target, id] of pairs) {
    for (const distances of [towards(target, id), onwards(target, id)]) {
      t.ok(distances.length >= 1 && distances.length <= 5 && distances.every(d => Number.isInteger(d) && d >= 1 && d <= 256) && new Set(distances).size === distances.length, distances.join())
    }
    const distance = logDistance(target, id)
    if (distance > 0) t.equal(towards(target, id)[0], distance)
  }
})

t.test('a bucket that is asked for first holds only nodes closer to the target', async t => {
  const random = seeded(11)
  for (let i = 0; i < 200; i++) {
    const [target, id, other] = [randomId(random), randomId(random), randomId(random)] as const
    const isCloser = compareDistance(target, other, id) < 0
    const [first] = towards(target, id)
    if (logDistance(id, other) === first) t.ok(isCloser)
  }
})

t.test('the log distance counts from 1 for the last bit to 256 for the first', async t => {
  const zero = Buffer.alloc(32)
  t.equal(logDistance(zero, zero), 0)
  for (let bit = 0; bit < 256; bit++) {
    const other = Buffer.alloc(32)
    other[31 - (bit >> 3)] = 1 << (bit & 7)
    t.equal(logDistance(zero, other), bit + 1)
  }
})

t.test('a lookup ends when the closest seen have all answered: it asks each of them once it saw them, and nobody stays unasked among them', async () => {
  await fc.assert(fc.asyncProperty(fc.array(fc.array(fc.nat(59), { maxLength: 16 }), { minLength: 60, maxLength: 60 }), fc.uint8Array({ minLength: 60, maxLength: 60 }), fc.integer({ min: 1, max: 5 }), async (links, moods, concurrency) => {
    const random = seeded(7)
    const nodes = links.map(() => recordOf(randomId(random)))
    const target = Buffer.alloc(32, 0x55)
    const [seen, asked] = [new Set<Enr>(nodes.slice(0, 3)), new Set<Enr>()]
    const isSilent = (node: Enr): boolean => (moods[nodes.indexOf(node)] as number) < 64
    const { nodes: found, isComplete } = await walk({ target, count: 16, concurrency, seeds: nodes.slice(0, 3) }, {
      self: '',
      ask: async node => {
        asked.add(node)
        if (isSilent(node)) throw new Error('no answer')
        const told = (links[nodes.indexOf(node)] as number[]).map(i => nodes[i] as Enr)
        for (const one of told) seen.add(one)
        return told
      },
    })
    const closest = [...seen].filter(node => !(asked.has(node) && isSilent(node))).sort((a, b) => compareDistance(target, a.id, b.id)).slice(0, 16)
    return isComplete && closest.every(node => asked.has(node)) && closest.map(({ nodeId }) => nodeId).join() === found.map(({ nodeId }) => nodeId).join()
  }))
})
