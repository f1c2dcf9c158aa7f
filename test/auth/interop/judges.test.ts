import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { decodeToken, encodeToken } from '../../../src/auth/macaroon/codec.ts'
import { encodeJson } from '../../../src/auth/macaroon/json.ts'
import { attenuate, attenuateByThirdParty, bindDischarge, type Macaroon, mintMacaroon, verifyMacaroon } from '../../../src/auth/macaroon/macaroon.ts'

interface Judge {
  readonly name: string
  readonly command: readonly [string, ...string[]]
  readonly forms: readonly Form[]
  /** Why it cannot judge here; false when it can. */
  readonly missing: string | false
}
type Form = 'V1' | 'V2' | 'V2 JSON'
interface Verdicts { readonly verified: readonly boolean[], readonly minted: ReadonlyArray<{ readonly form: string, readonly first: string, readonly third: string, readonly discharge: string }> }

const KEY = 'this is the key'
const CAVEAT_KEY = 'caveat key'
const IDENTIFIER = 'v1:0123456789abcdef:00112233445566778899aabbccddeeff'
const CONDITIONS = ['service=svc-dht', 'verbs in read,write']

const first = CONDITIONS.reduce((macaroon, condition) => attenuate(macaroon, Buffer.from(condition)), mintMacaroon(Buffer.from(KEY), Buffer.from(IDENTIFIER), 'svc-dht'))
const third = attenuateByThirdParty(first, Buffer.from(CAVEAT_KEY), Buffer.from('who'), 'idp')
const discharge = mintMacaroon(Buffer.from(CAVEAT_KEY), Buffer.from('who'), 'idp')
const WRITE: Readonly<Record<Form, (macaroon: Macaroon) => string>> = { V1: macaroon => encodeToken(macaroon, 1), V2: macaroon => encodeToken(macaroon), 'V2 JSON': encodeJson }

const GO = '/usr/local/go/bin/go'
const GO_ENV = { GO111MODULE: 'off', GOPATH: '/usr/share/gocode', GOCACHE: join(tmpdir(), 'svc-dht-go-cache'), GOFLAGS: '' }
const script = (name: string) => join(import.meta.dirname, name)
const fails = (command: string, ...args: string[]) => spawnSync(command, args, { stdio: 'ignore' }).status !== 0
const goCommand = existsSync(GO) ? GO : 'go'

const JUDGES: readonly Judge[] = [
  {
    name: 'pymacaroons',
    command: ['/usr/bin/python3', script('pymacaroons_judge.py')],
    forms: ['V1', 'V2', 'V2 JSON'],
    missing: fails('/usr/bin/python3', '-c', 'import pymacaroons') && 'python3-pymacaroons is not installed',
  },
  {
    name: 'libmacaroons',
    command: ['/usr/bin/python3', script('libmacaroons_judge.py')],
    forms: ['V1'],
    missing: fails('/usr/bin/python3', '-c', 'import ctypes; ctypes.CDLL("libmacaroons.so.0")') && 'libmacaroons0 is not installed',
  },
  {
    name: 'go macaroon.v2',
    command: [goCommand, 'run', script('go_judge.go')],
    forms: ['V1', 'V2', 'V2 JSON'],
    missing: (fails(goCommand, 'version') || !existsSync('/usr/share/gocode/src/gopkg.in/macaroon.v2')) && 'golang-gopkg-macaroon.v2-dev is not installed',
  },
]

t.setTimeout(180_000)

for (const { name, command: [program, ...args], forms, missing } of JUDGES) {
  t.test(`${name} believes our tokens and discharges, none that was tampered with, and we believe its`, { skip: missing }, async t => {
    const tokens = forms.flatMap(form => tokensAs(WRITE[form]))
    const input = JSON.stringify({ key: KEY, caveat_key: CAVEAT_KEY, identifier: IDENTIFIER, conditions: CONDITIONS, tokens: tokens.map(({ sent }) => sent) })
    const { verified, minted } = JSON.parse(execFileSync(program, args, { input, encoding: 'utf8', env: { ...GO_ENV, HOME: tmpdir(), PATH: '/usr/bin:/bin' } })) as Verdicts
    t.same(verified, tokens.map(({ isGood }) => isGood))
    t.ok(minted.length > 0)
    for (const { form, first: theirs, third: theirThird, discharge: theirDischarge } of minted) {
      t.equal(theirs.replace(/=+$/, ''), WRITE[form as Form](first), `${form}: the same bytes`)
      t.equal(verifyMacaroon(decodeToken(theirThird), Buffer.from(KEY), [decodeToken(theirDischarge)]).length, CONDITIONS.length)
      t.throws(() => verifyMacaroon(decodeToken(theirThird), Buffer.from(KEY)), /no discharge/)
    }
  })
}

/** What must be believed, and what must not. */
function tokensAs (write: (macaroon: Macaroon) => string): Array<{ readonly isGood: boolean, readonly sent: [string, string[]] }> {
  const stripped = { ...first, caveats: first.caveats.slice(1) }
  return [
    { isGood: true, sent: [write(first), []] },
    { isGood: true, sent: [write(third), [write(bindDischarge(third, discharge))]] },
    { isGood: false, sent: [write(stripped), []] },
    { isGood: false, sent: [write(third), []] },
    { isGood: false, sent: [write(third), [write(discharge)]] },
  ]
}
