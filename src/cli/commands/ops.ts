import type { Command } from 'commander'
import type { DegradedBody } from '../../http/admin/wire.ts'
import { renderFields, type View } from '../layout.ts'
import type { Run } from '../session.ts'

export function addOps (program: Command, run: Run): void {
  const degraded = program.command('ops').description('operate the daemon').command('degraded')
    .description('refuse writes and keep answering reads')
    .addHelpText('after', '\n--json prints the answer of GET or PUT /v1/ops/degraded.')
  for (const [name, on] of [['on', true], ['off', false]] as const) {
    degraded.command(name)
      .description(on ? 'refuse announcements and values from now on' : 'accept them again')
      .requiredOption('--reason <text>', 'why; it goes into the audit log')
      .action(run(async ({ client, out }, { reason }: { readonly reason: string }) => {
        out.answer(await client.turnDegraded({ on, reason }), render)
        return 'ok'
      }))
  }
  degraded.command('status')
    .description('show whether writes are refused, since when, and why')
    .action(run(async ({ client, out }) => {
      out.answer(await client.degraded(), render)
      return 'ok'
    }))
}

function render ({ degraded, reason, actor, since }: DegradedBody, view: View): string {
  return renderFields(degraded
    ? [['degraded', 'yes'], ['reason', reason ?? ''], ['by', actor ?? ''], ['since', since ?? '']]
    : [['degraded', 'no']], view)
}
