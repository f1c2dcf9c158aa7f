import fc from 'fast-check'
import t from 'tap'
import { fromMapKey, toMapKey } from '../../src/core/map-key.ts'

t.test('any bytes come back as they were, and only equal ones meet', async t => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), fc.uint8Array({ maxLength: 80 }), (a, b) =>
    Buffer.compare(fromMapKey(toMapKey(a)), a) === 0 && (toMapKey(a) === toMapKey(b)) === (Buffer.compare(a, b) === 0)))
  t.equal(toMapKey(Uint8Array.of(1, 2, 3, 4).subarray(1, 3)), '\u0002\u0003', 'a view is its own bytes')
})
