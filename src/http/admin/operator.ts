import type { FastifyRequest } from 'fastify'
import type { ControlAction } from '../../core/control-action.ts'
import { parseDuration } from '../../core/duration.ts'
import { badBody } from './request.ts'

const MAX_REASON_LENGTH = 200
const MAX_DURATION_MS = 365 * 24 * 3_600_000

/** Who acts, as the audit log names them. */
export function actorOf ({ principal }: FastifyRequest): Pick<ControlAction, 'actor' | 'capabilityId'> {
  return { actor: principal?.id ?? 'operator', ...(principal !== undefined && { capabilityId: principal.capabilityId }) }
}

/** What an operator gave for "duration", in milliseconds. @throws {DhtError} BadRequest */
export function parseTime (duration: unknown): number {
  const hint = 'Give a duration from 1s to 365d, as "10m" or "24h".'
  if (typeof duration !== 'string') throw badBody('The field "duration" must be a text.', hint)
  try {
    const ms = parseDuration(duration)
    if (ms >= 1000 && ms <= MAX_DURATION_MS) return ms
  } catch {
    // not a duration at all: refused as one that is out of range
  }
  throw badBody('The field "duration" is not in range.', hint)
}

/** What an operator gave for "reason". @throws {DhtError} BadRequest */
export function assertReason (reason: unknown): string {
  if (typeof reason !== 'string' || reason.trim() === '' || reason.length > MAX_REASON_LENGTH) {
    throw badBody('The field "reason" must say why.', `Give 1 to ${MAX_REASON_LENGTH} characters; they go into the audit log.`)
  }
  return reason
}
