import { Failure, usageFailure } from '../failure.ts'
import type { Session } from '../session.ts'

export interface ConfirmOptions { readonly yes?: true }

/** Shows what is about to be signed, and goes on only when a person, or the command line with --yes, says so. */
export async function confirm ({ host, out }: Session, shown: string, question: string, { yes }: ConfirmOptions): Promise<void> {
  if (yes === true) return
  if (!host.terminal.isThere || out.isJson) throw usageFailure('There is nobody to ask whether to sign.', 'Run it in a terminal, or say --yes.')
  out.clearProgress()
  host.stderr.write(shown)
  const answer = await host.terminal.ask(`${question} [y/N] `)
  if (answer === undefined || !/^y(es)?$/i.test(answer.trim())) throw new Failure('Nothing was signed.', { exit: 'negative', code: 'Conflict', hint: 'You said no.' })
}
