import fc from 'fast-check'
import t from 'tap'
import { holds, parsePredicate } from '../../src/core/record-predicate.ts'

const NOW = Date.parse('2026-11-21T00:00:00Z')
const pairs = (values: Record<string, string>) => new Map(Object.entries(values).map(([key, hex]) => [key, Uint8Array.from(Buffer.from(hex, 'hex'))]))
const passes = (text: string, values: Record<string, string>, now = NOW) => holds(parsePredicate(text), pairs(values), now)

t.test('a key must be there', async t => {
  t.equal(passes('tcp', { tcp: '' }), true)
  t.equal(passes('tcp', { tcp6: '1f90' }), false)
})

t.test('a value must be equal, as hex or as text', async t => {
  t.equal(passes('opstack=0x0102', { opstack: '0102' }), true)
  t.equal(passes('opstack=0x0102', { opstack: '010203' }), false)
  t.equal(passes('id=v4', { id: Buffer.from('v4').toString('hex') }), true)
  t.equal(passes('id=0x', { id: '' }), true)
})

t.test('the first bits must match, and the rest may not', async t => {
  t.equal(passes('attnets^=0xff80/9', { attnets: 'ff8f' }), true)
  t.equal(passes('attnets^=0xff80/9', { attnets: 'ff0f' }), false)
  t.equal(passes('attnets^=0xff80/9', { attnets: 'ff' }), false)
  t.equal(passes('attnets^=0xff/8', { attnets: 'ff00' }), true)
})

t.test('eth2: the fork digest is the first four bytes', async t => {
  t.equal(passes('eth2~=6a95a1a9', { eth2: '6a95a1a904000000ffffffffffffffff' }), true)
  t.equal(passes('eth2~=6a95a1a9', { eth2: 'b5303f2a04000000ffffffffffffffff' }), false)
  t.equal(passes('eth2~=6a95a1a9', { eth2: '6a95a1' }), false)
})

t.test('eth: the fork hash is the first string of the list of lists', async t => {
  t.equal(passes('eth~=fc64ec04', { eth: 'c7c684fc64ec0480' }), true)
  t.equal(passes('eth~=fc64ec04', { eth: 'c984fc64ec0480' }), false)
  t.equal(passes('eth~=fc64ec04', { eth: 'c7c684fc64ec04' }), false)
  t.equal(passes('eth~=fc64ec04', { eth: 'fc64ec04' }), false)
})

t.test('a fork that is over is accepted until its grace ends', async t => {
  const text = 'eth2~=6a95a1a9|b5303f2a@2026-11-21T01:00:00Z'
  const old = { eth2: 'b5303f2a04000000ffffffffffffffff' }
  t.equal(passes(text, old, NOW), true)
  t.equal(passes(text, old, NOW + 3_599_999), true)
  t.equal(passes(text, old, NOW + 3_600_000), false)
  t.equal(passes(text, { eth2: '6a95a1a904000000ffffffffffffffff' }, NOW + 3_600_000), true)
})

t.test('a text that is no predicate is refused with what would be', async t => {
  for (const text of ['', ' ', '=0x', 'tcp^=0xff', 'tcp^=0xff/0', 'tcp^=0xff/9', 'eth2~=', 'eth2~=6a95', 'eth2~=6a95a1a9@tomorrow', 'eth3~=6a95a1a9', 'a b']) {
    t.throws(() => parsePredicate(text), Error, text)
  }
})

t.test('no value makes a predicate throw', async () => {
  const texts = ['eth', 'eth=0x01', 'eth^=0xffff/13', 'eth~=fc64ec04', 'eth2~=6a95a1a9|b5303f2a@2026-12-01T00:00:00Z']
  fc.assert(fc.property(fc.constantFrom(...texts), fc.uint8Array({ maxLength: 300 }), (text, value) => {
    return typeof holds(parsePredicate(text), new Map([['eth', value], ['eth2', value]]), NOW) === 'boolean'
  }))
})
