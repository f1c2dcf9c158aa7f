import type { Command } from 'commander'
import { isOpen } from '../../../governance/ledger.ts'
import type { ProposalsBody } from '../../../http/admin/wire.ts'
import { renderTable, type View } from '../../layout.ts'
import type { Run } from '../../session.ts'
import { formatMoment } from '../../text.ts'

export function addList (governance: Command, run: Run): void {
  governance.command('list')
    .description('list proposals, the oldest first')
    .option('--open', 'only those under way')
    .addHelpText('after', '\n--json prints the answer of GET /v1/governance/proposals.')
    .action(run(async ({ client, out }, { open = false }: { readonly open?: boolean }) => {
      const { proposals } = await client.proposals()
      out.answer({ proposals: proposals.filter(proposal => !open || isOpen(proposal)) }, render)
      return 'ok'
    }))
}

function render ({ proposals }: ProposalsBody, view: View): string {
  if (proposals.length === 0) return 'no proposals\n'
  const rows = proposals.map(({ number, id, stage, proposal: { section, reason }, approvals, submitted_at: at, disputed }) =>
    [String(number), id.slice(0, 12), `${stage}${disputed ? ' (disputed)' : ''}`, section, String(approvals.length), formatMoment(at, view.now), reason])
  return renderTable([{ title: 'no', alignment: 'right' }, ...['id', 'stage', 'section', 'approvals', 'proposed', 'reason'].map(title => ({ title }))], rows, view)
}
