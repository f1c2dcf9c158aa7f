import { createSecretKey, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { Challenges } from '../../../src/discv5/session/challenges.ts'
import { Deadlines } from '../../../src/discv5/session/deadlines.ts'
import { RandomPool } from '../../../src/discv5/session/random-pool.ts'
import { MAX_MESSAGES, sessionKey, Sessions, type Session } from '../../../src/discv5/session/sessions.ts'
import { Mask } from '../../../src/discv5/wire/mask.ts'

const session = (): Session => ({ readKey: createSecretKey(randomBytes(16)), writeKey: createSecretKey(randomBytes(16)), mask: new Mask(randomBytes(32)), sent: 0 })

t.test('sessions are bounded, and the one that was quiet longest goes first', async t => {
  const sessions = new Sessions(3)
  for (const key of ['a', 'b', 'c']) sessions.set(key, session())
  sessions.get('a')
  sessions.set('d', session())
  t.equal(sessions.get('b'), undefined)
  t.ok(sessions.get('a') && sessions.get('c') && sessions.get('d'))
  t.equal(sessions.size, 3)
})

t.test('a public host has its share of the sessions, whatever ports or addresses of its /64 it uses; a private one may have all', async t => {
  const sessions = new Sessions(100, () => 5)
  const id = randomBytes(32)
  const friend = sessionKey(id, '9.9.9.9', 1)
  sessions.set(friend, session())
  for (let port = 1; port <= 500; port++) sessions.set(sessionKey(id, '6.6.6.6', port), session())
  for (let i = 1; i <= 500; i++) sessions.set(sessionKey(id, `2a00:1::${i.toString(16)}`, 1), session())
  t.equal(sessions.size, 11)
  t.ok(sessions.get(friend))
  t.ok(sessions.get(sessionKey(id, '6.6.6.6', 500)), 'the newest stays')
  sessions.removeAll(nodeId => nodeId === id.toString('hex'))
  t.equal(sessions.size, 0)
  for (let port = 1; port <= 200; port++) sessions.set(sessionKey(id, '10.0.0.1', port), session())
  t.equal(sessions.size, 100)
})

t.test('whatever happens to sessions, as many are held as are counted for their hosts', async t => {
  const step = fc.record({ action: fc.constantFrom('set', 'get', 'delete'), key: fc.nat(30) })
  fc.assert(fc.property(fc.array(step, { maxLength: 200 }), steps => {
    const sessions = new Sessions(12, () => 4)
    const keyOf = (n: number): string => sessionKey(Buffer.alloc(32), `8.8.8.${n % 5}`, n)
    for (const { action, key } of steps) {
      if (action === 'set') sessions.set(keyOf(key), session())
      else if (action === 'get') sessions.get(keyOf(key))
      else sessions.delete(keyOf(key))
      if (sessions.size > 12) return false
    }
    const held = Array.from({ length: 31 }, (_, n) => n).filter(n => sessions.get(keyOf(n)) !== undefined)
    return held.length === sessions.size && [0, 1, 2, 3, 4].every(host => held.filter(n => n % 5 === host).length <= 4)
  }))
  t.pass()
})

t.test('a session whose counter is used up is gone before a nonce repeats', async t => {
  const sessions = new Sessions(3)
  const used = session()
  sessions.set('a', used)
  used.sent = MAX_MESSAGES
  t.equal(sessions.get('a'), undefined)
})

t.test('a new session still reads what the one before it wrote, and only that one', async t => {
  const sessions = new Sessions(3)
  const [first, second, third] = [session(), session(), session()]
  for (const made of [first, second, third]) sessions.set('a', made)
  t.equal(sessions.get('a')?.previousReadKey, second.readKey)
})

t.test('a session belongs to a node ID, an IP and a port', async t => {
  const [a, b] = [randomBytes(32), randomBytes(32)]
  const keys = [sessionKey(a, '1.2.3.4', 1), sessionKey(b, '1.2.3.4', 1), sessionKey(a, '1.2.3.5', 1), sessionKey(a, '1.2.3.4', 2)]
  t.equal(new Set(keys).size, 4)
})

t.test('challenges are bounded and lapse', async t => {
  const challenges = new Challenges(3)
  const challenge = (expiresAt: number) => ({ packet: Buffer.alloc(0), challengeData: Buffer.alloc(0), record: undefined, expiresAt })
  for (const [i, key] of ['a', 'b', 'c', 'd'].entries()) challenges.set(key, challenge(i + 1))
  t.equal(challenges.size, 3)
  t.equal(challenges.get('a', 0), undefined)
  t.ok(challenges.get('b', 1))
  t.equal(challenges.get('b', 2), undefined)
  challenges.sweep(3)
  t.equal(challenges.size, 1)
})

t.test('deadlines run out in their order, each once, whatever was added, moved or done', async t => {
  const steps = fc.array(fc.record({ deadline: fc.integer({ min: 0, max: 50 }), later: fc.option(fc.integer({ min: 0, max: 50 }), { nil: undefined }), isDone: fc.boolean() }), { maxLength: 60 })
  fc.assert(fc.property(steps, steps => {
    const deadlines = new Deadlines<{ deadline: number, isDone: boolean }>()
    const items = steps.map(({ deadline }) => ({ deadline, isDone: false }))
    for (const item of items) deadlines.add(item)
    for (const [i, { later, isDone }] of steps.entries()) {
      const item = items[i] as { deadline: number, isDone: boolean }
      if (later !== undefined && later !== item.deadline) {
        item.deadline = later
        deadlines.add(item)
      }
      item.isDone = isDone
    }
    const seen: Array<{ deadline: number, isDone: boolean }> = []
    for (let now = 0; now <= 50; now++) {
      for (const item of deadlines.expired(now)) {
        if (item.deadline !== now) return false
        seen.push(item)
      }
    }
    return seen.length === items.filter(({ isDone }) => !isDone).length && new Set(seen).size === seen.length && deadlines.size === 0
  }))
  t.pass()
})

t.test('random bytes are given out once', async t => {
  const pool = new RandomPool()
  const pieces = Array.from({ length: 2000 }, () => pool.take(12).toString('hex'))
  t.equal(new Set(pieces).size, 2000)
})
