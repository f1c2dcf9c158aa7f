import type { Command } from 'commander'
import type { Envelope } from '../../../governance/envelope.ts'
import { statementId } from '../../../governance/ledger.ts'
import { statementOf } from '../../../governance/statement.ts'
import { Failure, usageFailure } from '../../failure.ts'
import type { AdminClient } from '../../client.ts'
import { isSigned, readCarried } from '../../governance/carried.ts'
import { pathOf } from '../../governance/draft.ts'
import { renderAnswer } from '../../governance/render.ts'
import type { Run, Session } from '../../session.ts'
import type { ProposalBody } from '../../../http/admin/wire.ts'

/** Every daemon judges and keeps statements for itself: the same file is handed to each of them. */
export function addSubmit (governance: Command, run: Run): void {
  governance.command('submit')
    .description('hand in the signed statements of a carried file; what the daemon has already is passed over')
    .argument('<file>', 'written by --out')
    .option('--dry-run', 'have the daemon judge the first one that it does not have, and do nothing')
    .addHelpText('after', '\nHand the same file to every daemon of the network. --json prints one answer of the daemon a line.')
    .action(run(async (session, path: string, { dryRun = false }: { readonly dryRun?: boolean }) => {
      const handedIn = await submitAll(session, readCarried(path).statements, dryRun)
      return handedIn > 0 ? 'ok' : 'negative'
    }))
}

/** Hands in what the daemon does not have yet; how many those were. With `isDryRun` it judges the first of them, and nothing is done. */
export async function submitAll ({ client, out }: Session, statements: readonly Envelope[], isDryRun = false): Promise<number> {
  let handedIn = 0
  for (const envelope of statements) {
    if (await isKnown(client, envelope)) {
      out.remark(`The daemon has it already: ${statementOf(envelope).kind} ${statementId(envelope)}`)
      continue
    }
    if (!isSigned(envelope)) throw usageFailure(`It is not signed yet: ${statementOf(envelope).kind} ${statementId(envelope)}`, 'Sign it first: ronctl governance sign FILE --key KEY')
    out.answer(await client.submit(pathOf(envelope), { envelope, ...(isDryRun && { dry_run: true }) }), renderAnswer)
    handedIn++
    if (isDryRun) break // what follows is judged on what this one would have done
  }
  if (handedIn === 0) out.remark('Nothing in the file is new to this daemon.')
  return handedIn
}

async function isKnown (client: AdminClient, envelope: Envelope): Promise<boolean> {
  const { kind, body } = statementOf(envelope)
  if (kind === 'proposal') return await find(client, statementId(envelope)) !== undefined
  if (kind !== 'approval') return false
  const approvals = (await find(client, body.proposal_id))?.approvals ?? []
  return approvals.some(({ actor, ml_dsa_87: isPq }) => actor === body.actor && isPq)
}

async function find (client: AdminClient, id: string): Promise<ProposalBody | undefined> {
  try {
    return await client.proposal(id)
  } catch (err) {
    if (err instanceof Failure && err.code === 'NotFound') return undefined
    throw err
  }
}
