import { Key } from 'interface-datastore'
import t from 'tap'
import { BoundedDatastore } from '../../src/kad/bounded-datastore.ts'

const value = Uint8Array.of(1)
const keys = ['a', 'b', 'c'].map(name => new Key(`/peers/${name}`))
const [a, b, c] = keys as [Key, Key, Key]

t.test('the entry written longest ago makes room', async t => {
  const store = new BoundedDatastore(2)
  for (const key of [a, b, a, c]) store.put(key, value)
  t.strictSame(keys.map(key => store.has(key)), [true, false, true])
})

t.test('a deleted entry leaves its place', async t => {
  const store = new BoundedDatastore(2)
  store.put(a, value)
  store.put(b, value)
  store.delete(a)
  store.put(c, value)
  t.strictSame(keys.map(key => store.has(key)), [false, true, true])
})
