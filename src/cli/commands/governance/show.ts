import type { Command } from 'commander'
import { fetchState } from '../../governance/agreed.ts'
import { proposalEnvelope } from '../../governance/draft.ts'
import { idOf, type Naming } from '../../governance/naming.ts'
import { renderProposal } from '../../governance/render.ts'
import type { Run } from '../../session.ts'

export function addShow (governance: Command, run: Run): void {
  governance.command('show')
    .description('show a proposal: what it changes, who signed, what is missing, what time is left')
    .argument('[proposal]', 'its number or id')
    .option('--proposal-id <proposal>', 'the same as an option')
    .addHelpText('after', '\n--json prints the answer of GET /v1/governance/proposals/{id}.')
    .action(run(async ({ client, out }, named: string | undefined, options: Naming) => {
      const detail = await client.proposal(idOf(named, options))
      proposalEnvelope(detail.proposal, detail.id)
      const state = await fetchState(client)
      out.answer(detail, (detail, view) => renderProposal(detail, state, view))
      return 'ok'
    }))
}
