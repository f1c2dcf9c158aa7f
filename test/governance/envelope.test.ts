import fc from 'fast-check'
import t from 'tap'
import { preAuthEncoding } from '@sigstore/core/dist/dsse.js'
import { envelope, pae } from '../../src/governance/envelope.ts'
import { parseGenesis, parseStatement } from '../../src/governance/statement.ts'
import { toSigningKeys } from '../../src/governance/signing.ts'
import { Network, refusal, START } from './fixtures.ts'

t.test('the pre-authentication encoding is that of the DSSE specification', async t => {
  // secure-systems-lab/dsse, protocol.md, test vectors.
  t.equal(pae('http://example.com/HelloWorld', Buffer.from('hello world')).toString(), 'DSSEv1 29 http://example.com/HelloWorld 11 hello world')
})

t.test('it equals that of @sigstore/core for any type and bytes', async t => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), fc.uint8Array(), (type, bytes) => {
    t.ok(pae(type, bytes).equals(preAuthEncoding(type, Buffer.from(bytes))))
  }), { numRuns: 200 })
})

t.test('only the one base64 text of some bytes is taken', async t => {
  const network = new Network()
  const good = network.proposal('policy', { op: 'set', values: { profile: 'strict' } })
  t.equal(refusal(() => envelope(good, 'envelope')), 'accepted')
  const [signature] = good.signatures
  const bad = [
    { ...good, payload: `${good.payload}\n` },
    { ...good, payload: good.payload.replaceAll('=', '') + '====' },
    { ...good, signatures: [{ ...signature, sig: `${signature?.sig ?? ''} ` }] },
    { ...good, extra: 1 },
    { ...good, signatures: {} },
    null, 7, 'text', [], undefined,
  ]
  for (const value of bad) t.equal(refusal(() => envelope(value, 'envelope')), 'gov_schema', JSON.stringify(value)?.slice(0, 60))
  t.equal(refusal(() => envelope({ ...good, signatures: [] }, 'envelope')), 'gov_signature')
  t.equal(refusal(() => envelope({ ...good, signatures: [{ ...signature, sig: 'AAAA' }] }, 'envelope')), 'gov_signature')
})

t.test('a payload is taken in its canonical text only', async t => {
  const network = new Network()
  const good = network.proposal('policy', { op: 'set', values: { profile: 'strict' } })
  const text = Buffer.from(good.payload, 'base64').toString()
  const others = [` ${text}`, text.replace('{', '{"actor":"00",'), text.replace(String(START), `${START}.0`), `\ufeff${text}`, text.slice(0, -1), '']
  for (const other of others) t.equal(refusal(() => parseStatement({ ...good, payload: Buffer.from(other).toString('base64') })), 'gov_schema', other.slice(0, 20))
})

t.test('whatever arrives is parsed or refused with a reason, never worse', async t => {
  const network = new Network()
  const good = network.proposal('policy', { op: 'set', values: { profile: 'strict' } })
  const reasons = new Set<string>()
  fc.assert(fc.property(fc.jsonValue(), value => {
    reasons.add(refusal(() => parseStatement(value)))
    reasons.add(refusal(() => parseStatement({ ...good, payload: Buffer.from(JSON.stringify(value)).toString('base64') })))
    reasons.add(refusal(() => parseGenesis(value)))
  }), { numRuns: 300 })
  const sendAltered = (position: number, byte: number): string => {
    const bytes = Buffer.from(good.payload, 'base64')
    bytes[position % bytes.length] = byte
    const reason = refusal(() => network.send({ ...good, payload: bytes.toString('base64') }))
    network.ledger = new Network().ledger
    return reason
  }
  fc.assert(fc.property(fc.nat(), fc.nat(255), (position, byte) => { reasons.add(sendAltered(position, byte)) }), { numRuns: 100 })
  for (const reason of reasons) t.match(reason, /^(accepted|gov_\w+)$/)
  t.ok(reasons.has('gov_schema'))
  const payload = Buffer.from(good.payload, 'base64').toString()
  t.equal(sendAltered(payload.indexOf('"reason":"') + '"reason":"'.length, 0x58), 'gov_signature', 'a payload that still parses is told by its signature')
})

t.test('the same seeds give the same keys and the same actor', async t => {
  const seeds = { ed25519: Buffer.alloc(32, 1), mlDsa87: Buffer.alloc(32, 2) }
  t.equal(toSigningKeys(seeds).id, toSigningKeys(seeds).id)
  t.not(toSigningKeys(seeds).id, toSigningKeys({ ed25519: seeds.ed25519 }).id)
})
