import type { Command } from 'commander'
import { parseKey } from '../../core/key.ts'
import type { RecordsBody } from '../../http/admin/wire.ts'
import { renderTable, type View } from '../layout.ts'
import type { Run } from '../session.ts'
import { count, formatMoment } from '../text.ts'

const NOTES = `
Source: rpc, the provider announced it; operator, this daemon announces it. Counts against: the IP prefix whose quota the
record uses. --json prints the answer of GET /v1/records/{key}.`

export function addRecords (program: Command, run: Run): void {
  program.command('records')
    .description('show the provider records that this daemon holds for a key, and why')
    .argument('<key>', 'a CID, a multihash or b3:<hex>')
    .addHelpText('after', NOTES)
    .action(run(async ({ client, out }, key: string) => {
      parseKey(key)
      const body = await client.records(key)
      if (out.isJson || body.records.length > 0) out.answer(body, render)
      out.remark(body.records.length === 0 ? 'No record held; `ronctl find` asks the network.' : count(body.records.length, 'record'))
      return body.records.length === 0 ? 'negative' : 'ok'
    }))
}

function render ({ records }: RecordsBody, view: View): string {
  const titles = ['PROVIDER', 'SINCE', 'EXPIRES', 'SOURCE', 'COUNTS AGAINST', 'ADDRESSES']
  return renderTable(titles.map(title => ({ title })), records.map(record => [
    record.provider,
    formatMoment(record.received_at, view.now),
    formatMoment(record.expires_at, view.now),
    record.source,
    record.ip_prefix ?? '–',
    record.addrs.join(' '),
  ]), view)
}
