import type { Command } from 'commander'
import { DhtError } from '../../../core/errors.ts'
import { statementId, type Ledger, type Stage, type Tracked } from '../../../governance/ledger.ts'
import { standings, type Standing } from '../../../governance/quorum.ts'
import { statementOf } from '../../../governance/statement.ts'
import { stateRoot } from '../../../governance/state.ts'
import { step } from '../../../governance/step.ts'
import type { ActOptions } from '../../governance/act.ts'
import { isSigned, readCarried, type Carried } from '../../governance/carried.ts'
import { addKeyOptions, type KeyOptions } from '../../governance/key-options.ts'
import { renderDraft } from '../../governance/render.ts'
import { renderFields, type View } from '../../layout.ts'
import type { Run } from '../../session.ts'
import { decide } from '../governance/decide.ts'
import { submitAll } from '../governance/submit.ts'

/** What `verify-update --json` prints. */
type Judgement =
  | { readonly valid: true, readonly network_id: string, readonly epoch: number, readonly root: string, readonly proposals: ReadonlyArray<{ readonly id: string, readonly stage: Stage, readonly standings: readonly Standing[] }> }
  | { readonly valid: false, readonly statement: string, readonly kind: string, readonly fault: string, readonly message: string }

const VERIFY_NOTES = `
No daemon is asked. Every statement in the file goes through the rules that daemons go by, on the state that the file carries: compare
its root with that of a daemon that you trust (ronctl governance status). Exits with 0 when all are good and the quorum is met.
--json prints {"valid": true, "network_id", "epoch", "root", "proposals"} or {"valid": false, "statement", "kind", "fault", "message"}.`

export function addVerifyUpdate (membership: Command, run: Run): void {
  membership.command('verify-update')
    .description('judge a carried file away from any daemon: signatures, signers, quorum, and what it would change')
    .argument('<file>', 'written by --out')
    .addHelpText('after', VERIFY_NOTES)
    .action(run(async ({ out, host }, path: string) => {
      const carried = readCarried(path)
      const judgement = judge(carried, host.now())
      out.answer(judgement, (judged, view) => render(judged, carried, view))
      return judgement.valid && judgement.proposals.every(({ stage }) => stage !== 'review') ? 'ok' : 'negative'
    }))
}

export function addApplyUpdate (membership: Command, run: Run): void {
  const command = membership.command('apply-update')
    .description('hand a carried file in, and with the key of whoever may execute it, execute it')
    .argument('<file>', 'written by --out, signed by the quorum')
    .addHelpText('after', '\nHand the same file to every daemon of the network. --json prints one answer of the daemon a line.')
  addKeyOptions(command.option('--dry-run', 'have the daemon judge the first statement that it does not have, and do nothing')).action(run(async (session, path: string, options: Pick<ActOptions, 'dryRun'> & KeyOptions) => {
    const { statements } = readCarried(path)
    const handedIn = await submitAll(session, statements, options.dryRun === true)
    if (options.dryRun === true || (options.key ?? session.host.env['RONCTL_KEY'] ?? '') === '') return handedIn > 0 ? 'ok' : 'negative'
    for (const named of statements.filter(envelope => statementOf(envelope).kind === 'proposal').map(statementId)) {
      const exit = await decide(session, { kind: 'execution', question: 'Execute this?', named, reason: 'approved by the quorum' }, options)
      if (exit !== 'ok') return exit
    }
    return 'ok'
  }))
}

/** The statements in their order, through the rules that a daemon goes by. */
function judge ({ state, statements }: Carried, now: number): Judgement {
  let ledger: Ledger = { state, time: 0, nextAlias: 1, proposals: new Map(), disputes: new Map(), obligations: new Map() }
  for (const envelope of statements) {
    const kind = statementOf(envelope).kind
    const statement = statementId(envelope)
    if (!isSigned(envelope)) return { valid: false, statement, kind, fault: 'unsigned', message: 'it is not signed yet' }
    try {
      ledger = step(ledger, { kind: 'statement', envelope }, now)
    } catch (err) {
      if (!(err instanceof DhtError)) throw err
      return { valid: false, statement, kind, fault: err.reason ?? err.code, message: err.message }
    }
  }
  const proposals = [...ledger.proposals.values()].map(tracked => ({ id: tracked.id, stage: tracked.stage, standings: standingsOf(ledger, tracked, now) }))
  return { valid: true, network_id: state.network_id, epoch: state.epoch, root: stateRoot(state), proposals }
}

/** None for a proposal that is executed already: the state that it was made on is not there any more. */
function standingsOf ({ state }: Ledger, tracked: Tracked, now: number): readonly Standing[] {
  return tracked.stage === 'review' || tracked.stage === 'approved' ? standings(state, tracked, now) : []
}

function render (judged: Judgement, { state, statements }: Carried, view: View): string {
  if (!judged.valid) return renderFields([['verified', 'no'], ['statement', `${judged.kind} ${judged.statement}`], ['fault', judged.fault], ['why', judged.message]], view)
  const head = renderFields([['verified', 'yes'], ['network', judged.network_id], ['epoch', String(judged.epoch)], ['root', judged.root]], view)
  return head + judged.proposals.map(({ id, stage, standings }) => {
    const statement = statements.map(statementOf).find((one, at) => one.kind === 'proposal' && statementId(statements[at] as (typeof statements)[number]) === id)
    const signed = renderFields([['stage', stage], ['signed', standings.map(({ of, needed, signed }) => `${signed.length} of ${needed} ${of}`)]], view)
    return `\n${statement?.kind === 'proposal' ? renderDraft(statement.body, id, state, view) : ''}${signed}`
  }).join('')
}
