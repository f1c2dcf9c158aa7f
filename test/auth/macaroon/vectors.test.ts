import { readFileSync } from 'node:fs'
import t from 'tap'
import { decodeToken, encodeToken } from '../../../src/auth/macaroon/codec.ts'
import { attenuate, attenuateByThirdParty, bindDischarge, mintMacaroon, verifyMacaroon } from '../../../src/auth/macaroon/macaroon.ts'

interface Vectors {
  readonly location: string
  readonly key: string
  readonly caveat_key: string
  readonly identifier: string
  readonly conditions: readonly string[]
  readonly third_party: { readonly location: string, readonly identifier: string }
  /** `third` has a nonce of chance in its caveat; `discharge` is bound to it. */
  readonly tokens: ReadonlyArray<{ readonly form: 'V1' | 'V2', readonly first: string, readonly third: string, readonly discharge: string }>
}

const NONCE_BYTES = 24
const vectors = JSON.parse(readFileSync(new URL('../../vectors/macaroons.json', import.meta.url), 'utf8')) as Vectors
const [key, caveatKey, identifier, who] = [vectors.key, vectors.caveat_key, vectors.identifier, vectors.third_party.identifier].map(text => Buffer.from(text)) as [Buffer, Buffer, Buffer, Buffer]

for (const { form, first, third, discharge } of vectors.tokens) {
  const version = form === 'V1' ? 1 : 2

  t.test(`${form}: what we mint, narrow, seal and bind has the bytes of another implementation`, async t => {
    const ours = vectors.conditions.reduce((macaroon, condition) => attenuate(macaroon, Buffer.from(condition)), mintMacaroon(key, identifier, vectors.location))
    t.equal(encodeToken(ours, version), first)
    const nonce = decodeToken(third).caveats.at(-1)?.thirdParty?.verificationId.subarray(0, NONCE_BYTES)
    const sealed = attenuateByThirdParty(ours, caveatKey, who, vectors.third_party.location, nonce)
    t.equal(encodeToken(sealed, version), third)
    t.equal(encodeToken(bindDischarge(sealed, mintMacaroon(caveatKey, who, vectors.third_party.location)), version), discharge)
  })

  t.test(`${form}: its tokens verify under their key alone, with every condition`, async t => {
    for (const conditions of [verifyMacaroon(decodeToken(first), key), verifyMacaroon(decodeToken(third), key, [decodeToken(discharge)])]) {
      t.same(conditions.map(condition => Buffer.from(condition).toString()), vectors.conditions)
    }
    t.throws(() => verifyMacaroon(decodeToken(first), caveatKey), /wrong signature/)
  })
}
