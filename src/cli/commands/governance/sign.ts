import type { Command } from 'commander'
import type { Envelope } from '../../../governance/envelope.ts'
import { statementId } from '../../../governance/ledger.ts'
import { statementOf, type Proposal } from '../../../governance/statement.ts'
import { Failure } from '../../failure.ts'
import { isSigned, readCarried, replaceCarried, type Carried } from '../../governance/carried.ts'
import { confirm } from '../../governance/confirm.ts'
import { draftStatement } from '../../governance/draft.ts'
import { assertAuthentic, assertEntitled } from '../../governance/entitlement.ts'
import { addKeyOptions, publicKey, sign, type KeyOptions } from '../../governance/key-options.ts'
import { assertShowable, renderDraft } from '../../governance/render.ts'
import { renderFields, type View } from '../../layout.ts'
import type { Run, Session } from '../../session.ts'

const NOTES = `
What waits for your signature is signed; where nothing does, your approval of the proposal in the file is added. The change is
worked out here, from the state that the file carries and its digests prove. --json prints one {"id", "kind"} a line.`

/** Signing on a machine that no daemon runs on. */
export function addSign (group: Command, run: Run, name = 'sign'): void {
  const command = group.command(name)
    .description('sign or approve what is in a carried file; no daemon is asked')
    .argument('<file>', 'written by --out')
    .option('--dry-run', 'show what would be signed, and sign nothing')
    .addHelpText('after', NOTES)
  addKeyOptions(command).action(run(async (session, path: string, { dryRun, ...options }: KeyOptions & { readonly dryRun?: true }) => {
    const { out, host } = session
    const { actor } = publicKey(session, options)
    let carried = readCarried(path)
    const waiting = waitingFor(carried, actor.id, host.now())
    if (waiting.length === 0) throw new Failure('Nothing in the file waits for this key.', { exit: 'negative', code: 'Conflict', hint: `It is the key of ${actor.role} ${actor.id}.` })
    for (const envelope of waiting) {
      const id = statementId(envelope)
      const shown = (view: View): string => render(envelope, carried, view)
      if (dryRun === true) {
        out.answer({ id, kind: statementOf(envelope).kind, dry_run: true }, (_, view) => shown(view))
        continue
      }
      carried = await signOne(session, envelope, carried, shown, options)
      replaceCarried(path, carried)
      out.answer({ id, kind: statementOf(envelope).kind }, ({ id, kind }) => `signed: ${kind} ${id}\n`)
    }
    return 'ok'
  }))
}

async function signOne (session: Session, envelope: Envelope, carried: Carried, shown: (view: View) => string, options: KeyOptions): Promise<Carried> {
  const { kind, body } = statementOf(envelope)
  const { state, statements } = carried
  const now = session.host.now()
  const about = aboutOf(envelope, carried)
  const proposal = about && proposalIn(about)
  const change = kind === 'proposal' ? body : kind === 'approval' ? proposal : undefined
  if (about !== undefined && isSigned(about)) assertAuthentic(about, state, now)
  if (change !== undefined) assertShowable(change, state, now)
  assertEntitled(body.actor, envelope, proposal, state, now)
  await confirm(session, shown({ now, columns: undefined, hasColour: false }), 'Sign this?', options)
  const signed = await sign(session, { envelope, ...(proposal !== undefined && { proposal }) }, options)
  const rest = statements.filter(other => isSigned(other) || statementId(other) !== statementId(envelope))
  const place = statements.findIndex(other => statementId(other) === statementId(envelope))
  return { ...carried, statements: place === -1 ? [...rest, signed] : rest.toSpliced(place, 0, signed) }
}

/** The statements of this actor that have no signature; else an approval of each proposal that the actor has said nothing of. */
function waitingFor ({ state, statements }: Carried, actorId: string, now: number): readonly Envelope[] {
  const own = statements.filter(envelope => statementOf(envelope).body.actor === actorId)
  const unsigned = own.filter(envelope => !isSigned(envelope))
  if (unsigned.length > 0) return unsigned
  const approved = new Set(own.flatMap(envelope => {
    const { kind, body } = statementOf(envelope)
    return kind === 'approval' ? [body.proposal_id] : []
  }))
  return statements.filter(envelope => statementOf(envelope).kind === 'proposal').map(statementId).filter(id => !approved.has(id))
    .map(id => draftStatement('approval', { proposal_id: id }, state, { id: actorId, now }))
}

/** The proposal that a statement is about, as the file carries it. */
function aboutOf (envelope: Envelope, { statements }: Carried): Envelope | undefined {
  const { body } = statementOf(envelope)
  return 'proposal_id' in body ? statements.find(other => statementOf(other).kind === 'proposal' && statementId(other) === body.proposal_id) : undefined
}

function proposalIn (envelope: Envelope): Proposal | undefined {
  const { kind, body } = statementOf(envelope)
  return kind === 'proposal' ? body : undefined
}

function render (envelope: Envelope, carried: Carried, view: View): string {
  const { kind, body } = statementOf(envelope)
  if (kind === 'proposal') return renderDraft(body, statementId(envelope), carried.state, view)
  const carriedProposal = aboutOf(envelope, carried)
  const about = carriedProposal && proposalIn(carriedProposal)
  const fields = renderFields([['statement', kind], ['network', body.network_id], ...Object.entries(body).filter(([name]) => !['schema', 'network_id', 'actor', 'created_at'].includes(name)).map(([name, value]): readonly [string, string] => [name.replaceAll('_', ' '), typeof value === 'string' ? value : JSON.stringify(value)])], view)
  return about === undefined || !('proposal_id' in body) ? fields : fields + renderDraft(about, body.proposal_id, carried.state, view)
}
