import fc from 'fast-check'
import t from 'tap'
import { KeyTable } from '../../../../src/kad/provider/store/key-table.ts'

const keyBytes = fc.oneof(fc.uint8Array({ minLength: 1, maxLength: 80 }), fc.integer({ min: 0, max: 40 }).map(id => Uint8Array.of(0x12, 0x20, ...new Array<number>(32).fill(id))))

t.test('it holds what a Map would, whatever is added and deleted in which order', async t => {
  fc.assert(fc.property(fc.array(fc.record({ key: keyBytes, isAdded: fc.boolean() }), { maxLength: 400 }), operations => {
    const table = new KeyTable()
    const model = new Map<string, number>()
    for (const { key, isAdded } of operations) {
      const name = Buffer.from(key).toString('hex')
      const held = model.get(name)
      if (table.find(key) !== (held ?? 0)) return false
      if (isAdded) model.set(name, table.findOrAdd(key))
      else if (held !== undefined) {
        table.delete(held)
        model.delete(name)
      }
    }
    return table.size === model.size && [...model].every(([name, row]) => Buffer.from(table.bytes(row)).toString('hex') === name)
  }))
  t.pass()
})

t.test('a hundred thousand keys are found after it grew, and none after they were deleted', async t => {
  const table = new KeyTable()
  const keyOf = (index: number): Uint8Array => {
    const key = Buffer.alloc(34, 7)
    key.writeUInt32BE(index, 2)
    return key
  }
  const rows = Array.from({ length: 100_000 }, (_, index) => table.findOrAdd(keyOf(index)))
  t.equal(new Set(rows).size, 100_000)
  t.ok(rows.every((row, index) => table.find(keyOf(index)) === row))
  for (const row of rows) table.delete(row)
  t.equal(table.size, 0)
  t.ok(rows.every((_, index) => table.find(keyOf(index)) === 0))
  t.ok(rows.includes(table.findOrAdd(keyOf(0))), 'a row is used again')
})
