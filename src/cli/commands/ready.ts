import type { Command } from 'commander'
import type { ReadinessBody } from '../../http/admin/wire.ts'
import { paint, renderRow, type View } from '../layout.ts'
import type { Run } from '../session.ts'

export function addReady (program: Command, run: Run): void {
  program.command('ready')
    .description('tell whether the daemon is ready: exits with 0 if it is, else with 1 and every reason')
    .addHelpText('after', '\n--json prints {"ready", "degraded"?, "reasons": [{"condition", "reason"}]}. Degraded is why writes are refused while reads go on.')
    .action(run(async ({ client, out }) => {
      const { readiness } = await client.status()
      out.answer(readiness, render)
      return readiness.ready ? 'ok' : 'negative'
    }))
}

function render ({ ready, degraded, reasons }: ReadinessBody, view: View): string {
  return [
    `${ready ? paint('green', 'ready', view) : paint('red', 'not ready', view)}\n`,
    ...reasons.map(({ condition, reason }) => renderRow([`  ${condition}: ${reason}`], view)),
    ...degraded === undefined ? [] : [renderRow([`  writes are refused: ${degraded}`], view)],
  ].join('')
}
