import type { Command } from 'commander'
import type { Entry } from '../../../audit/format/entry.ts'
import { showLog, type LogOptions } from '../../audit/show-log.ts'
import { parseAge } from '../../options.ts'
import type { Run } from '../../session.ts'

export function addLog (governance: Command, run: Run): void {
  governance.command('log')
    .description('print what governance left in the audit log, refusals too, oldest first')
    .option('--since <duration>', 'only the last 90s, 10m, 24h, 7d …', parseAge)
    .option('--follow', 'go on with new entries until stopped')
    .addHelpText('after', '\n--json prints one entry a line, as the log has it.')
    .action(run(async (session, options: LogOptions) => await showLog(session, options, isGovernance)))
}

function isGovernance ({ event }: Entry): boolean {
  return typeof event === 'object' && event !== null && 'schema' in event && typeof event.schema === 'string' && event.schema.startsWith('svc-dht/governance/')
}
