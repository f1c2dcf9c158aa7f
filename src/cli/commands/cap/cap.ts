import type { Command } from 'commander'
import { parseCaveat } from '../../../auth/caveats.ts'
import { encodeToken } from '../../../auth/macaroon/codec.ts'
import { attenuate, type Macaroon, MAX_CAVEATS } from '../../../auth/macaroon/macaroon.ts'
import { MAX_TOKEN_BYTES } from '../../../core/limits.ts'
import { usageFailure } from '../../failure.ts'
import { renderFields, type View } from '../../layout.ts'
import type { Run } from '../../session.ts'
import { addOnline } from './online.ts'
import { readMacaroon, writeTokenFile } from './token-file.ts'

/** One line of `--json`. */
interface CapShown {
  readonly location: string
  readonly identifier: string
  readonly caveats: ReadonlyArray<{ readonly caveat: string, readonly known: boolean, readonly discharged_at?: string }>
}

/** Options that each add one caveat, and how it is written. */
const NARROWING = {
  expires: ['<time>', 'until when, as 2030-01-01T00:00Z', 'expires<='],
  ip: ['<prefix>', 'from where, as 10.0.0.0/8', 'ip='],
  permission: ['<name>', 'the one permission, as provider:write', 'action='],
  scope: ['<list>', 'things, as provider,record', 'scope in '],
  verbs: ['<list>', 'verbs, as read,write', 'verbs in '],
  proposal: ['<digest>', 'the one proposal', 'proposal='],
  rps: ['<n>', 'requests each second', 'rps<='],
} as const

export function addCap (program: Command, run: Run): void {
  const cap = program.command('cap').description('mint, list, narrow, try and revoke capabilities')
  addOnline(cap, run)
  cap.command('show')
    .description('decode a capability; needs neither a daemon nor a key, and proves nothing')
    .argument('<token-or-file>', 'a file that only you can read, or the capability itself')
    .action(run(async ({ out }, tokenOrFile: string) => {
      out.answer(shownOf(readMacaroon(tokenOrFile)), render)
      return 'ok'
    }))
  const constrain = cap.command('constrain')
    .description('narrow a capability; needs neither a daemon nor a key')
    .argument('<token-or-file>', 'a file that only you can read, or the capability itself')
    .requiredOption('--out <path>', 'new file for the narrowed capability, which only you can read')
  for (const [name, [value, description]] of Object.entries(NARROWING)) constrain.option(`--${name} ${value}`, description)
  constrain.action(run(async ({ out }, tokenOrFile: string, options: Readonly<Record<string, string | undefined>>) => {
    const narrowed = narrow(readMacaroon(tokenOrFile), conditionsOf(options))
    const token = encodeToken(narrowed)
    if (token.length > MAX_TOKEN_BYTES) throw usageFailure('With these caveats it is too long.')
    writeTokenFile(options['out'] ?? '', token)
    out.answer(shownOf(narrowed), render)
    return 'ok'
  }))
}

function conditionsOf (options: Readonly<Record<string, string | undefined>>): string[] {
  const conditions = Object.entries(NARROWING).flatMap(([name, [, , start]]) => options[name] === undefined ? [] : [`${start}${options[name]}`])
  if (conditions.length === 0) throw usageFailure('It does not say how the capability is narrowed.', 'See `ronctl cap constrain --help`.')
  // One that nobody understands would deny everything.
  const wrong = conditions.find(condition => parseCaveat(condition) === undefined)
  if (wrong !== undefined) throw usageFailure(`This is no caveat: ${wrong}`, 'See `ronctl cap constrain --help`; times are in UTC and end with Z.')
  return conditions
}

function narrow (macaroon: Macaroon, conditions: readonly string[]): Macaroon {
  if (macaroon.caveats.length + conditions.length > MAX_CAVEATS) throw usageFailure(`It would have more than ${MAX_CAVEATS} caveats.`)
  return conditions.reduce((narrowed, condition) => attenuate(narrowed, Buffer.from(condition)), macaroon)
}

/** Without the signature: what is shown is no capability. */
function shownOf ({ location, identifier, caveats }: Macaroon): CapShown {
  return {
    location,
    identifier: Buffer.from(identifier).toString(),
    caveats: caveats.map(({ identifier, thirdParty }) => {
      const caveat = Buffer.from(identifier).toString()
      return thirdParty === undefined ? { caveat, known: parseCaveat(caveat) !== undefined } : { caveat, known: true, discharged_at: thirdParty.location }
    }),
  }
}

function render ({ location, identifier, caveats }: CapShown, view: View): string {
  const lines = caveats.map(({ caveat, known, discharged_at: where }) => where === undefined ? `${caveat}${known ? '' : '  (unknown: denies everything)'}` : `${caveat}  (discharged at ${where})`)
  return renderFields([['location', location], ['identifier', identifier], ['caveats', lines.length === 0 ? 'none' : lines]], view)
}
