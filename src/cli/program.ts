import { Command } from 'commander'
import { addAudit } from './commands/audit.ts'
import { addBans } from './commands/bans.ts'
import { addCap } from './commands/cap/cap.ts'
import { addClosest } from './commands/closest.ts'
import { addCompletion } from './commands/completion.ts'
import { addConfig } from './commands/config.ts'
import { addDiscv5 } from './commands/discv5/discv5.ts'
import { addFind } from './commands/find.ts'
import { addGovernance } from './commands/governance/governance.ts'
import { addKey } from './commands/key.ts'
import { addOps } from './commands/ops.ts'
import { addMembership } from './commands/membership/membership.ts'
import { addPeer } from './commands/peer.ts'
import { addPolicy } from './commands/policy.ts'
import { addProvide } from './commands/provide.ts'
import { addQuotas } from './commands/quotas.ts'
import { addReady } from './commands/ready.ts'
import { addRecords } from './commands/records.ts'
import { addStatus } from './commands/status.ts'
import { addTable } from './commands/table.ts'
import { addTail } from './commands/tail.ts'
import { addTop } from './commands/top.ts'
import { addVersion } from './commands/version.ts'
import { addWithdraw } from './commands/withdraw.ts'
import { renderExitCodes } from './exit-codes.ts'
import type { Host } from './host.ts'
import type { Run } from './session.ts'

/** Options that every command has. */
export interface GlobalOptions {
  readonly socket?: string
  readonly cap?: string
  readonly json?: true
}

/** Every command, in the order of the help page: publishing, asking, looking after the daemon. */
const COMMANDS = [
  addProvide, addWithdraw, addFind, addPeer, addClosest, addRecords, addTable, addStatus, addReady, addQuotas,
  addDiscv5, addBans, addPolicy,
  addOps, addAudit, addTail, addTop, addCap, addKey, addGovernance, addMembership, addConfig, addVersion, addCompletion,
] as const

const NOTES = `
Answers go to stdout, remarks and errors to stderr. With --json every answer is one line of JSON in the words of the admin
API (a lookup prints its events, one a line), and an error is {"error": {"code", "message", "retryable", "hint", "ts",
"request_id"}} on stderr. Colour only on a terminal, and never with NO_COLOR.

The daemon's socket is --socket, else RONCTL_SOCKET, else $XDG_RUNTIME_DIR/svc-dht/admin.sock, else
/tmp/svc-dht-<uid>/admin.sock; where that one is not, /run/svc-dht/admin/admin.sock, which is that of the system's service.

The capability is in the file of --cap, else of RONCTL_CAP, else in admin.cap beside the socket, or for the system's service in
/var/lib/svc-dht/data/owner.cap: these two are root's alone. A macronode leaves its owner's in owner.cap of its data directory; a
micronode prints it when it starts.

Exit codes:
${renderExitCodes()}`

/** The command line as commander parses it. Mistakes are thrown as CommanderError; nothing is printed but help. */
export function createProgram ({ stdout, stderr, version }: Host, run: Run): Command {
  const program = new Command('ronctl')
    .description('Steer a svc-dht daemon: publish, find, inspect.')
    .version(version, '-V, --version', 'print the version of ronctl')
    .option('--socket <path>', 'the daemon’s admin socket')
    .option('--cap <file>', 'file with the capability to use')
    .option('--json', 'print JSON for machines')
    .exitOverride()
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: text => stdout.write(text),
      writeErr: text => stderr.write(text),
      outputError: () => {}, // reported in one place, in the form that was asked for
      getOutHelpWidth: () => stdout.isTerminal ? stdout.columns : 80,
      getErrHelpWidth: () => stderr.isTerminal ? stderr.columns : 80,
      // Help has no colour; left alone, commander would look for it in the environment.
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .addHelpText('after', NOTES)
  for (const add of COMMANDS) add(program, run)
  return program
}
