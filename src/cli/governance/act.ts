import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import type { Envelope } from '../../governance/envelope.ts'
import { statementId } from '../../governance/ledger.ts'
import { statementOf, type Proposal } from '../../governance/statement.ts'
import type { State } from '../../governance/state.ts'
import type { Exit } from '../exit-codes.ts'
import { Failure, usageFailure } from '../failure.ts'
import type { View } from '../layout.ts'
import type { Session } from '../session.ts'
import { printable } from '../text.ts'
import { writeCarried } from './carried.ts'
import { confirm } from './confirm.ts'
import { pathOf, proposalEnvelope } from './draft.ts'
import { assertEntitled } from './entitlement.ts'
import { addKeyOptions, keyPath, publicKey, sign, type KeyOptions } from './key-options.ts'
import { assertShowable, renderAnswer } from './render.ts'

export interface ActOptions extends KeyOptions {
  readonly out?: string
  readonly dryRun?: true
}

/** One statement to make. */
export interface Act {
  readonly envelope: Envelope
  /** What it is about, unless it is itself a proposal. */
  readonly about?: { readonly id: string, readonly proposal: Proposal }
  readonly state: State
  /** What the signer is to see before. */
  readonly shown: (view: View) => string
  readonly question: string
}

/** The options of every command that makes a statement. */
export function addActOptions (command: Command): Command {
  return addKeyOptions(command)
    .option('--out <path>', 'write it to a new file instead of handing it in; unsigned when --key is a public key')
    .option('--dry-run', 'show what would be signed, and sign nothing')
}

/** Shows a statement, has it signed, and hands it in; or does only as much of that as was asked for. */
export async function act (session: Session, { envelope, about, state, shown, question }: Act, options: ActOptions): Promise<Exit> {
  const { out, host, client } = session
  const plain: View = { now: host.now(), columns: undefined, hasColour: false }
  if (options.dryRun === true) {
    out.answer({ dry_run: true, id: statementId(envelope), ...statementOf(envelope) }, (_, view) => shown(view))
    out.remark('Nothing was signed.')
    return 'ok'
  }
  const carried = (statement: Envelope) => ({ state, statements: [...(about === undefined ? [] : [proposalEnvelope(about.proposal, about.id)]), statement] })
  const { actor, signed: memory } = publicKey(session, options)
  const isPublicOnly = memory === undefined
  assertEntitled(actor.id, envelope, about?.proposal, state, host.now())
  // A signature that is made and then lost would still be remembered by its key.
  if (options.out !== undefined && existsSync(options.out)) throw usageFailure(`${options.out} is there already.`, 'Name a new file.')
  if (isPublicOnly && options.out === undefined) throw usageFailure('A public key cannot sign.', 'Name the key itself, or write the statement to a file with --out.')
  if (isPublicOnly) return written(session, options.out ?? '', envelope, carried(envelope))
  if (about !== undefined && statementOf(envelope).kind === 'approval') assertShowable(about.proposal, state, host.now())
  await confirm(session, shown(plain), question, options)
  const signed = await sign(session, { envelope, ...(about !== undefined && { proposal: about.proposal }) }, options)
  if (options.out !== undefined) return written(session, options.out, signed, carried(signed))
  out.answer(await client.submit(pathOf(signed), { envelope: signed }).catch((err: unknown) => { throw keepUnsent(session, err, carried(signed), options) }), renderAnswer)
  return 'ok'
}

/** Signing the same thing again would be another statement: one that did not arrive is kept, to be handed in as it is. */
function keepUnsent (session: Session, err: unknown, carried: Parameters<typeof writeCarried>[1], options: ActOptions): unknown {
  if (!(err instanceof Failure) || !err.retryable) return err
  const path = `${keyPath(session, options)}.${session.host.now()}.unsent`
  writeCarried(path, carried)
  const { message, exit, code, requestId } = err
  return new Failure(message, { exit, code, retryable: true, requestId, cause: err, hint: `It is signed, and kept: ronctl governance submit ${path}` })
}

function written ({ out }: Session, path: string, envelope: Envelope, carried: Parameters<typeof writeCarried>[1]): Exit {
  writeCarried(path, carried)
  const isSigned = envelope.signatures.length > 0
  out.answer({ id: statementId(envelope), file: path, signed: isSigned }, ({ id }) => `${id} is in ${printable(path)}, ${isSigned ? 'signed' : 'to be signed: ronctl governance sign'}\n`)
  return 'ok'
}
