import { execFileSync } from 'node:child_process'
import { createRequire } from 'node:module'
import fc from 'fast-check'
import t from 'tap'
import { decodeMacaroon, decodeToken, encodeToken, encodeV1, encodeV2 } from '../../../src/auth/macaroon/codec.ts'
import { encodeJson } from '../../../src/auth/macaroon/json.ts'
import { attenuate, attenuateByThirdParty, bindDischarge, MacaroonError, MAX_CAVEATS, mintMacaroon, verifyMacaroon } from '../../../src/auth/macaroon/macaroon.ts'

interface NpmMacaroon { exportBinary (): Uint8Array, exportJSON (): unknown, verify (key: Uint8Array, check: (text: string) => string | null): void }
const npm = createRequire(import.meta.url)('macaroon') as { importMacaroon (from: unknown): NpmMacaroon }

const KEY = Buffer.from('this is the key')
const id = Buffer.from('v1:00:11')
const minted = attenuate(attenuate(mintMacaroon(KEY, id, 'svc-dht'), Buffer.from('service=svc-dht')), Buffer.from('verbs in read,write'))
const texts = (conditions: Uint8Array[]) => conditions.map(condition => Buffer.from(condition).toString())

t.test('a macaroon comes back from every form as it was, and verifies', async t => {
  for (const token of [encodeToken(minted, 1), encodeToken(minted), encodeJson(minted), Buffer.from(encodeV2(minted)).toString('base64')]) {
    t.same(texts(verifyMacaroon(decodeToken(token), KEY)), ['service=svc-dht', 'verbs in read,write'])
  }
})

t.test('a stripped, added, changed or swapped caveat does not verify, nor another key', async t => {
  const [first, second] = minted.caveats
  const lists = [[first], [second, first], [first, second, { identifier: Buffer.from('x=1') }], [first, { identifier: Buffer.from('verbs=read') }], []]
  for (const caveats of lists) t.throws(() => verifyMacaroon({ ...minted, caveats: caveats.filter(caveat => caveat !== undefined) }, KEY), MacaroonError)
  t.throws(() => verifyMacaroon(minted, Buffer.from('another key')), MacaroonError)
})

t.test('a discharge serves once, bound to its root, with its own conditions', async t => {
  const root = attenuateByThirdParty(minted, Buffer.from('caveat key'), Buffer.from('who'), 'https://idp.example')
  const discharge = attenuate(mintMacaroon(Buffer.from('caveat key'), Buffer.from('who'), ''), Buffer.from('aud=x'))
  const bound = bindDischarge(root, discharge)
  const sent = decodeToken(encodeToken(root, 1))
  t.same(texts(verifyMacaroon(sent, KEY, [decodeToken(encodeToken(bound))])), ['service=svc-dht', 'verbs in read,write', 'aud=x'])
  const other = bindDischarge(minted, discharge)
  const forged = bindDischarge(root, mintMacaroon(Buffer.from('guess'), Buffer.from('who'), ''))
  const stray = mintMacaroon(KEY, Buffer.from('stray'), '')
  for (const discharges of [[], [discharge], [other], [forged], [bound, bound], [bound, stray]]) {
    t.throws(() => verifyMacaroon(sent, KEY, discharges), MacaroonError)
  }
})

t.test('a discharge of a discharge is bound to the root as well', async t => {
  const root = attenuateByThirdParty(minted, Buffer.from('k1'), Buffer.from('one'), 'a')
  const one = attenuateByThirdParty(mintMacaroon(Buffer.from('k1'), Buffer.from('one'), ''), Buffer.from('k2'), Buffer.from('two'), 'b')
  const two = mintMacaroon(Buffer.from('k2'), Buffer.from('two'), '')
  t.equal(verifyMacaroon(root, KEY, [bindDischarge(root, one), bindDischarge(root, two)]).length, 2)
  t.throws(() => verifyMacaroon(root, KEY, [bindDischarge(root, one), bindDischarge(one, two)]), MacaroonError)
})

t.test('64 caveats are read, 65 are not', async t => {
  let full = mintMacaroon(KEY, id, '')
  for (let i = 0; i < MAX_CAVEATS; i++) full = attenuate(full, Buffer.from('a=1'))
  const tooMany = { ...full, caveats: [...full.caveats, { identifier: Buffer.from('a=1') }] }
  t.equal(decodeMacaroon(encodeV2(full)).caveats.length, MAX_CAVEATS)
  t.throws(() => attenuate(full, Buffer.from('a=1')), MacaroonError)
  for (const bytes of [encodeV1(tooMany), encodeV2(tooMany)]) t.throws(() => decodeMacaroon(bytes), /too many caveats/)
  t.throws(() => decodeToken(encodeJson(tooMany)), MacaroonError)
})

t.test('cut off anywhere, or with a byte after it, it is no macaroon', async t => {
  for (const bytes of [encodeV1(minted), encodeV2(minted)]) {
    for (let size = 0; size < bytes.length; size++) t.throws(() => decodeMacaroon(bytes.subarray(0, size)), MacaroonError)
    t.throws(() => decodeMacaroon(Buffer.concat([bytes, Buffer.from([0])])), MacaroonError)
  }
})

t.test('malformed tokens are refused', async t => {
  const s = 'A'.repeat(43)
  const malformed = [
    '', '{', '{}', '[]', 'null', '!', 'A', 'AB', 'Ag=A', '====', 'x'.repeat(9000), `{"v":1,"i":"a","s64":"${s}"}`, `{"v":2,"i":"a","i64":"YQ","s64":"${s}"}`,
    `{"v":2,"i":"a","s":"x","s64":"${s}"}`, `{"v":2,"i":"a","s64":"${s}","x":1}`, `{"v":2,"i":1,"s64":"${s}"}`, `{"v":2,"s64":"${s}"}`, '{"v":2,"i":"a"}',
    `{"v":2,"i":"a","i":"b","s64":"${s}"}`, `{"v":2,"i":"a","c":{},"s64":"${s}"}`, `{"v":2,"i":"a","c":[1],"s64":"${s}"}`, `{"v":2,"i":"a","c":[{"i":"b","l":"x"}],"s64":"${s}"}`,
    `{"v":2,"i":"a","l":1,"s64":"${s}"}`, `{"v":2,"i":"a","s64":"${s}A"}`, `{"v":2,"i":"a","c":[{"i":"b","y":1}],"s64":"${s}"}`, `{"v":2,"i":"a","c":[null],"s64":"${s}"}`,
    ...['02', '0200', '020000', '0202016100', '020201610000', '02020161000006', '0202016100000601ff', '020201610101620000', '02020161020162000006', '0202806100', '0202ff7f',
      '02028100610000', '0101', '03', '0202016100010161020162000006', '0202016100020162040163060000'].map(hex => Buffer.from(hex, 'hex').toString('base64url')),
    ...['0000', '0004', '0005\n', '000Fidentifier x\n', '000fidentifier\n', '0012location abcd\n', '0012location abcdX'].map(text => Buffer.from(text).toString('base64url')),
  ]
  t.ok(malformed.length > 40)
  for (const token of malformed) t.throws(() => decodeToken(token), MacaroonError, token)
})

t.test('no bytes or text bring a decoder down', async () => {
  const holds = (decode: () => unknown) => {
    try { decode() } catch (err) { return err instanceof MacaroonError }
    return true
  }
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), bytes => holds(() => decodeMacaroon(bytes)) && holds(() => decodeMacaroon(Buffer.concat([Buffer.from([2]), bytes])))))
  fc.assert(fc.property(fc.string(), text => holds(() => decodeToken(text)) && holds(() => decodeToken(`{${text}`))))
  fc.assert(fc.property(fc.json(), text => holds(() => decodeToken(text))))
  fc.assert(fc.property(fc.nat({ max: encodeV2(minted).length - 1 }), fc.integer({ min: 1, max: 255 }), (at, mask) => {
    const bytes = Buffer.from(encodeV2(minted))
    bytes[at] = (bytes[at] ?? 0) ^ mask
    try {
      const { identifier, location } = decodeMacaroon(bytes)
      const conditions = texts(verifyMacaroon(decodeMacaroon(bytes), KEY))
      return location !== 'svc-dht' && Buffer.from(identifier).equals(id) && conditions.join() === 'service=svc-dht,verbs in read,write' // a location is not signed
    } catch (err) {
      return err instanceof MacaroonError
    }
  }))
})

t.test('npm macaroon writes the same bytes and believes ours', async t => {
  const theirs = npm.importMacaroon(encodeV2(minted))
  theirs.verify(KEY, () => null)
  t.same(Buffer.from(theirs.exportBinary()), Buffer.from(encodeV2(minted)))
  t.same(texts(verifyMacaroon(decodeToken(JSON.stringify(theirs.exportJSON())), KEY)).length, 2)
})

const PY = `
import sys
from pymacaroons import Macaroon, Verifier, MACAROON_V1, MACAROON_V2
for v, token in ((MACAROON_V1, sys.argv[1]), (MACAROON_V2, sys.argv[2])):
    m = Macaroon(location='svc-dht', identifier='v1:00:11' if v == MACAROON_V1 else b'v1:00:11', key='this is the key', version=v)
    m.add_first_party_caveat('service=svc-dht'); m.add_first_party_caveat('verbs in read,write')
    print(m.serialize())
    c = Verifier(); c.satisfy_general(lambda p: True)
    assert c.verify(Macaroon.deserialize(token), 'this is the key')
r = Macaroon(location='svc-dht', identifier='v1:00:11', key='this is the key', version=MACAROON_V1)
r.add_third_party_caveat('idp', 'caveat key', 'who')
d = Macaroon(location='idp', identifier='who', key='caveat key', version=MACAROON_V1)
print(r.serialize()); print(r.prepare_for_request(d).serialize())
o, od = Macaroon.deserialize(sys.argv[3]), Macaroon.deserialize(sys.argv[4])
c = Verifier(); c.satisfy_general(lambda p: True)
assert c.verify(o, 'this is the key', discharge_macaroons=[od])
`

t.test('pymacaroons writes the same bytes, believes ours, and its discharges serve', { skip: !hasPymacaroons() && 'python3-pymacaroons is not installed' }, async t => {
  const root = attenuateByThirdParty(minted, Buffer.from('caveat key'), Buffer.from('who'), 'idp')
  const bound = bindDischarge(root, mintMacaroon(Buffer.from('caveat key'), Buffer.from('who'), 'idp'))
  const tokens = [encodeToken(minted, 1), encodeToken(minted), encodeToken(root, 1), encodeToken(bound, 1)]
  const [v1, v2, theirRoot = '', theirDischarge = ''] = execFileSync('/usr/bin/python3', ['-c', PY, ...tokens], { encoding: 'utf8' }).trim().split('\n')
  t.equal(v1, tokens[0])
  t.equal(v2, tokens[1])
  t.same(verifyMacaroon(decodeToken(theirRoot), KEY, [decodeToken(theirDischarge)]), [])
})

function hasPymacaroons (): boolean {
  try {
    execFileSync('/usr/bin/python3', ['-c', 'import pymacaroons'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
