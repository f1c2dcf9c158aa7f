import { Option, type Command } from 'commander'
import { statementId } from '../../../governance/ledger.ts'
import { statementOf, type Proposal } from '../../../governance/statement.ts'
import type { Exit } from '../../exit-codes.ts'
import { usageFailure } from '../../failure.ts'
import { act, addActOptions, type ActOptions } from '../../governance/act.ts'
import { fetchState } from '../../governance/agreed.ts'
import { parseChanges, type SectionChange } from '../../governance/change.ts'
import { draftProposal, type ProposalOptions } from '../../governance/draft.ts'
import { publicKey } from '../../governance/key-options.ts'
import { renderDraft } from '../../governance/render.ts'
import { collect, parseAge } from '../../options.ts'
import type { Run, Session } from '../../session.ts'

const SIGNALS = ['lookup_p95', 'reject_ratio', 'readiness']

const NOTES = `
A change is section.path=value (policy.profile=strict, providers.ttl_ms=12h, pq.require_on=true, policy.deny=prefixes:203.0.113.0/24,
bootstrap.add=<address>), section.operation={…}, or a JSON file with {"section", "change"}. Several fields of one section are one
proposal. It is made on what the daemon has agreed on now: if that changes before it is executed, it is refused.
--json prints the answer of POST /v1/governance/proposals.`

export interface ProposeOptions extends ActOptions, ProposalOptions {}

interface Given extends ProposeOptions { readonly change?: readonly string[], readonly service: string, readonly rationale?: string }

export function addPropose (governance: Command, run: Run): void {
  const command = governance.command('propose')
    .description('propose a change of the network')
    .argument('[change...]', 'as policy.profile=strict')
    .option('--change <change>', 'the same as an option; once for each', collect)
    .option('--service <name>', 'whose values they are', 'svc-dht')
    .option('--reason <text>', 'why')
    .addOption(new Option('--rationale <text>', 'the same as --reason').hideHelp())
    .addOption(new Option('--authority <name>', 'whose signatures it needs').choices(['quorum', 'emergency', 'recovery']).default('quorum'))
    .option('--escalates <id>', 'the lapsed proposal or escalated dispute that it takes up again')
  addProposalOptions(command)
    .addHelpText('after', NOTES)
    .action(run(async (session, texts: readonly string[], { change = [], service, reason, rationale, ...options }: Given) => {
      if (service !== 'svc-dht') throw usageFailure(`This daemon is no ${service}.`, 'Proposals are made for svc-dht.')
      const why = reason ?? rationale
      if (why === undefined) throw usageFailure('It does not say why.', 'Say it with --reason.')
      return await propose(session, parseChanges([...texts, ...change]), { ...options, reason: why })
    }))
}

/** What every command has that makes a proposal. */
export function addProposalOptions (command: Command): Command {
  return addActOptions(command)
    .option('--risk <text>', 'what may go wrong')
    .option('--rollback-plan <text>', 'how to go back')
    .option('--rollback-within <duration>', 'how long after its promotion it may be rolled back at once (default: 1h)', parseAge)
    .addOption(new Option('--watch <signal...>', 'what its canary is judged by (default: all)').choices(SIGNALS))
    .option('--expires <duration>', 'how long it may be executed (default: 72h)', parseAge)
}

/** Drafts a proposal on what is agreed now, shows it, has it signed, and hands it in. */
export async function propose (session: Session, change: SectionChange, options: ProposeOptions): Promise<Exit> {
  const { actor } = publicKey(session, options)
  const state = await fetchState(session.client)
  const envelope = draftProposal(change, options, state, { id: actor.id, now: session.host.now() })
  const proposal = statementOf(envelope).body as Proposal
  return await act(session, { envelope, state, shown: view => renderDraft(proposal, statementId(envelope), state, view), question: 'Propose this?' }, options)
}
