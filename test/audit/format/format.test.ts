import fc from 'fast-check'
import t from 'tap'
import { openCheckpoint, parseCheckpoint, signCheckpoint } from '../../../src/audit/format/checkpoint.ts'
import { encodeEntry, parseEntry } from '../../../src/audit/format/entry.ts'
import { formatVerifierKey, isSignature, parseNote, parseVerifierKey } from '../../../src/audit/format/note.ts'
import { parseProofFile } from '../../../src/audit/format/proof-file.ts'
import { decodeBundle, newTiles, parseTilePath, tilePath } from '../../../src/audit/format/tile.ts'
import { CompactRange, consistencyProof, inclusionProof, isConsistent, leafHash, nodeHash, rangeHash, rootFromInclusion, type Hash, type SubtreeReader } from '../../../src/audit/format/tree.ts'
import { action, KEYS, NOW, ORIGIN } from '../logs.ts'

const VKEY = 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k'
const NOTE = 'This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n'

t.test('the example of the signed-note specification verifies', async t => {
  const key = parseVerifierKey(VKEY)
  t.equal(formatVerifierKey(key), VKEY)
  const { text, signatures } = parseNote(Buffer.from(NOTE))
  t.ok(isSignature(key, Buffer.from(text), signatures[0]?.signature ?? new Uint8Array()))
  t.notOk(isSignature(key, Buffer.from(`${text}x`), signatures[0]?.signature ?? new Uint8Array()))
})

t.test('tiles are named and counted as tlog-tiles says', async t => {
  t.equal(tilePath({ level: 3, index: 1234067, width: 256 }), 'tile/3/x001/x234/067')
  const tiles = newTiles(0, 70_000)
  t.strictSame([0, 1, 2].map(level => tiles.filter(tile => tile.level === level && tile.width === 256).length), [273, 1, 0])
  t.strictSame(tiles.filter(({ width }) => width !== 256).map(({ level, width }) => [level, width]), [[0, 112], [1, 17], [2, 1]])
  for (const path of ['tile/00/000', 'tile/0/x000/001', 'tile/64/000', 'tile/0/000.p/0', 'tile/0/000.p/256', 'tile/0/../000', 'tile/0/1']) t.equal(parseTilePath(path), undefined, path)
})

t.test('every leaf of every small tree has a proof, every two trees are shown consistent, and a wrong one is not', async t => {
  const nodes = new Map<string, Hash>()
  const read: SubtreeReader = (level, index) => nodes.get(`${level}/${index}`) ?? leafHash(Buffer.from('none'))
  const range = new CompactRange()
  const roots = [range.root()]
  for (let size = 1; size <= 40; size++) {
    range.append(leafHash(Buffer.from(String(size - 1))), (level, index, hash) => nodes.set(`${level}/${index}`, hash))
    roots.push(range.root())
  }
  for (let size = 1; size <= 40; size++) {
    const root = roots[size] ?? new Uint8Array()
    t.strictSame(Buffer.from(await rangeHash(0, size, read)), Buffer.from(root))
    for (let index = 0; index < size; index++) {
      const proof = await inclusionProof(index, size, read)
      const good = rootFromInclusion(leafHash(Buffer.from(String(index))), index, size, proof)
      if (good === undefined || Buffer.compare(good, root) !== 0) t.fail(`${index} in ${size}`)
      const bad = rootFromInclusion(leafHash(Buffer.from('other')), index, size, proof)
      if (bad === undefined || Buffer.compare(bad, root) === 0) t.fail(`another leaf at ${index} in ${size}`)
    }
    for (let from = 0; from <= size; from++) {
      const [old, proof] = [roots[from] ?? new Uint8Array(), await consistencyProof(from, size, read)]
      if (!isConsistent(from, old, size, root, proof)) t.fail(`${from} → ${size}`)
      if (isConsistent(from, nodeHash(old, old), size, root, proof)) t.fail(`another history ${from} → ${size}`)
    }
  }
})

t.test('a checkpoint has both signatures, is opened by either key, and by nobody else\'s origin', async t => {
  const bytes = Buffer.from(await signCheckpoint({ origin: ORIGIN, size: 7, root: leafHash(new Uint8Array()) }, KEYS, NOW))
  for (const key of KEYS) t.strictSame(openCheckpoint(bytes, ORIGIN, [key]).signedBy.map(({ type }) => type), [key.type])
  t.equal(openCheckpoint(bytes, ORIGIN, KEYS).signedAtMs, Math.floor(NOW / 1000) * 1000)
  t.throws(() => openCheckpoint(bytes, 'example.com/other', KEYS), /is of the log/)
  t.throws(() => openCheckpoint(bytes, ORIGIN, [parseVerifierKey(VKEY)]), /no signature by a trusted key/)
})

t.test('an entry has one form: an unknown field, another schema and another spelling are refused', async t => {
  const bytes = encodeEntry(action(1), { seq: 0, tsMs: NOW, prev: '' })
  t.match(parseEntry(bytes), { seq: 0, actor: 'ops-1', prev: '' })
  const entry = JSON.parse(Buffer.from(bytes).toString()) as Record<string, unknown>
  t.throws(() => parseEntry(Buffer.from(JSON.stringify({ ...entry, extra: 1 }))), /unknown field/)
  t.throws(() => parseEntry(Buffer.from(JSON.stringify({ ...entry, schema: 'svc-dht/audit/2' }))), /not known to this version/)
  t.throws(() => parseEntry(Buffer.from(JSON.stringify(entry, null, 1))), /not canonical/)
})

t.test('no bytes bring a decoder down: it returns a value or throws an error of ours', async t => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), bytes => {
    for (const decode of [parseNote, parseCheckpoint, parseEntry, parseProofFile]) t.throws(() => decode(bytes), Error)
    const { entries, rest } = decodeBundle(bytes)
    return entries.reduce((sum, { byteLength }) => sum + 2 + byteLength, rest) === bytes.byteLength
  }), { numRuns: 300 })
})
