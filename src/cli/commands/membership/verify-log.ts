import type { Command } from 'commander'
import { found } from '../../../governance/genesis.ts'
import { statementId } from '../../../governance/ledger.ts'
import { IntegrityFault, Replay } from '../../../governance/replay.ts'
import { parseGenesis } from '../../../governance/statement.ts'
import { sectionDigest, stateRoot } from '../../../governance/state.ts'
import type { GovernanceStatusBody } from '../../../http/admin/wire.ts'
import { openLogFiles } from '../../audit/files.ts'
import { verifyLog, type Verdict } from '../../audit/verify.ts'
import { Failure, usageFailure } from '../../failure.ts'
import { readJsonFile } from '../../governance/files.ts'
import { renderFields, type View } from '../../layout.ts'
import { parseAge, parseCount } from '../../options.ts'
import type { Run } from '../../session.ts'
import { addKey, expect, type TrustOptions } from '../audit.ts'

/** What `verify-log --json` prints. */
type Outcome =
  | { readonly valid: true, readonly entries: number, readonly inputs: number, readonly network_id: string, readonly epoch: number, readonly root: string, readonly members: { readonly mode: string, readonly active: number, readonly digest: string } }
  | { readonly valid: false, readonly fault: string, readonly message: string, readonly seq?: number }

const NOTES = `
First the log itself, as \`ronctl audit verify\` does. Then every statement that it holds goes through the rules again, from the genesis on, and
has to end where the log says. A daemon that is asked has to stand there too. --json prints {"valid": true, "entries", "inputs", "network_id",
"epoch", "root", "members"} or {"valid": false, "fault", "message", "seq?"}.`

/** Nobody is believed: neither the daemon, nor who wrote its log. */
export function addVerifyLog (membership: Command, run: Run): void {
  membership.command('verify-log')
    .description('verify the log and work out from it who is a member, by the rules and nothing else')
    .argument('[folder-or-file]', 'a folder or .tar file of a log (default: the running daemon’s)')
    .requiredOption('--genesis <path>', 'the genesis that all signers signed')
    .option('--key <vkey>', 'a key that you trust to sign this log; may be repeated', addKey)
    .option('--origin <name>', 'the log’s name (default: the name in the first key)')
    .option('--min-size <entries>', 'how long the log must be at least', parseCount, 0)
    .option('--max-age <duration>', 'how old the checkpoint may be', parseAge)
    .addHelpText('after', NOTES)
    .action(run(async (session, path: string | undefined, { genesis, ...options }: TrustOptions & { readonly genesis: string }) => {
      const { client, out } = session
      if (path !== undefined && options.key === undefined) throw usageFailure('A log that is not asked of a daemon needs a key to trust.', 'Give --key; `ronctl audit head` prints the keys of a running daemon.')
      const replay = replayFrom(genesis)
      const expectation = await expect(session, options)
      await using files = path === undefined ? undefined : await openLogFiles(path)
      out.progress('verifying')
      const fault: { first?: IntegrityFault } = {}
      const verdict = await verifyLog(async name => files === undefined ? await client.auditFile(name) : await files.read(name), {
        ...expectation,
        onEntry: entry => {
          if (fault.first !== undefined) return // the log is read to its end: that it is whole is known only then
          try {
            replay.take(entry)
          } catch (err) {
            if (!(err instanceof IntegrityFault)) throw err
            fault.first = err
          }
        },
      })
      const told = path === undefined && verdict.valid && fault.first === undefined ? await client.governanceStatus() : undefined
      const outcome = conclude(verdict, fault.first, replay, told)
      out.answer(outcome, render)
      return outcome.valid ? 'ok' : 'negative'
    }))
}

function replayFrom (path: string): Replay {
  try {
    const value = readJsonFile(path)
    return new Replay(found(value), statementId(parseGenesis(value).envelope), [])
  } catch (err) {
    if (err instanceof Failure) throw err
    throw usageFailure(`The genesis cannot be used: ${(err as Error).message}.`, 'Name the file that all signers signed; `ronctl governance init --check` judges it.')
  }
}

function conclude (verdict: Verdict, fault: IntegrityFault | undefined, { ledger: { state }, n, isFounded }: Replay, told: GovernanceStatusBody | undefined): Outcome {
  if (!verdict.valid) return verdict
  if (fault !== undefined) return { valid: false, fault: fault.fault, message: fault.message }
  if (!isFounded) return { valid: false, fault: 'genesis', message: 'the log names no genesis: it is of a daemon that nobody governs' }
  const root = stateRoot(state)
  // What was taken since the checkpoint is not in what was verified.
  if (told?.inputs === n && told.root !== root) return { valid: false, fault: 'root', message: `the daemon stands at ${told.root ?? 'no root'}, and its log ends at ${root}` }
  const { mode, nodes } = state.sections.members
  return {
    valid: true,
    entries: verdict.size,
    inputs: n,
    network_id: state.network_id,
    epoch: state.epoch,
    root,
    members: { mode, active: nodes.filter(({ status }) => status === 'active').length, digest: sectionDigest(state, 'members') },
  }
}

function render (outcome: Outcome, view: View): string {
  if (!outcome.valid) return renderFields([['verified', 'no'], ['fault', outcome.fault], ['why', outcome.message]], view)
  const { entries, inputs, network_id: networkId, epoch, root, members } = outcome
  return renderFields([
    ['verified', 'yes'],
    ['network', networkId],
    ['entries', `${entries}, ${inputs} of them statements and what followed from them`],
    ['epoch', String(epoch)],
    ['root', root],
    ['members', `${members.active} active, ${members.mode}, ${members.digest}`],
  ], view)
}
