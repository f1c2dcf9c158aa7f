import type { Command } from 'commander'
import type { QuotasBody, QuotaUse, TopHoldersBody } from '../../http/admin/wire.ts'
import { renderTable, type Column, type View } from '../layout.ts'
import type { Run } from '../session.ts'

export function addQuotas (program: Command, run: Run): void {
  program.command('quotas')
    .description('show who holds most records, or how much of each quota a peer uses')
    .argument('[peer]', 'a peer ID')
    .addHelpText('after', '\n--json prints the answer of GET /v1/quotas, or of GET /v1/quotas/{peer}.')
    .action(run(async ({ client, out }, peer: string | undefined) => {
      if (peer === undefined) {
        const holders = await client.topHolders()
        out.answer(holders, renderHolders)
        if (holders.peers.length === 0) out.remark('No peer was found to hold any when all were last looked at.')
        return 'ok'
      }
      const body = await client.quotas(peer)
      out.answer(body, render)
      const { available, per_second: perSecond } = body.announcements
      out.remark(`It may send ${available} announcements now, and gains ${perSecond} a second.`)
      return 'ok'
    }))
}

function render ({ records, prefixes, total }: QuotasBody, view: View): string {
  return renderUses([['this peer', records], ...prefixes.map(use => [use.prefix, use] as const), ['everyone', total]], view)
}

function renderHolders ({ peers, prefixes, total }: TopHoldersBody, view: View): string {
  return renderUses([...prefixes.map(use => [use.prefix, use] as const), ...peers.map(use => [use.peer, use] as const), ['everyone', total]], view)
}

function renderUses (uses: ReadonlyArray<readonly [string, QuotaUse]>, view: View): string {
  const columns: Column[] = [{ title: 'RECORDS OF' }, ...['USED', 'LIMIT', 'SHARE'].map(title => ({ title, alignment: 'right' as const }))]
  return renderTable(columns, uses.map(([what, { used, limit }]) => [what, String(used), String(limit), `${Math.floor(used / limit * 100)} %`]), view)
}
