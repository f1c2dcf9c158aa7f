import type { Command } from 'commander'
import { act, addActOptions, type ActOptions } from '../../governance/act.ts'
import { fetchState } from '../../governance/agreed.ts'
import { draftStatement, proposalEnvelope } from '../../governance/draft.ts'
import { publicKey } from '../../governance/key-options.ts'
import { idOf, type Naming } from '../../governance/naming.ts'
import { renderProposal } from '../../governance/render.ts'
import type { Exit } from '../../exit-codes.ts'
import type { Run, Session } from '../../session.ts'

interface Options extends ActOptions, Naming { readonly reason?: string }

interface Decision {
  readonly kind: 'approval' | 'veto' | 'execution' | 'promotion' | 'rollback'
  readonly description: string
  readonly question: string
  /** Said where nobody says why; undefined where why must be said. */
  readonly reason?: string
}

const DECISIONS: Readonly<Record<string, Decision>> = {
  approve: { kind: 'approval', description: 'approve a proposal, as a signer', question: 'Approve this?' },
  veto: { kind: 'veto', description: 'stop a proposal before it is executed, as any one security signer', question: 'Veto this?' },
  execute: { kind: 'execution', description: 'execute an approved proposal: on a canary first, where there can be one', question: 'Execute this?', reason: 'approved by the quorum' },
  promote: { kind: 'promotion', description: 'let a proposal whose canary is green hold everywhere', question: 'Promote this?', reason: 'its canary is green' },
  rollback: { kind: 'rollback', description: 'end a canary, or bring back what was before a promotion', question: 'Roll this back?' },
}

/** What is said about a proposal that is there: one command for each kind of statement. */
export function addDecisions (governance: Command, run: Run): void {
  for (const [name, decision] of Object.entries(DECISIONS)) addDecision(governance, run, name, decision)
}

function addDecision (governance: Command, run: Run, name: string, { kind, description, question, reason: usual }: Decision): void {
  const command = governance.command(name)
    .description(description)
    .argument('[proposal]', 'its number or id')
    .option('--proposal-id <proposal>', 'the same as an option')
  if (kind === 'approval') command.option('--role <name>', 'taken for compatibility: your key says your role')
  else if (usual === undefined) command.requiredOption('--reason <text>', 'why')
  else command.option('--reason <text>', 'why', usual)
  addActOptions(command)
    .addHelpText('after', '\n--json prints the answer of the daemon: {"id", "dry_run", "proposal"}.')
    .action(run(async (session, named: string | undefined, { reason, ...options }: Options) => {
      return await decide(session, { kind, question, named: idOf(named, options), reason: reason ?? '' }, options)
    }))
}

/** Says something of a proposal that the daemon has, after showing it as it stands there. `reason` is left out of an approval. */
export async function decide (session: Session, { kind, question, named, reason }: Pick<Decision, 'kind' | 'question'> & { readonly named: string, readonly reason: string }, options: ActOptions): Promise<Exit> {
  const { client, host } = session
  const { actor } = publicKey(session, options)
  const detail = await client.proposal(named)
  const { id, proposal } = detail
  proposalEnvelope(proposal, id)
  const state = await fetchState(client)
  const why = kind === 'approval' ? {} : { reason }
  const envelope = draftStatement(kind, { proposal_id: id, ...why } as { readonly proposal_id: string, readonly reason: string }, state, { id: actor.id, now: host.now() })
  return await act(session, { envelope, about: { id, proposal }, state, shown: view => renderProposal(detail, state, view), question }, options)
}
