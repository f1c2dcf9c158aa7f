import { createRequire } from 'node:module'
import t from 'tap'
import { decodeToken, encodeToken, encodeV2 } from '../../../src/auth/macaroon/codec.ts'
import { attenuate, attenuateByThirdParty, bindDischarge, type Macaroon, MacaroonError, mintMacaroon, verifyMacaroon } from '../../../src/auth/macaroon/macaroon.ts'

// npm macaroon, which brings its own cryptography, as a judge of ours, and ours of its: third-party caveats, whoever made which part.

interface Theirs {
  readonly signature: Uint8Array
  addFirstPartyCaveat (condition: string): void
  addThirdPartyCaveat (key: Uint8Array, identifier: string, location: string): void
  bindToRoot (signature: Uint8Array): void
  verify (key: Uint8Array, check: (condition: string) => string | null, discharges?: readonly Theirs[]): void
  exportBinary (): Uint8Array
}
interface Npm {
  newMacaroon (fields: { readonly identifier: string, readonly location: string, readonly rootKey: Uint8Array, readonly version: 2 }): Theirs
  importMacaroon (bytes: Uint8Array): Theirs
}
const npm = createRequire(import.meta.url)('macaroon') as Npm

const KEY = Buffer.from('this is the key')
const CAVEAT_KEY = Buffer.from('caveat key')
const INNER_KEY = Buffer.from('inner key')
const IDENTIFIER = 'v1:0123456789abcdef:00112233445566778899aabbccddeeff'

/** Who makes a part: the same part, by either library, in bytes. */
interface Maker {
  root (): Uint8Array
  discharge (isNested?: boolean): Uint8Array
  inner (): Uint8Array
  bind (root: Uint8Array, discharge: Uint8Array): Uint8Array
}

const bytesOf = (macaroon: Macaroon): Uint8Array => encodeV2(macaroon)
const read = (bytes: Uint8Array): Macaroon => decodeToken(Buffer.from(bytes).toString('base64url'))
const says = (macaroon: Macaroon, condition: string): Macaroon => attenuate(macaroon, Buffer.from(condition))

const OURS: Maker = {
  root: () => bytesOf(attenuateByThirdParty(says(mintMacaroon(KEY, Buffer.from(IDENTIFIER), 'svc-dht'), 'service=svc-dht'), CAVEAT_KEY, Buffer.from('who'), 'https://idp.example')),
  discharge: (isNested = false) => {
    const discharge = says(mintMacaroon(CAVEAT_KEY, Buffer.from('who'), 'https://idp.example'), 'aud=x')
    return bytesOf(isNested ? attenuateByThirdParty(discharge, INNER_KEY, Buffer.from('how'), 'https://mfa.example') : discharge)
  },
  inner: () => bytesOf(mintMacaroon(INNER_KEY, Buffer.from('how'), 'https://mfa.example')),
  bind: (root, discharge) => bytesOf(bindDischarge(read(root), read(discharge))),
}

function theirs (identifier: string, location: string, rootKey: Uint8Array, condition?: string): Theirs {
  const macaroon = npm.newMacaroon({ identifier, location, rootKey, version: 2 })
  if (condition !== undefined) macaroon.addFirstPartyCaveat(condition)
  return macaroon
}

const THEIRS: Maker = {
  root: () => {
    const root = theirs(IDENTIFIER, 'svc-dht', KEY, 'service=svc-dht')
    root.addThirdPartyCaveat(CAVEAT_KEY, 'who', 'https://idp.example')
    return root.exportBinary()
  },
  discharge: (isNested = false) => {
    const discharge = theirs('who', 'https://idp.example', CAVEAT_KEY, 'aud=x')
    if (isNested) discharge.addThirdPartyCaveat(INNER_KEY, 'how', 'https://mfa.example')
    return discharge.exportBinary()
  },
  inner: () => theirs('how', 'https://mfa.example', INNER_KEY).exportBinary(),
  bind: (root, discharge) => {
    const bound = npm.importMacaroon(discharge)
    bound.bindToRoot(npm.importMacaroon(root).signature)
    return bound.exportBinary()
  },
}

/** What each library makes of a root and its discharges: the conditions, in the order of their text, or that it does not believe them. */
function judgements (root: Uint8Array, discharges: readonly Uint8Array[], key: Uint8Array = KEY): ReadonlyArray<readonly string[] | 'refused'> {
  const we = (): readonly string[] | 'refused' => {
    try {
      return verifyMacaroon(read(root), key, discharges.map(read)).map(condition => Buffer.from(condition).toString()).sort()
    } catch (err) {
      if (!(err instanceof MacaroonError)) throw err
      return 'refused'
    }
  }
  const they = (): readonly string[] | 'refused' => {
    const met: string[] = []
    try {
      npm.importMacaroon(root).verify(key, condition => { met.push(condition); return null }, discharges.map(bytes => npm.importMacaroon(bytes)))
      return met.sort()
    } catch {
      return 'refused'
    }
  }
  return [we(), they()]
}

const BOTH = { ours: OURS, theirs: THEIRS }
const CONDITIONS = ['aud=x', 'service=svc-dht']

for (const [rootOf, rootMaker] of Object.entries(BOTH)) {
  for (const [dischargeOf, dischargeMaker] of Object.entries(BOTH)) {
    for (const [boundBy, binder] of Object.entries(BOTH)) {
      t.test(`both believe a root of ${rootOf} with a discharge of ${dischargeOf}, bound by ${boundBy}, and nothing less`, async t => {
        const root = rootMaker.root()
        const discharge = dischargeMaker.discharge()
        const bound = binder.bind(root, discharge)
        t.strictSame(judgements(root, [bound]), [CONDITIONS, CONDITIONS])

        const nested = binder.bind(root, dischargeMaker.discharge(true))
        const inner = binder.bind(root, dischargeMaker.inner())
        t.strictSame(judgements(root, [nested, inner]), [CONDITIONS, CONDITIONS], 'a discharge of a discharge')

        const elsewhere = binder.bind(rootMaker.root(), discharge) // its caveat is sealed anew, so it is another root
        const stripped = bytesOf({ ...read(bound), caveats: [] })
        for (const [what, discharges] of Object.entries({
          none: [], 'not bound': [discharge], 'bound to another root': [elsewhere], twice: [bound, bound], 'without its condition': [stripped], 'a nested one alone': [nested],
        })) t.strictSame(judgements(root, discharges), ['refused', 'refused'], what)
        t.strictSame(judgements(root, [bound], Buffer.from('another key')), ['refused', 'refused'], 'another key')
      })
    }
  }
}

t.test('what both write without third parties is the same in every byte', async t => {
  const first = theirs(IDENTIFIER, 'svc-dht', KEY, 'service=svc-dht')
  t.equal(Buffer.from(first.exportBinary()).toString('base64url'), encodeToken(says(mintMacaroon(KEY, Buffer.from(IDENTIFIER), 'svc-dht'), 'service=svc-dht')))
  t.strictSame(Buffer.from(THEIRS.discharge()), Buffer.from(OURS.discharge()))
  const root = OURS.root()
  t.strictSame(Buffer.from(THEIRS.bind(root, OURS.discharge())), Buffer.from(OURS.bind(root, OURS.discharge())), 'a bound one too')
})
