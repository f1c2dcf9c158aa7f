import t from 'tap'
import { ExpiryQueue, type Expiring } from '../../../../src/kad/provider/store/expiry-queue.ts'
import { HOUR_MS, SECOND_MS } from '../../fixtures.ts'

/** Takes all that has expired. */
function drain (queue: ExpiryQueue<Expiring>, now: number): Expiring[] {
  const taken: Expiring[] = []
  for (let entry = queue.takeExpired(now); entry !== undefined; entry = queue.takeExpired(now)) taken.push(entry)
  return taken
}

t.test('entries come out in the order of their ends, to the second, and not before', async t => {
  const queue = new ExpiryQueue<Expiring>()
  const entries = [5, 1, 3].map(second => ({ expiresAt: second * SECOND_MS }))
  for (const entry of entries) queue.add(entry)
  t.equal(queue.takeExpired(999), undefined)
  t.strictSame(drain(queue, 3000), [entries[1], entries[2]])
  t.strictSame(drain(queue, 5000), [entries[0]])
})

t.test('an entry whose time was extended moves on when its turn comes', async t => {
  const queue = new ExpiryQueue<Expiring>()
  const entry = { expiresAt: SECOND_MS }
  queue.add(entry)
  entry.expiresAt = 10 * SECOND_MS
  t.strictSame(drain(queue, 9999), [])
  t.strictSame(drain(queue, 10_000), [entry])
  t.equal(queue.size, 0)
})

t.test('a removed entry never comes out', async t => {
  const queue = new ExpiryQueue<Expiring>()
  const [kept, removed] = [{ expiresAt: SECOND_MS }, { expiresAt: SECOND_MS }]
  queue.add(removed)
  queue.add(kept)
  queue.remove(removed)
  t.strictSame(drain(queue, HOUR_MS), [kept])
})

t.test('entries that come and go do not pile up until their time', async t => {
  const queue = new ExpiryQueue<Expiring>()
  const kept = { expiresAt: HOUR_MS }
  queue.add(kept)
  let most = 0
  for (let round = 0; round < 10_000; round++) {
    const entry = { expiresAt: HOUR_MS }
    queue.add(entry)
    most = Math.max(most, queue.size)
    queue.remove(entry)
  }
  t.ok(most <= 1024 + 2)
  t.strictSame(drain(queue, HOUR_MS), [kept])
})

t.test('an entry may be added behind what was taken already', async t => {
  const queue = new ExpiryQueue<Expiring>()
  queue.add({ expiresAt: HOUR_MS })
  drain(queue, HOUR_MS - 1)
  const late = { expiresAt: SECOND_MS }
  queue.add(late)
  t.equal(queue.lagMs(2 * SECOND_MS), SECOND_MS)
  t.strictSame(drain(queue, 2 * SECOND_MS), [late])
})
