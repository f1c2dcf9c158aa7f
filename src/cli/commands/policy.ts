import type { Command } from 'commander'
import type { PolicyBody, PolicyLists, PolicyTestBody } from '../../http/admin/wire-policy.ts'
import { usageFailure } from '../failure.ts'
import { type Field, renderFields, renderTable, type View } from '../layout.ts'
import type { Run } from '../session.ts'
import { formatMoment } from '../text.ts'

const SHOW_NOTES = `
Profile and lists are governed once there is a genesis: change them with \`ronctl governance propose policy.…\`. How much of its
record quotas a peer uses: \`ronctl quotas\`. Whether members are enforced: \`ronctl membership status\`.
--json prints the answer of GET /v1/policy.`
const TEST_NOTES = `
Asks what the policy makes of an address, a peer or both, and with --path what a request there must bring. What was used up of a
budget, and who is a member, it does not tell. Nothing is counted. Exits with 1 when it would be refused.
--json prints the answer of GET /v1/policy/test.`

interface TestOptions { readonly ip?: string, readonly peer?: string, readonly method?: string, readonly path?: string }

/** Why somebody is refused, or would be. */
export function addPolicy (program: Command, run: Run): void {
  const policy = program.command('policy').description('show the policy in force, and what it makes of somebody')
  policy.command('show')
    .description('show the profile, lists and budgets in force, and where they come from')
    .addHelpText('after', SHOW_NOTES)
    .action(run(async ({ client, out }) => {
      out.answer(await client.policy(), renderPolicy)
      return 'ok'
    }))
  policy.command('test')
    .description('ask whether somebody would be let in, and by which rule')
    .option('--ip <address>', 'from where')
    .option('--peer <id>', 'who, by peer ID')
    .option('--method <name>', 'with --path: of the request; GET unless told')
    .option('--path <path>', 'of a request, as /v1/status')
    .addHelpText('after', TEST_NOTES)
    .action(run(async ({ client, out }, options: TestOptions) => {
      if (options.ip === undefined && options.peer === undefined) throw usageFailure('It does not say who is meant.', 'Give --ip, --peer or both.')
      if (options.method !== undefined && options.path === undefined) throw usageFailure('--method needs --path.')
      const judged = await client.testPolicy(options)
      out.answer(judged, renderTest)
      return judged.admitted && judged.routes?.length !== 0 && !(judged.routes ?? []).some(({ stopped }) => stopped !== undefined) ? 'ok' : 'negative'
    }))
}

function renderPolicy (body: PolicyBody, view: View): string {
  const { profile, source, fault, databases, writes_stopped: stopped } = body
  return renderFields([
    ['profile', profile],
    ['set by', source],
    ['judges', fault === undefined ? 'yes' : `no, so everybody is refused: ${fault}`],
    ['origins', body.asks_origin ? `AS numbers and countries count; one that is not known is ${body.unknown_origin === 'admit' ? 'admitted' : 'refused'}` : 'do not count'],
    ['others', body.only_allowed ? 'are refused, once an allow list names anybody' : 'are admitted'],
    ['deny', listsOf(body.deny)],
    ['allow', listsOf(body.allow)],
    ['databases', databases.map(({ kind, fault }) => `${kind}: ${fault ?? 'read'}`)],
    ['writes', stopped.length === 0 ? 'are taken' : stopped.map(({ kind, reason }) => `are refused: ${kind}: ${reason}`)],
  ], view) + '\n' + renderTable([{ title: 'BUDGET' }, { title: 'LIMIT', alignment: 'right' }, { title: '' }, { title: 'SETTING' }], body.budgets.map(({ what, limit, unit, setting }) => [
    what, String(limit), unit, setting ?? '–',
  ]), view)
}

function listsOf (lists: PolicyLists): string[] {
  return (['peers', 'prefixes', 'asns', 'countries'] as const).flatMap(kind => {
    const { count, first } = lists[kind]
    return count === 0 ? [] : [`${kind}: ${first.join(' ')}${count > first.length ? ` and ${count - first.length} more` : ''}`]
  })
}

function renderTest ({ admitted, reason, match, profile, origin, bans, routes }: PolicyTestBody, view: View): string {
  const fields: Field[] = [
    ['admitted', admitted ? 'yes' : `no: ${reason ?? 'refused'}`],
    ['by', match === undefined ? `the profile ${profile}` : `the ${match.list} list of ${match.kind}: ${match.member}`],
  ]
  if (origin !== undefined) fields.push(['origin', `${origin.asn === undefined ? 'AS not known' : `AS${origin.asn}`}, ${origin.country ?? 'country not known'}`])
  if (bans.length > 0) fields.push(['discv5', bans.map(({ subject, until, reason }) => `shut out with ${subject}, ends ${formatMoment(until, view.now)}: ${reason}`)])
  if (routes !== undefined) {
    fields.push(['request', routes.length === 0
      ? 'there is nothing at this path'
      : routes.map(({ surface, route, asks, stopped }) => `${surface} ${route} asks ${asks === 'public' ? 'nothing' : `a capability with ${asks}`}${stopped === undefined ? '' : `; refused now, ${stopped}`}`)])
  }
  return renderFields(fields, view)
}
