import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import type { DisputesBody } from '../../../http/admin/wire.ts'
import { Failure, usageFailure } from '../../failure.ts'
import { act, addActOptions, type ActOptions } from '../../governance/act.ts'
import { fetchState } from '../../governance/agreed.ts'
import { draftStatement } from '../../governance/draft.ts'
import { publicKey } from '../../governance/key-options.ts'
import { nameOf } from '../../governance/render.ts'
import { renderFields, renderTable, type Field } from '../../layout.ts'
import type { Run, Session } from '../../session.ts'
import { formatMoment, printable } from '../../text.ts'

interface Filed {
  readonly subject?: string
  readonly summary?: string
  readonly evidence?: readonly string[]
  readonly requestedOverride?: string
  readonly impact?: string
  readonly contacts?: string
}
interface FileOptions extends ActOptions, Filed { readonly template?: string }

/** The template of svc-dht-governance §7: which line is which field. */
const LINES = { Dispute: 'subject', Summary: 'summary', Evidence: 'evidence', 'Requested Override': 'requestedOverride', Impact: 'impact', Contacts: 'contacts' } as const
const MAX_TEMPLATE = 64 * 1024

const NOTES = `
A template has the lines Dispute:, Summary:, Evidence: (once for each), Requested Override:, Impact: and Contacts:. What is given as an option
goes before it. --json prints the answer of POST /v1/governance/disputes.`

/** The appeal path: any actor may dispute a proposal or an entry of the log; nobody closes their own. */
export function addDispute (governance: Command, run: Run): void {
  const dispute = governance.command('dispute').description('dispute a proposal or an entry of the audit log, and resolve disputes')
  addFile(dispute, run)
  dispute.command('list')
    .description('list disputes')
    .addHelpText('after', '\n--json prints the answer of GET /v1/governance/disputes.')
    .action(run(async ({ client, out }) => {
      out.answer(await client.disputes(), ({ disputes }: DisputesBody, view) => disputes.length === 0
        ? 'no disputes\n'
        : renderTable(['id', 'status', 'filed', 'subject', 'summary'].map(title => ({ title })), disputes.map(({ id, status, at, dispute: { subject, summary } }) => [id, status, formatMoment(new Date(at).toISOString(), view.now), subject, summary]), view))
      return 'ok'
    }))
  const resolve = dispute.command('resolve')
    .description('close a dispute, as security or owner')
    .argument('<dispute>', 'its id')
    .requiredOption('--outcome <text>', 'what came of it')
  addActOptions(resolve).action(run(async (session, id: string, { outcome, ...options }: ActOptions & { readonly outcome: string }) => {
    const { client, host } = session
    const { actor } = publicKey(session, options)
    const state = await fetchState(client)
    const found = (await client.disputes()).disputes.find(dispute => dispute.id === id)
    if (found === undefined) throw new Failure('There is no such dispute.', { exit: 'negative', code: 'NotFound', hint: 'See `ronctl governance dispute list`.' })
    const envelope = draftStatement('resolution', { dispute_id: id, outcome }, state, { id: actor.id, now: host.now() })
    const fields: readonly Field[] = [['dispute', id], ['subject', found.dispute.subject], ['summary', found.dispute.summary], ['filed by', nameOf(found.dispute.actor, state)], ['outcome', outcome]]
    return await act(session, { envelope, state, shown: view => renderFields(fields, view), question: 'Resolve it so?' }, options)
  }))
}

function addFile (dispute: Command, run: Run): void {
  const file = dispute.command('file')
    .description('file a dispute')
    .option('--subject <what>', 'proposal:<number or id> or audit:<number of the entry>')
    .option('--summary <text>', 'in one line')
    .option('--evidence <text>', 'metrics, logs, captures; once for each', (value: string, values: readonly string[] = []) => [...values, value])
    .option('--requested-override <text>', 'its scope and duration')
    .option('--impact <text>', 'on SLO and SLA')
    .option('--contacts <text>', 'who is on call')
    .option('--template <path>', 'a file with these as lines')
  addActOptions(file).addHelpText('after', NOTES).action(run(async (session, options: FileOptions) => {
    const { actor } = publicKey(session, options)
    const state = await fetchState(session.client)
    const given: Filed = { ...(options.template !== undefined && readTemplate(options.template)), ...options }
    const say = (name: Exclude<keyof Filed, 'evidence'>, label: string): string => {
      const text = given[name]
      if (text === undefined) throw usageFailure(`The dispute has no ${label}.`, `Give --${label.replaceAll(' ', '-')}, or --template FILE.`)
      return text
    }
    const body = {
      subject: await resolveSubject(session, say('subject', 'subject')),
      summary: say('summary', 'summary'),
      evidence: given.evidence ?? [],
      requested_override: say('requestedOverride', 'requested override'),
      impact: say('impact', 'impact'),
      contacts: say('contacts', 'contacts'),
    }
    const envelope = draftStatement('dispute', body, state, { id: actor.id, now: session.host.now() })
    return await act(session, { envelope, state, shown: view => renderFields(Object.entries(body).map(([name, value]): Field => [name.replaceAll('_', ' '), value]), view), question: 'File this dispute?' }, options)
  }))
}

/** With the proposal’s id where its number was given. */
async function resolveSubject ({ client }: Session, subject: string): Promise<string> {
  if (/^[0-9a-f]{64}$/.test(subject)) return `proposal:${subject}`
  const [, number] = /^proposal:(\d{1,15})$/.exec(subject) ?? []
  if (number !== undefined) return `proposal:${(await client.proposal(number)).id}`
  if (!/^(proposal:[0-9a-f]{64}|audit:\d{1,15})$/.test(subject)) throw usageFailure(`This is nothing to dispute: ${subject}`, 'Write proposal:<number or id> or audit:<number of the entry>.')
  return subject
}

/** @throws {Failure} usage for a file that cannot be read, or with lines that are none of the template */
function readTemplate (path: string): Filed {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (err) {
    throw usageFailure(`${printable(path)} cannot be read (${(err as NodeJS.ErrnoException).code}).`)
  }
  if (text.length > MAX_TEMPLATE) throw usageFailure(`${printable(path)} is too long.`)
  const filed: { -readonly [K in keyof Filed]: Filed[K] } = {}
  for (const line of text.split('\n').filter(line => line.trim() !== '')) {
    const [, label = '', value = ''] = /^([A-Za-z ]+):\s*(.*)$/.exec(line) ?? []
    if (!Object.hasOwn(LINES, label)) throw usageFailure(`This line is none of the template: ${line}`, `Lines are ${Object.keys(LINES).join(', ')}.`)
    const name = LINES[label as keyof typeof LINES]
    if (name === 'evidence') filed.evidence = [...filed.evidence ?? [], value]
    else filed[name] = value
  }
  return filed
}
