import type { Command } from 'commander'
import type { Policy } from '../../audit/format/policy.ts'
import type { AuditHeadBody, AuditRotateBody } from '../../http/admin/wire.ts'
import { createLogTarget, openLogFiles } from '../audit/files.ts'
import { readKeyChanges, renderKeyChanges, type KeyChange } from '../audit/key-chain.ts'
import { showLog, type LogOptions } from '../audit/show-log.ts'
import { parseNamedKeys, readKeptCheckpoint, readPolicy, readTrustedKeys, verdictExit, renderVerdict } from '../audit/trust.ts'
import { verifyLog, verifyLogInUse, type Expectation } from '../audit/verify.ts'
import { usageFailure } from '../failure.ts'
import { renderFields, type View } from '../layout.ts'
import { parseAge, parseCount } from '../options.ts'
import type { Run, Session } from '../session.ts'
import { printable } from '../text.ts'

export interface TrustOptions {
  readonly key?: readonly string[]
  readonly origin?: string
  readonly policy?: string
  readonly minSize: number
  readonly maxAge?: number
  readonly after?: string
}

const VERIFY_NOTES = `
Reads every entry, the chain between them, every tile and the checkpoint, and says which entry is wrong and why. Exits with 1
when anything is. Without a folder or archive the running daemon is asked. A key is a verifier key, name+id+key, or a file with
one a line; \`ronctl audit head\` prints those of a daemon. Where a key that you trust handed over to another, this is followed and
said. Who holds the keys of a log can sign another history: keep a checkpoint elsewhere and give it with --after, or ask for witnesses
with --policy. A checkpoint that was made just now has its cosignatures a moment later. --json prints {"valid": true, "origin", "size",
"root", "from?", "continues?", "signed_by", "signed_at?", "witnesses?": {"cosigned", "missing"}, "rotations?": [{"seq", "to"}]} or {"valid": false, "fault",
"message", "seq?", "witnesses?"}; from is the first entry that is kept, where older ones were let go.`

const HEAD_NOTES = `
--json prints the answer of GET /v1/audit/head, with --rotations and "rotations": [{"seq", "ts", "actor", "reason", "from", "to", "vouched_in?"}].`

const ROTATE_NOTES = `
Whoever verifies by the keys before follows to the new ones. Witnesses do not: send their operators what \`ronctl audit head --keys\`
prints then. \`ronctl audit head --rotations\` shows when keys changed. --json prints {"seq", "keys"}.`

/** The log that nobody can alter unnoticed. */
export function addAudit (program: Command, run: Run): void {
  const audit = program.command('audit').description('read and verify the log of control actions')
  addLog(audit, run)
  addVerify(audit, run)
  audit.command('proof')
    .description('print the proof that an entry is in the log (c2sp.org/tlog-proof)')
    .argument('<seq>', 'the number of the entry', parseCount)
    .addHelpText('after', '\n--json prints {"seq", "proof"}.')
    .action(run(async ({ client, out }, seq: number) => {
      out.answer({ seq, proof: await client.auditProof(seq) }, ({ proof }) => proof)
      return 'ok'
    }))
  addExport(audit, run)
  addHead(audit, run)
  audit.command('rotate-key')
    .description('have new keys sign the log from here on; the ones before vouch for them')
    .requiredOption('--reason <text>', 'why; it goes into the log')
    .addHelpText('after', ROTATE_NOTES)
    .action(run(async ({ client, out }, { reason }: { readonly reason: string }) => {
      out.answer(await client.rotateAuditKey({ reason }), renderRotation)
      return 'ok'
    }))
}

function addLog (audit: Command, run: Run): void {
  audit.command('log')
    .description('print entries, oldest first')
    .option('--since <duration>', 'only those of the last 90s, 10m, 24h, 7d …', parseAge)
    .option('--action <name>', 'only one action, as cap.mint, or all on one thing, as cap')
    .option('--follow', 'go on with new entries until stopped')
    .addHelpText('after', '\n--json prints one entry a line, as the log has it.')
    .action(run(async (session, options: LogOptions) => await showLog(session, options)))
}

function addHead (audit: Command, run: Run): void {
  audit.command('head')
    .description('show how long the log is, what its checkpoint covers, and by which keys it is known')
    .option('--keys', 'print the keys alone, one a line, as `audit verify --key` takes them')
    .option('--rotations', 'show each change of the keys too: when, by whom, why, and whether the ones before vouched for the new')
    .addHelpText('after', HEAD_NOTES)
    .action(run(async ({ client, out }, { keys = false, rotations = false }: { readonly keys?: boolean, readonly rotations?: boolean }) => {
      if (keys && rotations) throw usageFailure('--keys prints the keys alone: leave --rotations out.')
      const head = await client.auditHead()
      const answer: AuditHeadBody & { readonly rotations?: readonly KeyChange[] } = rotations ? { ...head, rotations: await readKeyChanges(client) } : head
      out.answer(answer, (answer, view) => keys ? answer.keys.map(key => `${printable(key)}\n`).join('') : `${renderHead(answer, view)}${answer.rotations === undefined ? '' : renderKeyChanges(answer.rotations, view)}`)
      return 'ok'
    }))
}

function addVerify (audit: Command, run: Run): void {
  audit.command('verify')
    .description('verify the daemon’s log, or one in a folder or archive')
    .argument('[folder-or-file]', 'a folder or .tar file of a log')
    .option('--key <vkey>', 'a key that you trust to sign this log; may be repeated', addKey)
    .option('--origin <name>', 'the log’s name (default: the name in the first key)')
    .option('--policy <file>', 'a trust policy (tlog-policy): its witnesses must have cosigned; its logs are trusted without --key')
    .option('--min-size <entries>', 'how long the log must be at least', parseCount, 0)
    .option('--max-age <duration>', 'how old the checkpoint may be', parseAge)
    .option('--after <file>', 'a checkpoint that you kept: the log must go on from it')
    .addHelpText('after', VERIFY_NOTES)
    .action(run(async (session, path: string | undefined, options: TrustOptions) => {
      const { client, out } = session
      const policy = options.policy === undefined ? undefined : await readPolicy(options.policy)
      if (path !== undefined && options.key === undefined && (policy?.logs ?? []).length === 0) throw usageFailure('A log that is not asked of a daemon needs a key to trust.', 'Give --key, or a policy with a log; `ronctl audit head` prints the keys of a running daemon.')
      const kept = options.after === undefined ? undefined : await readKeptCheckpoint(options.after)
      const expectation = { ...await expect(session, options, policy), kept }
      await using files = path === undefined ? undefined : await openLogFiles(path)
      out.progress('verifying')
      const verdict = await verifyLogInUse(async name => files === undefined ? await client.auditFile(name) : await files.read(name), expectation)
      out.answer(verdict, renderVerdict)
      return verdictExit(verdict)
    }))
}

function addExport (audit: Command, run: Run): void {
  audit.command('export')
    .description('copy the log into a new folder or .tar file, verified while it is read')
    .argument('<folder-or-file>', 'where to')
    .option('--key <vkey>', 'a key that you trust to sign this log; may be repeated', addKey)
    .option('--origin <name>', 'the log’s name (default: the name in the first key)')
    .addHelpText('after', '\nThe layout is tlog-tiles: any static web server can serve the folder. --json prints what `audit verify` prints.')
    .action(run(async (session, path: string, options: Pick<TrustOptions, 'key' | 'origin'>) => {
      const { client, out, host } = session
      const expectation = await expect(session, { ...options, minSize: 0 })
      await using target = await createLogTarget(path, host.now())
      out.progress('exporting')
      let checkpoint: Uint8Array | undefined
      const verdict = await verifyLog(async name => {
        const bytes = await client.auditFile(name)
        if (name === 'checkpoint') checkpoint = bytes
        else if (bytes !== undefined) await target.write(name, bytes)
        return bytes
      }, expectation)
      // Last, as in the log itself: a copy that broke off has none.
      if (verdict.valid && checkpoint !== undefined) {
        await target.write('checkpoint', checkpoint)
        await target.finish()
      }
      out.answer(verdict, renderVerdict)
      return verdictExit(verdict)
    }))
}

export function addKey (key: string, keys: readonly string[] = []): readonly string[] {
  return [...keys, key]
}

/** What is expected of the log; for a daemon that we ask without a key of our own, by the keys that it names itself. */
export async function expect ({ client, out, host }: Session, { key, origin, minSize, maxAge }: TrustOptions, policy?: Policy): Promise<Expectation> {
  const known = key === undefined ? policy?.logs.map(log => log.key) ?? [] : []
  if (key === undefined && known.length === 0) out.remark('Note: verified by the keys that the daemon names itself. Give --key to verify by one that you trust.')
  const trusted = known.length > 0 ? known : key === undefined ? parseNamedKeys((await client.auditHead()).keys) : await readTrustedKeys(key)
  return { trusted, origin: origin ?? trusted[0]?.name ?? '', minSize, maxAgeMs: maxAge, nowMs: host.now(), policy }
}

function renderRotation ({ seq, keys }: AuditRotateBody, view: View): string {
  return renderFields([['in the log as', `entry ${seq}`], ['keys', keys]], view)
}

function renderHead ({ origin, size, published, minimum, root, keys, refusal }: AuditHeadBody, view: View): string {
  return renderFields([
    ['origin', origin],
    ['entries', String(size)],
    ['under the checkpoint', String(published)],
    ['published from', `entry ${minimum}`],
    ['root', root],
    ['keys', keys],
    ['takes entries', refusal === undefined ? 'yes' : `no: ${refusal}`],
  ], view)
}
