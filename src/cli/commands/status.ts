import type { Command } from 'commander'
import type { StatusBody } from '../../http/admin/wire.ts'
import { renderFields, type Field, type View } from '../layout.ts'
import type { Run } from '../session.ts'
import { count, formatBytes, formatDuration } from '../text.ts'

export function addStatus (program: Command, run: Run): void {
  program.command('status')
    .description('show what the daemon is, whether it is ready, and how full it is')
    .addHelpText('after', '\nExits with 0 also when the daemon is not ready; see `ronctl ready`. --json prints the answer of GET /v1/status.')
    .action(run(async ({ client, out }) => {
      out.answer(await client.status(), render)
      return 'ok'
    }))
}

function render (status: StatusBody, view: View): string {
  const { readiness } = status
  const reasons = readiness.reasons.map(({ condition, reason }) => `no: ${condition}: ${reason}`)
  const fields: Field[] = [
    ['ready', readiness.ready ? 'yes' : reasons],
    ['version', `${status.version} (${status.git_sha})`],
    ['profile', status.profile],
    ['up', formatDuration(status.uptime_seconds * 1000)],
    ['peer ID', status.peer_id],
    ['protocol', status.protocol],
    ['addresses', status.addresses],
    ['routing table', count(status.routing_table_peers, 'peer')],
    ['connections', String(status.connections)],
    ['records', `${status.provider_records} for ${count(status.provider_keys, 'key')}`],
    // Not served any more; worth a line only when their removal lags.
    ...(status.expiry_lag_seconds >= 1 ? [['expired', `oldest waits ${formatDuration(status.expiry_lag_seconds * 1000)} for removal`] as const] : []),
    ['values', String(status.values)],
    ['announced', count(status.announced_keys, 'key')],
    ['memory', formatBytes(status.rss_bytes)],
    ['configuration', status.config_digest],
  ]
  return renderFields(fields, view)
}
