import type { FastifyInstance, FastifyRequest } from 'fastify'
import { DhtError } from '../../core/errors.ts'
import type { Caller } from '../../governance/event.ts'
import { isOpen, statementId, type Ledger, type Tracked } from '../../governance/ledger.ts'
import { overdue } from '../../governance/obligations.ts'
import { sectionDigest, type Sections } from '../../governance/state.ts'
import { parseStatement, type StatementKind } from '../../governance/statement.ts'
import type { CharterBody, DisputesBody, GovernanceStateBody, GovernanceStatusBody, ObligationsBody, ProposalDetailBody, ProposalsBody, StatementBody } from './wire.ts'
import { toGovernanceState, toGovernanceStatus, toProposal, toProposalDetail } from './present-governance.ts'
import { badBody, readObject } from './request.ts'

/** Governance, as operators and their signers see it. */
export interface GovernancePort {
  readonly ledger: Ledger | undefined
  readonly fault: { readonly fault: string, readonly message: string } | undefined
  readonly inForce: Sections | undefined
  readonly inputs: number
  /** For showing when things are due. */
  readonly at: number
  submit (envelope: unknown, caller: Caller): Promise<{ readonly id: string, readonly ledger: Ledger }>
  check (envelope: unknown): Ledger
}

interface Ports { readonly governance: GovernancePort }
interface IdParams { readonly Params: { readonly id: string } }

/** What is sent about a proposal, by the last part of its path. */
const ABOUT = { approvals: 'approval', veto: 'veto', execute: 'execution', promote: 'promotion', rollback: 'rollback' } as const satisfies Record<string, StatementKind>

/** Reading governance, and handing in statements. Who may what is judged by their signatures; a capability only admits the request. */
export function addGovernanceRoutes (app: FastifyInstance, { governance }: Ports): void {
  app.get('/v1/governance/status', async (): Promise<GovernanceStatusBody> => ({
    governed: false,
    ...(governance.ledger !== undefined && { ...toGovernanceStatus(governance.ledger, governance.at), inputs: governance.inputs }),
    ...(governance.fault !== undefined && { governed: true, fault: { kind: governance.fault.fault, message: governance.fault.message } }),
  }))
  app.get('/v1/governance/state', async (): Promise<GovernanceStateBody> => toGovernanceState(ledgerOf(governance), governance.inForce))
  app.get('/v1/governance/charter', async (): Promise<CharterBody> => {
    const { state } = ledgerOf(governance)
    return { charter: state.sections.charter, digest: sectionDigest(state, 'charter') }
  })
  app.get('/v1/governance/proposals', async (): Promise<ProposalsBody> => {
    const ledger = ledgerOf(governance)
    return { proposals: [...ledger.proposals.values()].map(tracked => toProposal(ledger, tracked)) }
  })
  app.get<IdParams>('/v1/governance/proposals/:id', async (request): Promise<ProposalDetailBody> => {
    const ledger = ledgerOf(governance)
    return toProposalDetail(ledger, findProposal(ledger, request.params.id), governance.at)
  })
  app.get('/v1/governance/disputes', async (): Promise<DisputesBody> => ({ disputes: [...ledgerOf(governance).disputes.values()] }))
  app.get('/v1/governance/obligations', async (): Promise<ObligationsBody> => {
    const ledger = ledgerOf(governance)
    const late = new Set(overdue(ledger, governance.at).map(({ id }) => id))
    return { obligations: [...ledger.obligations.values()].map(obligation => ({ ...obligation, overdue: late.has(obligation.id) })) }
  })

  app.post('/v1/governance/proposals', async request => await take(governance, request, 'proposal'))
  app.post('/v1/governance/freeze', async request => await take(governance, request, 'proposal', ({ section }) => {
    if (section !== 'freezes') throw badBody('The proposal is not about freezes.', 'Send it to /v1/governance/proposals.')
  }))
  app.post('/v1/governance/disputes', async request => await take(governance, request, 'dispute'))
  app.post('/v1/governance/disputes/resolutions', async request => await take(governance, request, 'resolution'))
  app.post('/v1/governance/obligations', async request => await take(governance, request, 'fulfilment'))
  for (const [path, kind] of Object.entries(ABOUT)) {
    app.post<IdParams>(`/v1/governance/proposals/:id/${path}`, async request => {
      const { id } = findProposal(ledgerOf(governance), request.params.id)
      return await take(governance, request, kind, ({ proposal_id: named }) => {
        // The capability was checked for the proposal of the path.
        if (named !== id) throw badBody('The statement is about another proposal than the path.', 'Send it to the path of its proposal.')
      })
    })
  }
}

/** The proposal's id, also when it is named by its number; undefined when there is none. For capabilities that are bound to one. */
export function proposalIdOf ({ ledger }: Pick<GovernancePort, 'ledger'>, idOrNumber: string): string | undefined {
  return ledger && trackedOf(ledger, idOrNumber)?.id
}

/** @throws {DhtError} NotFound for a daemon that is not governed */
export function ledgerOf ({ ledger }: Pick<GovernancePort, 'ledger'>): Ledger {
  if (ledger === undefined) throw new DhtError('NotFound', 'This daemon is not governed.', { hint: 'Set governance.genesis.' })
  return ledger
}

async function take (governance: GovernancePort, request: FastifyRequest, kind: StatementKind, assert: (body: Readonly<Record<string, unknown>>) => void = () => {}): Promise<StatementBody> {
  const { envelope, dry_run: isDry = false } = readObject(request.body, ['envelope', 'dry_run'])
  if (typeof isDry !== 'boolean') throw badBody('The field "dry_run" must be true or false.', 'Leave it out to have the statement take effect.')
  const { statement, envelope: parsed } = parseStatement(envelope)
  if (statement.kind !== kind) throw badBody(`This takes a ${kind}, not a ${statement.kind}.`, 'Each kind of statement has a path of its own.')
  assert(statement.body)
  const id = statementId(parsed)
  const capabilityId = request.principal?.capabilityId
  const ledger = isDry ? governance.check(envelope) : (await governance.submit(envelope, capabilityId === undefined ? {} : { capabilityId })).ledger
  const tracked = ledger.proposals.get('proposal_id' in statement.body ? statement.body.proposal_id : id)
  return { id, dry_run: isDry, ...(tracked !== undefined && { proposal: toProposal(ledger, tracked) }) }
}

function findProposal (ledger: Ledger, idOrNumber: string): Tracked {
  const found = trackedOf(ledger, idOrNumber)
  if (found === undefined) throw new DhtError('NotFound', 'There is no such proposal.', { hint: `${[...ledger.proposals.values()].filter(isOpen).length} are under way.` })
  return found
}

function trackedOf ({ proposals }: Ledger, idOrNumber: string): Tracked | undefined {
  if (!/^\d{1,15}$/.test(idOrNumber)) return proposals.get(idOrNumber)
  return [...proposals.values()].find(({ alias }) => alias === Number(idOrNumber))
}
