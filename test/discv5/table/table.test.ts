import t from 'tap'
import { Enr } from '../../../src/discv5/enr/record.ts'
import { isUsable, mayRelay } from '../../../src/discv5/table/addresses.ts'
import { Table } from '../../../src/discv5/table/table.ts'

const SELF = Buffer.alloc(32)
let made = 0

/** A record of a node at `distance` from SELF. */
function at (distance: number, seq = 1n, n = ++made): Enr {
  const id = Buffer.alloc(32)
  id.writeUInt32BE(n, distance > 32 ? 28 : 0)
  const bit = distance - 1
  const byte = 31 - (bit >> 3)
  id[byte] = (id[byte] as number) | 1 << (bit & 7)
  return new Enr(Buffer.alloc(0), { seq, pairs: new Map(), publicKey: Buffer.alloc(33), id })
}

const lan = (port = 1) => ({ ip: '10.0.0.1', port })
const fresh = (random = () => 0) => new Table(SELF, random)
const everyone = () => true

t.test('a bucket holds sixteen; who comes later waits, and takes the place of one that does not answer', async t => {
  const table = fresh()
  const first = at(256)
  t.equal(table.add(first, lan()), 'added')
  for (let i = 1; i < 16; i++) t.equal(table.add(at(256), lan()), 'added')
  const waiting = at(256)
  t.equal(table.add(waiting, lan()), 'replacement')
  t.equal(table.size, 16)
  t.equal(table.get(waiting.nodeId), undefined)
  const entry = table.get(first.nodeId)
  t.ok(entry !== undefined && table.miss(entry))
  t.equal(table.size, 16)
  t.equal(table.get(first.nodeId), undefined)
  t.ok(table.get(waiting.nodeId))
})

t.test('at most ten wait, the latest of them', async t => {
  const picked = fresh(() => 0.999)
  for (let i = 0; i < 16; i++) picked.add(at(256), lan())
  const waiting = Array.from({ length: 15 }, () => at(256))
  for (const record of waiting) picked.add(record, lan())
  for (const entry of picked.entries().slice(0, 16)) picked.remove(entry)
  t.equal(picked.size, 10)
  t.notOk(waiting.slice(0, 5).some(({ nodeId }) => picked.get(nodeId) !== undefined))
})

t.test('only who answered is told to others, in the order of the distances asked for, up to the limit', async t => {
  const table = fresh()
  const live = [at(256), at(255), at(255)]
  for (const record of [...live, at(256)]) table.add(record, lan())
  for (const { nodeId } of live) table.confirm(table.get(nodeId) as never, 5)
  t.strictSame(table.at([255, 256, 255], 16, everyone).map(({ distance }) => distance), [255, 255, 256])
  t.equal(table.at([255, 256], 2, everyone).length, 2)
  t.equal(table.at([1, 2, 3], 16, everyone).length, 0)
  t.equal(table.at([255, 256], 16, () => false).length, 0)
})

t.test('a node that answered often is forgiven a miss, and is asked before others hear of it no longer', async t => {
  const table = fresh()
  const record = at(256)
  table.add(record, lan())
  const entry = table.get(record.nodeId)
  if (entry === undefined) return t.fail()
  for (let i = 0; i < 9; i++) table.confirm(entry, i)
  t.notOk(table.miss(entry))
  t.notOk(table.miss(entry))
  t.ok(table.miss(entry))
})

t.test('two a bucket and ten in all of one /24 and of one /64; LAN and loopback are exempt', async t => {
  for (const ip of [(i: number) => `8.8.8.${i}`, (i: number) => `2001:4860::${i}`]) {
    const table = fresh()
    const results = Array.from({ length: 40 }, (_, i) => table.add(at(256 - (i >> 2)), { ip: ip(i), port: 1 }))
    t.equal(results.filter(result => result === 'added').length, 10)
    t.equal(results.slice(0, 4).filter(result => result === 'added').length, 2)
    const [entry] = table.entries()
    if (entry !== undefined) table.remove(entry)
    t.equal(table.add(at(200), { ip: ip(99), port: 1 }), 'added', 'a place that got free is given again')
  }
  const home = fresh()
  for (let i = 0; i < 16; i++) t.equal(home.add(at(256), { ip: '192.168.0.7', port: i + 1 }), 'added')
  for (let i = 0; i < 16; i++) t.equal(home.add(at(255), { ip: '127.0.0.1', port: i + 1 }), 'added')
})

t.test('a newer record takes the place of the older; at another endpoint the node must answer again', async t => {
  const table = fresh()
  const n = ++made
  table.add(at(256, 5n, n), lan(1))
  const entry = table.get(at(256, 5n, n).nodeId)
  if (entry === undefined) return t.fail()
  table.confirm(entry, 1)
  table.add(at(256, 4n, n), lan(9))
  t.match(entry, { endpoint: { port: 1 }, checks: 1 }, 'an older one changes nothing')
  table.add(at(256, 6n, n), lan(1))
  t.match(entry, { record: { seq: 6n }, checks: 1 })
  table.add(at(256, 7n, n), lan(2))
  t.match(entry, { endpoint: { port: 2 }, checks: 0 })
  t.equal(table.size, 1)
})

t.test('we are not in our own table', async t => {
  const self = new Enr(Buffer.alloc(0), { seq: 1n, pairs: new Map(), publicKey: Buffer.alloc(33), id: SELF })
  t.equal(fresh().add(self, lan()), 'self')
})

t.test('loopback is told to loopback only, LAN to LAN, and what is no address of a host to nobody', async t => {
  for (const [sender, ip, expected] of [
    ['127.0.0.1', '127.0.0.9', true], ['10.0.0.1', '127.0.0.9', false], ['8.8.8.8', '127.0.0.1', false],
    ['192.168.1.1', '10.0.0.1', true], ['127.0.0.1', '10.0.0.1', true], ['8.8.8.8', '10.0.0.1', false], ['8.8.8.8', '9.9.9.9', true],
    ['10.0.0.1', '8.8.8.8', true], ['8.8.8.8', '0.0.0.0', false], ['8.8.8.8', '224.0.0.1', false], ['8.8.8.8', '255.255.255.255', false],
    ['8.8.8.8', '192.0.2.1', false], ['::1', '::1', true], ['2001:4860::1', '::1', false], ['2001:4860::1', 'fe80::1', false], ['2001:4860::1', 'ff02::1', false],
  ] as const) t.equal(mayRelay(sender, ip), expected, `${sender} tells of ${ip}`)
  t.notOk(isUsable({ ip: '8.8.8.8', port: 0 }))
})
