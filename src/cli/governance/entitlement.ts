import type { Actor } from '../../governance/actor.ts'
import { entitled, type Saying } from '../../governance/entitled.ts'
import type { Envelope } from '../../governance/envelope.ts'
import { authenticate } from '../../governance/signer.ts'
import { statementOf, type Proposal } from '../../governance/statement.ts'
import type { State } from '../../governance/state.ts'
import { Failure } from '../failure.ts'
import { roleOf } from './render.ts'

const HINT = 'See `ronctl governance charter` for who may.'

/**
 * Nobody signs what the daemon would refuse of this key: the key would remember it.
 * @throws {Failure} NoCapability
 */
export function assertEntitled (actorId: string, envelope: Envelope, about: Proposal | undefined, state: State, now: number): void {
  const { kind } = statementOf(envelope)
  const { actors, recovery } = state.sections.charter
  const able = ableTo(envelope, about, state, now)
  if (able === undefined || able.some(({ id }) => id === actorId)) return
  const listed = [...actors, ...recovery.keys].find(({ id }) => id === actorId)
  if (listed === undefined) throw notAble('This key is not one of the network’s.')
  if (listed.status === 'revoked') throw notAble('This key is revoked.')
  const roles = [...new Set(able.map(({ id }) => roleOf(id, state) ?? 'nobody known'))]
  throw notAble(`Only ${roles.join(', ')} may sign ${/^[aeiou]/.test(kind) ? 'an' : 'a'} ${kind} here, and this key is ${roleOf(actorId, state) ?? listed.role}.`)
}

/**
 * Nobody approves a proposal that is not as its author signed it.
 * @throws {Failure} the answer is no
 */
export function assertAuthentic (envelope: Envelope, state: State, now: number): void {
  const { kind, body } = statementOf(envelope)
  if (kind !== 'proposal') return
  try {
    authenticate(state, envelope, body.actor, entitled(state, { kind, proposal: body }, now))
  } catch (cause) {
    throw new Failure(`The proposal is not as its author signed it: ${(cause as Error).message}.`, { exit: 'negative', code: 'Conflict', cause, hint: 'No daemon would take it: have it sent to you again.' })
  }
}

/** Undefined where only the daemon can say: the charter that is proposed does not fit what is agreed. */
function ableTo (envelope: Envelope, about: Proposal | undefined, state: State, now: number): readonly Actor[] | undefined {
  const saying = toSaying(envelope, about)
  if (saying === undefined) return undefined
  try {
    return entitled(state, saying, now).filter(({ status }) => status === 'active')
  } catch {
    return undefined
  }
}

function toSaying (envelope: Envelope, about: Proposal | undefined): Saying | undefined {
  const { kind, body } = statementOf(envelope)
  if (kind === 'proposal') return { kind, proposal: body }
  if (kind === 'approval' || kind === 'execution') return about && { kind, proposal: about }
  return { kind }
}

function notAble (message: string): Failure {
  return new Failure(message, { exit: 'refused', code: 'NoCapability', hint: HINT })
}
