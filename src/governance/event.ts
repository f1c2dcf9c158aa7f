import type { ControlAction } from '../core/control-action.ts'
import { jsonDigest } from '../core/digest.ts'
import { HEX_32 } from './actor.ts'
import { claimedSigners, envelope } from './envelope.ts'
import { form, integer, object, oneOf, text, type Form, type Of } from './form.ts'
import { statementId, type Ledger } from './ledger.ts'
import { refused } from './refusal.ts'
import { parseStatement, type Statement } from './statement.ts'
import type { Input } from './step.ts'
import { timerForm, type Timer } from './timers.ts'

const PREFIX = 'svc-dht/governance/event/'
const SCHEMA = `${PREFIX}1` as const
const number = integer(0, Number.MAX_SAFE_INTEGER)
const schema = oneOf(SCHEMA)

const INPUTS = {
  statement: object({ kind: oneOf('statement'), envelope }),
  timer: object({ kind: oneOf('timer'), timer: timerForm }),
  canary: object({ kind: oneOf('canary'), proposalId: text(64, HEX_32), verdict: oneOf('green', 'red') }),
} as const

const EVENTS = {
  genesis: object({ schema, type: oneOf('genesis'), digest: text(64, HEX_32), network_id: text(64) }),
  /** `n` counts the inputs of this network: of two entries with one number, the later is the one that took effect. */
  input: object({ schema, type: oneOf('input'), n: number, at: number, input: union('kind', INPUTS) as Form<Input> }),
} as const
const eventForm = union('type', EVENTS) as Form<Of<typeof EVENTS['genesis']> | GovernedEvent>

/** What governance keeps in an entry of the log: enough to take the same step again. */
export interface GovernedEvent { readonly schema: typeof SCHEMA, readonly type: 'input', readonly n: number, readonly at: number, readonly input: Input }
export type GovernanceEvent = Of<typeof eventForm>

/**
 * The event of an entry, or undefined when the entry is not for a replay of governance.
 * @throws {DhtError} gov_schema for one of an unknown version or form
 */
export function readEvent (event: unknown): GovernanceEvent | undefined {
  if (typeof event !== 'object' || event === null || !('schema' in event)) return undefined
  if (typeof event.schema !== 'string' || !event.schema.startsWith(PREFIX)) return undefined
  return eventForm(event, 'event')
}

/** By this entry a log is governed from here on: the genesis by its digest, and who signed it. */
export function genesisAction (digest: string, { state }: Ledger): ControlAction {
  return {
    actor: 'daemon',
    action: 'governance.found',
    reason: 'the network is governed by this genesis',
    opId: `governance.found:${digest}`,
    signers: state.sections.charter.actors.map(({ id }) => id),
    event: { schema: SCHEMA, type: 'genesis', digest, network_id: state.network_id },
  }
}

/** Where an input comes from. */
export interface Caller { readonly capabilityId?: string }

/** One input as the log keeps it. `roots` are those of the state before and after, when it changed. */
export function inputAction (ledger: Ledger, input: Input, event: { readonly n: number, readonly at: number }, roots: { readonly before: string, readonly after: string } | undefined, caller: Caller): ControlAction {
  const { action, actor, reason, proposalId, isDisputed } = describe(ledger, input)
  const tracked = proposalId === undefined ? undefined : ledger.proposals.get(proposalId)
  const signers = input.kind === 'statement' ? [...new Set([...claimedSigners(input.envelope), ...tracked?.approvals.map(({ actor }) => actor) ?? []])] : []
  return {
    actor,
    action,
    reason,
    signers,
    opId: `${action}:${event.n}:${jsonDigest(input)}`,
    ...caller,
    ...(proposalId !== undefined && { proposalId }),
    ...(roots !== undefined && { beforeDigest: roots.before, afterDigest: roots.after }),
    ...(isDisputed && { disputed: true }),
    event: { schema: SCHEMA, type: 'input', ...event, input },
  }
}

const ACTIONS = {
  proposal: 'proposal.propose',
  approval: 'proposal.approve',
  veto: 'proposal.veto',
  execution: 'proposal.execute',
  promotion: 'proposal.promote',
  rollback: 'proposal.rollback',
  dispute: 'dispute.file',
  resolution: 'dispute.resolve',
  fulfilment: 'obligation.fulfil',
} as const satisfies Record<Statement['kind'], string>
const TIMERS = { lapse: 'proposal.lapse', 'end-override': 'override.end', thaw: 'freeze.thaw', escalate: 'dispute.escalate' } as const satisfies Record<Timer['name'], string>
const VERDICTS = { green: 'canary.green', red: 'canary.red' } as const

/** The name of what an input asks for: the label of `governance_actions_total{action}`. */
export type ActionName = typeof ACTIONS[keyof typeof ACTIONS] | typeof TIMERS[keyof typeof TIMERS] | typeof VERDICTS[keyof typeof VERDICTS] | 'unreadable'

/** What an input asks for; `unreadable` when it is no statement. */
export function nameOf (input: Input): ActionName {
  if (input.kind === 'timer') return TIMERS[input.timer.name]
  if (input.kind === 'canary') return VERDICTS[input.verdict]
  try {
    return ACTIONS[parseStatement(input.envelope).statement.kind]
  } catch {
    return 'unreadable' // the refusal itself says why
  }
}

interface Described { readonly action: ActionName, readonly actor: string, readonly reason: string, readonly proposalId?: string, readonly isDisputed: boolean }

const MAX_REASON = 512

function describe (ledger: Ledger, input: Input): Described {
  const action = nameOf(input)
  if (input.kind === 'timer') {
    const { name, id } = input.timer
    return { action, actor: 'daemon', reason: `${name} is due`, isDisputed: name === 'escalate', ...(name === 'lapse' && { proposalId: id }) }
  }
  if (input.kind === 'canary') return { action, actor: 'daemon', reason: `the canary is ${input.verdict}`, proposalId: input.proposalId, isDisputed: isDisputed(ledger, input.proposalId) }
  const { statement: { kind, body } } = parseStatement(input.envelope)
  const proposalId = 'proposal_id' in body ? body.proposal_id : kind === 'proposal' ? statementId(input.envelope) : undefined
  return { action, actor: body.actor, reason: reasonOf(body).slice(0, MAX_REASON), isDisputed: isDisputed(ledger, proposalId) || kind === 'dispute' || kind === 'resolution', ...(proposalId !== undefined && { proposalId }) }
}

function reasonOf (body: Statement['body']): string {
  if ('reason' in body) return body.reason
  if ('summary' in body) return body.summary
  if ('outcome' in body) return body.outcome
  return 'link' in body ? body.link : 'approved'
}

function isDisputed ({ disputes }: Ledger, proposalId: string | undefined): boolean {
  return proposalId !== undefined && [...disputes.values()].some(({ dispute, status }) => status !== 'resolved' && dispute.subject === `proposal:${proposalId}`)
}

/** A union told apart by one field. */
function union (field: string, forms: Readonly<Record<string, Form<unknown>>>): Form<unknown> {
  return form({ type: 'object', anyOf: Object.values(forms).map(({ schema }) => schema) }, (value, path) => {
    const name = typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[field] : undefined
    const form = typeof name === 'string' && Object.hasOwn(forms, name) ? forms[name] : undefined
    if (form === undefined) throw refused('gov_schema', `${path}.${field} must be one of ${Object.keys(forms).join(', ')}`)
    return form(value, path)
  })
}
