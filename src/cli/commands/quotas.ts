import type { Command } from 'commander'
import type { QuotasBody, QuotaUse } from '../../http/admin/wire.ts'
import { renderTable, type Column, type View } from '../layout.ts'
import type { Run } from '../session.ts'

export function addQuotas (program: Command, run: Run): void {
  program.command('quotas')
    .description('show how much of each quota a peer uses')
    .argument('<peer>', 'a peer ID')
    .addHelpText('after', '\n--json prints the answer of GET /v1/quotas/{peer}.')
    .action(run(async ({ client, out }, peer: string) => {
      const body = await client.quotas(peer)
      out.answer(body, render)
      const { available, per_second: perSecond } = body.announcements
      out.remark(`It may send ${available} announcements now, and gains ${perSecond} a second.`)
      return 'ok'
    }))
}

function render ({ records, prefixes, total }: QuotasBody, view: View): string {
  const toRow = (what: string, { used, limit }: QuotaUse) => [what, String(used), String(limit), `${Math.floor(used / limit * 100)} %`]
  const columns: Column[] = [{ title: 'RECORDS OF' }, ...['USED', 'LIMIT', 'SHARE'].map(title => ({ title, alignment: 'right' as const }))]
  return renderTable(columns, [
    toRow('this peer', records), ...prefixes.map(use => toRow(use.prefix, use)), toRow('everyone', total),
  ], view)
}
