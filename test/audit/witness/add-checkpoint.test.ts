import fc from 'fast-check'
import t from 'tap'
import { openCheckpoint, parseCheckpoint, signCheckpoint } from '../../../src/audit/format/checkpoint.ts'
import { leafHash } from '../../../src/audit/format/tree.ts'
import { formatRequest, readAnswer, withCosignatures, type Cosignature } from '../../../src/audit/witness/add-checkpoint.ts'
import { only } from '../../patterns.ts'
import { KEYS, NOW, ORIGIN } from '../logs.ts'
import { createWitnessKey, type WitnessKey } from './keys.ts'

const NOTE = Buffer.from(await signCheckpoint({ origin: ORIGIN, size: 7, root: leafHash(Buffer.from('a')) }, KEYS, NOW))
const CHECKPOINT = parseCheckpoint(NOTE)
const [A, B] = [createWitnessKey('a.example'), createWitnessKey('b.example', 0x06)]

const cosignature = (key: WitnessKey, seconds: number): Cosignature => ({ key, timeMs: seconds * 1000, line: key.cosign(CHECKPOINT, seconds) })

t.test('a request has the shape of the tlog-witness specification, and the log\'s own lines', async t => {
  const proof = [leafHash(Buffer.from('x')), leafHash(Buffer.from('y'))]
  const note = withCosignatures(NOTE, CHECKPOINT.text, [cosignature(A, 1)]) ?? NOTE
  t.equal(formatRequest(3, proof, parseCheckpoint(note)), `old 3\n${proof.map(hash => `${Buffer.from(hash).toString('base64')}\n`).join('')}\n${NOTE.toString('utf8')}`)
  t.equal(formatRequest(0, [], CHECKPOINT), `old 0\n\n${NOTE.toString('utf8')}`)
  t.throws(() => formatRequest(1, Array.from({ length: 64 }, () => leafHash(Buffer.from('x'))), CHECKPOINT), RangeError)
})

t.test('whatever a witness answers is cosigned by its keys, a size, or refused', async t => {
  const good = Buffer.from(A.cosign(CHECKPOINT, 5))
  const body = fc.oneof(fc.uint8Array({ maxLength: 400 }), fc.tuple(fc.nat(good.byteLength - 1), fc.nat(255)).map(([at, byte]) => Uint8Array.from(good).fill(byte, at, at + 1)), fc.string({ unit: 'binary', maxLength: 60 }).map(text => Buffer.from(`— ${text}\n`)))
  fc.assert(fc.property(fc.constantFrom(200, 200, 200, 204, 301, 400, 403, 404, 409, 422, 429, 500), fc.option(fc.constantFrom('text/x.tlog.size', 'TEXT/X.TLOG.SIZE ; a=b', '', 'text/html')), body, (status, contentType, body) => {
    const answer = readAnswer({ status, contentType, body }, CHECKPOINT, [A, B])
    if (answer.kind === 'cosigned') return Buffer.compare(body, good) === 0
    return answer.kind === 'conflict' ? Number.isSafeInteger(answer.size) : answer.message.length > 0
  }), { numRuns: 2000 })
  t.match(readAnswer({ status: 200, contentType: null, body: good }, CHECKPOINT, [A]), { kind: 'cosigned', cosignatures: only({ timeMs: 5000 }) })
  t.match(readAnswer({ status: 409, contentType: 'text/x.tlog.size', body: Buffer.from('9007199254740993\n') }, CHECKPOINT, [A]), { why: 'malformed' })
})

t.test('cosignatures come behind the log\'s lines, once a key, and never on another text', async t => {
  const first = withCosignatures(NOTE, CHECKPOINT.text, [cosignature(A, 1)]) ?? NOTE
  const both = withCosignatures(first, CHECKPOINT.text, [cosignature(B, 2)]) ?? NOTE
  const [line] = [cosignature(A, 9)]
  const again = withCosignatures(both, CHECKPOINT.text, [line]) ?? NOTE
  t.ok(again.toString().startsWith(NOTE.toString()), 'what the log signed stays as it was')
  const opened = openCheckpoint(again, ORIGIN, [...KEYS, A, B])
  t.strictSame(opened.signatures.map(({ name }) => name), [ORIGIN, ORIGIN, 'b.example', 'a.example'])
  t.ok(again.toString().endsWith(line.line))
  t.equal(withCosignatures(NOTE, CHECKPOINT.text.replace('7', '8'), [line]), undefined)
  t.equal(withCosignatures(NOTE, CHECKPOINT.text.slice(0, -1), [line]), undefined)
})
