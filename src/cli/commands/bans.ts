import type { Command } from 'commander'
import type { BanBody } from '../../http/admin/wire-discv5.ts'
import { renderTable, type View } from '../layout.ts'
import { durationText } from '../options.ts'
import type { Run } from '../session.ts'
import { count, formatMoment } from '../text.ts'

const NOTES = '\n--json prints one line of JSON: the answer of GET, POST or DELETE /v1/bans.'
const COVERS = `
A ban is one of the discv5 plane: its node takes no packet from there and tells nobody of it. It neither closes nor refuses libp2p connections;
the deny lists of the policy do. A macronode keeps the bans of operators over a restart; those that the protections made end with the process.`
const SUBJECT = 'an IP, a prefix /24 (IPv6: /64), or a node ID'

interface AddOptions { readonly for: string, readonly reason: string }

/** Who is shut out, by the protections or by an operator. */
export function addBans (program: Command, run: Run): void {
  const bans = program.command('bans').description('list, add and lift bans').addHelpText('after', COVERS)
  bans.command('list')
    .description('show who is shut out, until when and why')
    .addHelpText('after', NOTES)
    .action(run(async ({ client, out }) => {
      const body = await client.bans()
      out.answer(body, ({ bans: list }, view) => render(list, view))
      out.remark(body.bans.length === 0 ? 'Nobody is shut out' : count(body.bans.length, 'ban'))
      return 'ok'
    }))
  bans.command('add')
    .description('shut somebody out for a time')
    .argument('<subject>', SUBJECT)
    .requiredOption('--for <duration>', 'how long: 90s, 10m, 24h, 7d', durationText)
    .requiredOption('--reason <text>', 'why; it goes into the audit log')
    .addHelpText('after', `${COVERS}${NOTES}`)
    .action(run(async ({ client, out }, subject: string, { for: duration, reason }: AddOptions) => {
      out.answer(await client.ban({ subject, duration, reason }), ({ bans: list }, view) => render(list, view))
      return 'ok'
    }))
  bans.command('remove')
    .description('let somebody in again')
    .argument('<subject>', SUBJECT)
    .option('--reason <text>', 'why; it goes into the audit log')
    .addHelpText('after', `\nExits with 1 when there was no such ban.${NOTES}`)
    .action(run(async ({ client, out }, subject: string, { reason }: { readonly reason?: string }) => {
      out.answer(await client.unban(subject, reason), ({ removed }, view) => render(removed, view))
      return 'ok'
    }))
}

function render (bans: readonly BanBody[], view: View): string {
  if (bans.length === 0) return ''
  return renderTable(['SUBJECT', 'KIND', 'PLANE', 'ENDS', 'REASON'].map(title => ({ title })), bans.map(({ subject, kind, plane, until, reason }) => [
    subject, kind, plane, formatMoment(until, view.now), reason,
  ]), view)
}
