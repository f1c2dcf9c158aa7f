import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { Option, type Command } from 'commander'
import type { Actor, Role } from '../../../governance/actor.ts'
import { draft as envelopeForm, type Envelope } from '../../../governance/envelope.ts'
import { checkGenesis, missingSigners } from '../../../governance/genesis.ts'
import { readPublicKey } from '../../../governance/signer-key.ts'
import { unsignedStatement } from '../../../governance/signing.ts'
import { genesisIn, type Genesis } from '../../../governance/statement.ts'
import { usageFailure } from '../../failure.ts'
import { confirm } from '../../governance/confirm.ts'
import { readJsonFile, replaceText, toFileText } from '../../governance/files.ts'
import { draftGenesis, type DraftOptions } from '../../governance/genesis-draft.ts'
import { addKeyOptions, sign, type KeyOptions } from '../../governance/key-options.ts'
import { charterFields } from '../../governance/render-charter.ts'
import { renderFields, type Field, type View } from '../../layout.ts'
import { collect, parseAge, parseCount } from '../../options.ts'
import type { Run, Session } from '../../session.ts'
import { formatMoment, printable } from '../../text.ts'

interface InitOptions extends KeyOptions, DraftOptions {
  readonly actor?: readonly string[]
  readonly recovery?: readonly string[]
  readonly networkId?: string
  readonly out?: string
  readonly sign?: string
  readonly check?: string
  readonly dryRun?: true
}

/** One line of `--json`. */
interface Shown {
  readonly network_id: string
  readonly profile: string
  readonly quorum: number
  readonly recovery_threshold: number
  readonly signed: readonly Named[]
  readonly missing: readonly Named[]
  readonly dry_run?: true
}
/** A recovery key has the role `recovery`, whatever its file says. */
interface Named { readonly id: string, readonly role: Role | 'recovery' }

const NOTES = `
Three steps: draft it from public keys (--actor, --recovery, --out); carry the file from signer to signer, each of whom runs
--sign FILE --key K; and give it to every daemon as governance.genesis once --check FILE says that nobody is missing (exit 0, else 1).
Every actor and every recovery key signs. --json prints {"network_id", "profile", "quorum", "recovery_threshold", "signed", "missing"}.`

/** Founding a network: its first state, signed by everyone in it. */
export function addInit (governance: Command, run: Run): void {
  const command = governance.command('init')
    .description('draft the genesis of a network, sign it, and see who has yet to sign')
    .option('--actor <path>', 'public key of an actor; once for each', collect)
    .option('--recovery <path>', 'public key of the recovery set; once for each', collect)
    .option('--recovery-threshold <n>', 'how many of them it takes', parseCount)
    .option('--quorum <n>', 'signatures that a change needs', parseCount, 2)
    .option('--emergency-quorum <n>', 'signatures that a freeze needs (default: a majority)', parseCount)
    .addOption(new Option('--profile <name>', 'how strict it is').choices(['macronode', 'micronode']).default('macronode'))
    .option('--reduced-until <time>', 'until when a quorum of 1 holds, in a micronode')
    .option('--lapse <duration>', 'until a proposal without quorum lapses (default: 24h)', parseAge)
    .option('--canary <duration>', 'how long a change is tried (default: 10m)', parseAge)
    .option('--freeze <duration>', 'how long a freeze lasts at most (default: 60m, micronode 30m)', parseAge)
    .option('--business-hours <days:hours>', 'count only these hours, UTC, as 1-5:9-17')
    .option('--network-id <hex>', 'its 32 hex digits (default: random)')
    .option('--set <change>', 'a value that is not as ronctl has it, as policy.profile=strict or bootstrap.add=<address>', collect)
    .option('--out <path>', 'new file for the draft')
    .option('--sign <path>', 'sign the genesis in this file')
    .option('--check <path>', 'show who signed the genesis in this file, and who is missing')
    .option('--dry-run', 'show what would be written or signed, and do neither')
    .addHelpText('after', NOTES)
  addKeyOptions(command).action(run(async (session, options: InitOptions) => {
    const { out, sign: toSign, check } = options
    if ([out, toSign, check].filter(step => step !== undefined).length !== 1) throw usageFailure('Give one of --out, --sign and --check.', 'See `ronctl governance init --help`.')
    if (check !== undefined) {
      const shown = shownOf(readGenesis(check))
      session.out.answer(shown, render)
      return shown.missing.length === 0 ? 'ok' : 'negative'
    }
    if (toSign !== undefined) await signGenesis(session, toSign, options)
    else draft(session, out ?? '', options)
    return 'ok'
  }))
}

function draft ({ out, host }: Session, path: string, { actor = [], recovery = [], networkId = randomBytes(16).toString('hex'), dryRun, ...options }: InitOptions): void {
  const actorsOf = (paths: readonly string[]): readonly Actor[] => paths.map(path => readPublicKey(path).actor)
  const genesis = draftGenesis({ actors: actorsOf(actor), recovery: actorsOf(recovery), networkId, now: host.now() }, options)
  const envelope = unsignedStatement('genesis', genesis)
  const read = { envelope, genesis: genesisIn(envelope) } // as those who sign it will read it
  checkGenesis(read.genesis)
  if (dryRun !== true) {
    try {
      writeFileSync(path, toFileText(envelope), { flag: 'wx' })
    } catch (err) {
      throw usageFailure(`The genesis cannot be written: ${printable(path)} (${(err as NodeJS.ErrnoException).code}).`, 'Name a new file in a folder that is there.')
    }
  }
  out.answer({ ...shownOf(read), ...(dryRun && { dry_run: true as const }) }, render)
  if (dryRun !== true) out.remark(`Written: ${printable(path)}. Next each of them runs: ronctl governance init --sign ${printable(path)} --key <key>`)
}

async function signGenesis (session: Session, path: string, options: KeyOptions & { readonly dryRun?: true }): Promise<void> {
  const { out, host } = session
  const { envelope, genesis } = readGenesis(path)
  const before = shownOf({ envelope, genesis })
  if (options.dryRun === true) return out.answer({ ...before, dry_run: true as const }, (shown, view) => `${render(shown, view)}\n${renderGenesis(genesis, view)}`)
  const view: View = { now: host.now(), columns: undefined, hasColour: false }
  await confirm(session, `${render(before, view)}\n${renderGenesis(genesis, view)}`, 'Sign this genesis?', options)
  const signed = await sign(session, { envelope }, options)
  replaceText(path, toFileText(signed))
  const after = shownOf({ envelope: signed, genesis })
  out.answer(after, render)
  out.remark(after.missing.length === 0 ? 'Everyone has signed: give the file to every daemon as governance.genesis.' : `Next it goes to ${after.missing[0]?.role} ${after.missing[0]?.id}`)
}

/** All that a signer of the genesis agrees to. */
function renderGenesis ({ created_at: created, state: { sections: { charter, ...rest } } }: Genesis, view: View): string {
  const values = Object.entries(rest).map(([name, value]): Field => [name, JSON.stringify(value)])
  return renderFields([['drafted', formatMoment(new Date(created).toISOString(), view.now)], ...charterFields(charter, view), ...values], view)
}

function readGenesis (path: string): { readonly envelope: Envelope, readonly genesis: Genesis } {
  const envelope = envelopeForm(readJsonFile(path), 'genesis')
  const genesis = genesisIn(envelope)
  checkGenesis(genesis)
  return { envelope, genesis }
}

function shownOf ({ envelope, genesis }: { readonly envelope: Envelope, readonly genesis: Genesis }): Shown {
  const { network_id: networkId, sections: { charter: { actors, recovery, profile, quorum } } } = genesis.state
  const missing = missingSigners(envelope, genesis)
  const named = (listed: readonly Actor[]): readonly Named[] => listed.map(actor => ({ id: actor.id, role: recovery.keys.includes(actor) ? 'recovery' : actor.role }))
  return { network_id: networkId, profile, quorum, recovery_threshold: recovery.threshold, signed: named([...actors, ...recovery.keys].filter(actor => !missing.includes(actor))), missing: named(missing) }
}

function render ({ network_id: networkId, profile, quorum, recovery_threshold: threshold, signed, missing }: Shown, view: View): string {
  const lines = (actors: readonly Named[]): readonly string[] => actors.map(({ id, role }) => `${role.padEnd(8)}  ${id}`)
  return renderFields([
    ['network', networkId],
    ['profile', profile],
    ['quorum', String(quorum)],
    ['recovery', `${threshold} of the recovery keys`],
    ['signed', signed.length === 0 ? 'nobody' : lines(signed)],
    ['missing', missing.length === 0 ? 'nobody' : lines(missing)],
  ], view)
}
