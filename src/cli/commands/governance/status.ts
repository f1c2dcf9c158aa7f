import type { Command } from 'commander'
import type { GovernanceStatusBody } from '../../../http/admin/wire.ts'
import { renderFields, type View } from '../../layout.ts'
import type { Run } from '../../session.ts'
import { count, formatMoment } from '../../text.ts'

export function addGovernanceStatus (governance: Command, run: Run): void {
  governance.command('status')
    .description('show what governs this daemon; exits with 1 when nothing does, or when what is kept is not trusted')
    .addHelpText('after', '\n--json prints the answer of GET /v1/governance/status.')
    .action(run(async ({ client, out }) => {
      const status = await client.governanceStatus()
      out.answer(status, render)
      return status.governed && status.fault === undefined ? 'ok' : 'negative'
    }))
}

function render (status: GovernanceStatusBody, view: View): string {
  const { governed, fault, network_id: networkId, epoch, root, quorum, pq, open, freezes = [], overrides = [], digests = {} } = status
  if (!governed) return renderFields([['governed', 'no: set governance.genesis']], view)
  if (networkId === undefined || quorum === undefined || open === undefined) return renderFields([['governed', 'yes'], ['not trusted', fault?.message ?? '']], view)
  const until = (iso: string): string => formatMoment(iso, view.now)
  return renderFields([
    ['governed', 'yes'],
    ...(fault === undefined ? [] : [['not trusted', fault.message] as const]),
    ['network', networkId],
    ['epoch', String(epoch)],
    ['root', root ?? ''],
    ['quorum', `${quorum.needed} of ${quorum.approvers}${quorum.reduced_until === undefined ? '' : `, 2 ${until(quorum.reduced_until)}`}`],
    ['emergency', `${quorum.emergency} of ${quorum.approvers}`],
    ['post-quantum', `${pq?.required === true ? 'required' : 'not required'}${pq?.downgrade_opens_at === undefined ? '' : `; an approved downgrade may be executed ${until(pq.downgrade_opens_at)}`}`],
    ['open', [count(open.proposals, 'proposal'), count(open.disputes, 'dispute'), `${count(open.obligations_due, 'obligation')} due, ${open.obligations_overdue} overdue`].join(', ')],
    ['freezes', freezes.map(({ scope, ends_at: endsAt }) => `${scope}, ends ${until(endsAt)}`)],
    ['overrides', overrides.map(({ id, kind, ends_at: endsAt }) => `${id}: ${kind}, ends ${until(endsAt)}`)],
    ['digests', Object.entries(digests).map(([section, digest]) => `${section.padEnd(9)}  ${digest}`)],
  ], view)
}
