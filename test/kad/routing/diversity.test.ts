import t from 'tap'
import { DiversityCount } from '../../../src/kad/routing/diversity.ts'

const GROUP = '203.0.0.0/16'
const [TABLE, BUCKET] = [3, 2]
const create = (): DiversityCount => new DiversityCount({ inTable: TABLE, inBucket: BUCKET })

t.test('two peers of a group fit one bucket', async t => {
  const diversity = create()
  for (let peer = 0; peer < BUCKET; peer++) {
    t.equal(diversity.fullScope([GROUP], 5), undefined)
    diversity.add([GROUP], 5)
  }
  t.equal(diversity.fullScope([GROUP], 5), 'bucket')
  t.equal(diversity.fullScope([GROUP], 6), undefined)
})

t.test('three peers of a group fit the table', async t => {
  const diversity = create()
  for (let bucket = 0; bucket < TABLE; bucket++) diversity.add([GROUP], bucket)
  t.equal(diversity.fullScope([GROUP], 9), 'table')
  t.equal(diversity.fullScope(['198.51.0.0/16'], 9), undefined)
})

t.test('a peer that leaves gives its place back', async t => {
  const diversity = create()
  for (let bucket = 0; bucket < TABLE; bucket++) diversity.add([GROUP], bucket)
  diversity.remove([GROUP], 0)
  t.equal(diversity.fullScope([GROUP], 0), undefined)
  for (let bucket = 1; bucket < TABLE; bucket++) diversity.remove([GROUP], bucket)
  diversity.remove([GROUP], 0)
  for (let peer = 0; peer < BUCKET; peer++) diversity.add([GROUP], 0)
  t.equal(diversity.fullScope([GROUP], 0), 'bucket', 'more leaving than came gives no more room')
})

t.test('one full group of several is enough', async t => {
  const diversity = create()
  for (let bucket = 0; bucket < TABLE; bucket++) diversity.add([GROUP, '2001:db8::/32'], bucket)
  t.equal(diversity.fullScope(['198.51.0.0/16', '2001:db8::/32'], 9), 'table')
})

t.test('private addresses give no group, and who has none is never kept out', async t => {
  const diversity = create()
  for (let peer = 0; peer < 100; peer++) diversity.add([], 0)
  t.equal(diversity.fullScope([], 0), undefined)
})

t.test('lower limits keep others out, and push nobody out', async t => {
  const diversity = create()
  for (let bucket = 0; bucket < 2; bucket++) diversity.add([GROUP], bucket)
  t.equal(diversity.fullScope([GROUP], 9), undefined)
  diversity.apply({ inTable: 1, inBucket: 1 })
  t.equal(diversity.fullScope([GROUP], 9), 'table')
  diversity.remove([GROUP], 0)
  diversity.remove([GROUP], 1)
  t.equal(diversity.fullScope([GROUP], 9), undefined)
})
