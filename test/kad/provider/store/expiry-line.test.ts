import fc from 'fast-check'
import t from 'tap'
import { ExpiryLine } from '../../../../src/kad/provider/store/expiry-line.ts'

const START = Date.UTC(2026, 0, 1)

t.test('rows are taken once they have expired, the earliest second first', async t => {
  const line = new ExpiryLine()
  line.add(1, START + 5000)
  line.add(2, START + 1000)
  line.add(3, START + 3000)
  t.equal(line.takeExpired(START + 999), 0)
  t.equal(line.lagMs(START + 999), 0)
  t.equal(line.lagMs(START + 4500), 3500)
  t.strictSame([line.takeExpired(START + 4500), line.takeExpired(START + 4500), line.takeExpired(START + 4500)], [2, 3, 0])
  t.equal(line.takeExpired(START + 5000), 1)
})

t.test('a row whose time was extended waits for its new time', async t => {
  const line = new ExpiryLine()
  line.add(1, START + 1000)
  line.extend(1, START + 60_000)
  t.equal(line.takeExpired(START + 59_000), 0)
  t.equal(line.takeExpired(START + 60_000), 1)
})

t.test('it answers as a plain list would, whatever is added, extended, removed and taken as time goes by', async t => {
  const operation = fc.record({ kind: fc.constantFrom('add', 'extend', 'remove', 'take'), row: fc.integer({ min: 1, max: 20 }), ms: fc.integer({ min: 0, max: 20_000 }), step: fc.integer({ min: 0, max: 3000 }) })
  fc.assert(fc.property(fc.array(operation, { maxLength: 200 }), operations => {
    const line = new ExpiryLine()
    const model = new Map<number, number>()
    let now = START
    for (const { kind, row, ms, step } of operations) {
      now += step
      const held = model.get(row)
      if (kind === 'add' && held === undefined) {
        line.add(row, now + ms)
        model.set(row, now + ms)
      } else if (kind === 'extend' && held !== undefined) {
        line.extend(row, held + ms)
        model.set(row, held + ms)
      } else if (kind === 'remove' && held !== undefined) {
        line.remove(row)
        model.delete(row)
      } else if (kind === 'take') {
        const due = [...model].filter(([, expiresAt]) => Math.ceil(expiresAt / 1000) * 1000 <= now)
        const taken = line.takeExpired(now)
        if (taken === 0 ? due.length > 0 : !((model.get(taken) ?? Infinity) <= now)) return false
        model.delete(taken)
      }
    }
    return true
  }))
  t.pass()
})
