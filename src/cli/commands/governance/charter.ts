import { Option, type Command } from 'commander'
import type { CharterBody } from '../../../http/admin/wire.ts'
import { readPublicKey } from '../../../governance/signer-key.ts'
import type { State } from '../../../governance/state.ts'
import { usageFailure } from '../../failure.ts'
import { fetchState } from '../../governance/agreed.ts'
import { toTime, windowsOf, type DraftOptions } from '../../governance/genesis-draft.ts'
import { charterFields } from '../../governance/render-charter.ts'
import { renderFields, type View } from '../../layout.ts'
import { collect, parseAge, parseCount } from '../../options.ts'
import type { Run } from '../../session.ts'
import { addProposalOptions, propose, type ProposeOptions } from './propose.ts'

interface QuorumOptions { readonly emergencyQuorum?: number | 'majority', readonly reducedUntil?: string }

const NOTES = `
Without a word after it, the charter is shown. Every change is a proposal that today’s signers and those of the charter it leads to must
approve; reconstitute is for the recovery set alone. An actor is named by the id or its first digits. --json prints the answer of
GET /v1/governance/charter, or of POST /v1/governance/proposals.`

/** Who may do what, and how many it takes. */
export function addCharter (governance: Command, run: Run): void {
  const charter = governance.command('charter').description('show the charter, or propose a change of it').addHelpText('after', NOTES)
  charter.command('show', { isDefault: true })
    .description('show who may do what, and how many it takes')
    .action(run(async ({ client, out }) => {
      out.answer(await client.charter(), render)
      return 'ok'
    }))
  addActorChanges(charter, run)
  addNumberChanges(charter, run)
  addRecoveryChanges(charter, run)
}

function addActorChanges (charter: Command, run: Run): void {
  const add = proposing(charter.command('add-actor').description('propose a new actor').argument('<key-file>', 'the public key'))
  add.action(run(async (session, path: string, options: ProposeOptions) =>
    await propose(session, { section: 'charter', change: { op: 'add-actor', actor: readPublicKey(path).actor } }, options)))
  const revoke = proposing(charter.command('revoke-actor').description('propose that an actor signs nothing any more').argument('<actor>', 'the id'))
  revoke.action(run(async (session, actor: string, options: ProposeOptions) =>
    await propose(session, { section: 'charter', change: { op: 'revoke-actor', actor_id: actorId(await fetchState(session.client), actor) } }, options)))
  const rotate = proposing(charter.command('rotate-actor').description('propose new keys for an actor').argument('<actor>', 'the id').argument('<key-file>', 'the new public key, of the same role'))
  rotate.action(run(async (session, actor: string, path: string, options: ProposeOptions) =>
    await propose(session, { section: 'charter', change: { op: 'rotate-actor', actor_id: actorId(await fetchState(session.client), actor), actor: readPublicKey(path).actor } }, options)))
}

function addNumberChanges (charter: Command, run: Run): void {
  const quorum = proposing(charter.command('set-quorum').description('propose another quorum; what is not given stays').argument('<n>', 'signatures that a change needs', parseCount))
    .option('--emergency-quorum <n>', 'signatures that a freeze needs, or majority', text => text === 'majority' ? text : parseCount(text))
    .option('--reduced-until <time>', 'until when a quorum of 1 holds, in a micronode')
  quorum.action(run(async (session, n: number, { emergencyQuorum, reducedUntil, ...options }: ProposeOptions & QuorumOptions) => {
    const { charter } = (await fetchState(session.client)).sections
    const emergency = emergencyQuorum ?? charter.emergency_quorum
    const until = reducedUntil !== undefined ? toTime(reducedUntil) : n === 1 ? charter.reduced_until : undefined
    // The change says all of them: whoever signs it sees every number that will hold.
    const values = { quorum: n, ...(typeof emergency === 'number' && { emergency_quorum: emergency }), ...(until !== undefined && { reduced_until: until }) }
    return await propose(session, { section: 'charter', change: { op: 'set-quorum', values } }, options)
  }))
  const windows = proposing(charter.command('set-windows').description('propose other times; what is not given stays'))
    .option('--lapse <duration>', 'until a proposal without quorum lapses', parseAge)
    .option('--canary <duration>', 'how long a change is tried', parseAge)
    .option('--freeze <duration>', 'how long a freeze lasts at most', parseAge)
    .option('--business-hours <days:hours>', 'count only these hours, UTC, as 1-5:9-17')
  windows.action(run(async (session, { lapse, canary, freeze, businessHours, ...options }: ProposeOptions & DraftOptions) => {
    const { windows: now } = (await fetchState(session.client)).sections.charter
    const given = windowsOf({ lapse: lapse ?? now.lapse_ms, canary: canary ?? now.canary_ms, freeze: freeze ?? now.freeze_ms, ...(businessHours !== undefined && { businessHours }) })
    return await propose(session, { section: 'charter', change: { op: 'set-windows', windows: { ...(now.calendar !== undefined && { calendar: now.calendar }), ...given } } }, options)
  }))
}

function addRecoveryChanges (charter: Command, run: Run): void {
  const keys = (paths: readonly string[]) => paths.map(path => readPublicKey(path).actor)
  const recovery = proposing(charter.command('set-recovery').description('propose another recovery set'))
    .requiredOption('--recovery <path>', 'public key; once for each', collect)
    .requiredOption('--threshold <n>', 'how many of them it takes', parseCount)
  recovery.action(run(async (session, { recovery: paths, threshold, ...options }: ProposeOptions & { readonly recovery: readonly string[], readonly threshold: number }) =>
    await propose(session, { section: 'charter', change: { op: 'set-recovery', recovery: { threshold, keys: keys(paths) } } }, options)))
  const reconstitute = proposing(charter.command('reconstitute').description('as the recovery set, propose all actors anew after the quorum is lost'))
    .requiredOption('--actor <path>', 'public key; once for each', collect)
    .addOption(new Option('--quorum <n>', 'signatures that a change needs').argParser(parseCount).default(2))
  reconstitute.action(run(async (session, { actor: paths, quorum, ...options }: ProposeOptions & { readonly actor: readonly string[], readonly quorum: number }) =>
    await propose(session, { section: 'charter', change: { op: 'reconstitute', actors: keys(paths), quorum } }, { ...options, authority: 'recovery' })))
}

function proposing (command: Command): Command {
  return addProposalOptions(command.requiredOption('--reason <text>', 'why'))
}

function actorId ({ sections: { charter: { actors } } }: State, text: string): string {
  const found = actors.filter(({ id }) => id === text || (text.length >= 8 && id.startsWith(text)))
  const [actor] = found
  if (actor === undefined || found.length > 1) throw usageFailure(`${found.length === 0 ? 'No' : 'More than one'} actor has the id ${text}`, 'Give the whole id, or 8 of its first digits or more; `ronctl governance charter` shows them.')
  return actor.id
}

function render ({ charter, digest }: CharterBody, view: View): string {
  return renderFields([['digest', digest], ...charterFields(charter, view)], view)
}
