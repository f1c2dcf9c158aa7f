import t from 'tap'
import type { Enr } from '../../../src/discv5/enr/record.ts'
import { logDistance } from '../../../src/discv5/table/distance.ts'
import { Discoverer } from '../../../src/discv5/topics/discoverer.ts'
import type { Found } from '../../../src/discv5/topics/topic-calls.ts'
import { advertiser } from './advertisers.ts'
import { nodeAt, surroundings } from './registrars.ts'

const TOPIC = Buffer.alloc(32)

function setUp (known: readonly Enr[], answer: (registrar: Enr, distances: readonly number[]) => Partial<Found> = () => ({})) {
  const { deps, ...rest } = surroundings(known)
  const discoverer = new Discoverer({ lookupsInBucket: 5 }, {
    ...deps,
    calls: {
      query: async ({ record }, _topic, distances) => {
        rest.answerOf(record)
        return { advertisers: [], auxiliary: [], ...answer(record, distances) }
      },
    },
  })
  const find = async (count = 30, signal?: AbortSignal) => await discoverer.find({ topic: TOPIC, count, seeds: [], signal })
  return { ...rest, deps, find }
}

const distanceOf = (nodeId: string): number => logDistance(TOPIC, Buffer.from(nodeId, 'hex'))

t.test('registrars are asked from the farthest bucket to the closest, five of each and none twice', async t => {
  const { find, asked } = setUp([256, 250, 240].flatMap(distance => Array.from({ length: 9 }, (_, n) => nodeAt(distance, n + 1))))
  t.match(await find(), { requests: 15, isComplete: true, advertisers: { length: 0 } })
  t.strictSame(asked.map(distanceOf), [...asked.map(distanceOf)].sort((a, b) => b - a))
  t.equal(new Set(asked).size, 15)
})

t.test('a lookup ends when enough advertisers are found, each counted once', async t => {
  const { find } = setUp(Array.from({ length: 5 }, (_, n) => nodeAt(256, n + 1)), () => ({ advertisers: [advertiser(1), advertiser(1, 2n), advertiser(2), advertiser(3)] }))
  const { advertisers, requests } = await find(2)
  t.equal(advertisers.length, 2)
  t.ok(requests <= 3)
  const all = await setUp([nodeAt(256, 1), nodeAt(256, 2)], ({ nodeId }) => ({ advertisers: [advertiser(1, nodeId.endsWith('1') ? 1n : 2n)] })).find()
  t.strictSame(all.advertisers.map(({ seq }) => seq), [2n], 'the newest record of it')
})

t.test('nodes that a registrar told of are asked as well, when they speak of topics and are learned', async t => {
  const { find, asked, learned } = setUp([nodeAt(256, 1)], ({ nodeId }) => ({ auxiliary: distanceOf(nodeId) === 256 ? [nodeAt(200, 1), nodeAt(199, 1, new Map())] : [] }))
  await find()
  t.strictSame(asked.map(distanceOf), [256, 200])
  t.strictSame(learned.map(distanceOf), [200])
})

t.test('who does not answer twice in a row is left alone for a while, and others are asked', async t => {
  const { find, asked, silent, clock } = setUp([nodeAt(256, 1), nodeAt(256, 2)], () => ({ advertisers: [advertiser(7)] }))
  silent.add(nodeAt(256, 1).nodeId)
  for (let i = 0; i < 3; i++) t.equal((await find()).advertisers.length, 1)
  t.equal(asked.length, 5, 'the silent one was asked twice only')
  clock.now += 5 * 60_000
  await find()
  t.equal(asked.filter(nodeId => silent.has(nodeId)).length, 3, 'and once more after five minutes')
})

t.test('registrars that tell of ever more nodes are followed no farther than the bound, and a lookup that is left ends', async t => {
  let n = 0
  const endless = setUp([nodeAt(256, 1)], () => ({ auxiliary: Array.from({ length: 4 }, () => nodeAt(1 + n % 256, 20 + n++)) }))
  t.match(await endless.find(), { requests: 200, isComplete: false })
  const left = new AbortController()
  left.abort()
  t.match(await endless.find(30, left.signal), { requests: 0, isComplete: false })
})
