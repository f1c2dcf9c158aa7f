import type { Command } from 'commander'
import { act, addActOptions, type ActOptions } from '../../governance/act.ts'
import { fetchState } from '../../governance/agreed.ts'
import { draftStatement } from '../../governance/draft.ts'
import { publicKey } from '../../governance/key-options.ts'
import { renderFields, renderTable } from '../../layout.ts'
import type { Run } from '../../session.ts'
import { formatMoment } from '../../text.ts'

/** What an emergency leaves to do. */
export function addObligations (governance: Command, run: Run): void {
  governance.command('obligations')
    .description('list what emergencies left to do; exits with 1 when something is overdue')
    .addHelpText('after', '\n--json prints the answer of GET /v1/governance/obligations.')
    .action(run(async ({ client, out }) => {
      const body = await client.obligations()
      out.answer(body, ({ obligations }, view) => obligations.length === 0
        ? 'no obligations\n'
        : renderTable(['id', 'what', 'due', 'status'].map(title => ({ title })), obligations.map(({ id, kind, dueAt, fulfilledAt, overdue }) => [id, kind, formatMoment(new Date(dueAt).toISOString(), view.now), fulfilledAt !== undefined ? 'fulfilled' : overdue ? 'overdue' : 'open']), view))
      return body.obligations.some(({ overdue }) => overdue) ? 'negative' : 'ok'
    }))
  const fulfil = governance.command('fulfil')
    .description('say that an obligation is fulfilled, and where')
    .argument('<obligation>', 'its id')
    .requiredOption('--link <text>', 'where the event or the post-mortem is')
  addActOptions(fulfil).action(run(async (session, id: string, { link, ...options }: ActOptions & { readonly link: string }) => {
    const { actor } = publicKey(session, options)
    const state = await fetchState(session.client)
    const envelope = draftStatement('fulfilment', { obligation_id: id, link }, state, { id: actor.id, now: session.host.now() })
    return await act(session, { envelope, state, shown: view => renderFields([['obligation', id], ['link', link]], view), question: 'Is it fulfilled?' }, options)
  }))
}
