import { Argument, type Command } from 'commander'
import { addProposalOptions, propose, type ProposeOptions } from './propose.ts'
import { parseAge } from '../../options.ts'
import type { Run } from '../../session.ts'

const HOUR_MS = 3_600_000
/** Who freezes does it now: long after, an approval that is still around would freeze what nobody wants frozen. */
const EXPIRES_MS = 4 * HOUR_MS
const SCOPES = ['writes', 'policy', 'bootstrap']

interface FreezeOptions extends ProposeOptions { readonly for: number }
interface UnfreezeOptions extends ProposeOptions { readonly emergency?: true }

/** An emergency: what is frozen ends by itself, and leaves something to explain. */
export function addFreeze (governance: Command, run: Run): void {
  const freeze = governance.command('freeze')
    .description('propose to freeze writes of peers, or changes of a section, by the emergency quorum')
    .addArgument(new Argument('[scope]', 'what is frozen').choices(SCOPES).default('writes'))
    .requiredOption('--reason <text>', 'why')
    .option('--for <duration>', 'after which it ends by itself', parseAge, HOUR_MS / 2)
  addProposalOptions(freeze)
    .addHelpText('after', '\nOnce executed it leaves two obligations: a public event within 24 h, a post-mortem within 72 h.\n--json prints the answer of POST /v1/governance/freeze.')
    .action(run(async (session, scope: string, { for: durationMs, ...options }: FreezeOptions) =>
      await propose(session, { section: 'freezes', change: { op: 'freeze', scope, duration_ms: durationMs } }, { expires: EXPIRES_MS, ...options, authority: 'emergency' })))

  const unfreeze = governance.command('unfreeze')
    .description('propose to end a freeze before it ends by itself')
    .addArgument(new Argument('[scope]', 'what is frozen').choices(SCOPES).default('writes'))
    .requiredOption('--reason <text>', 'why')
    .option('--emergency', 'by the emergency quorum instead of the usual one')
  addProposalOptions(unfreeze)
    .addHelpText('after', '\n--json prints the answer of POST /v1/governance/proposals.')
    .action(run(async (session, scope: string, { emergency, ...options }: UnfreezeOptions) =>
      await propose(session, { section: 'freezes', change: { op: 'thaw', scope } }, { expires: EXPIRES_MS, ...options, authority: emergency === true ? 'emergency' : 'quorum' })))
}
