import { randomUUID } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import type { Degradation, Switch } from '../../policy/degraded-mode.ts'
import { toIso } from './present.ts'
import { badBody, readObject } from './request.ts'
import type { DegradedBody } from './wire.ts'

export interface DegradedPort {
  readonly current: Degradation | undefined
  turn (on: boolean, by: Switch): Promise<Degradation | undefined>
}

const MAX_REASON_LENGTH = 500

/** Degraded mode: writes are refused, reads go on. */
export function addDegradedRoutes (app: FastifyInstance, { degraded }: { readonly degraded: DegradedPort }): void {
  app.get('/v1/ops/degraded', async (): Promise<DegradedBody> => toBody(degraded.current))

  app.put('/v1/ops/degraded', async (request): Promise<DegradedBody> => {
    const { on, reason } = parseSwitch(request.body)
    const { principal } = request
    return toBody(await degraded.turn(on, { reason, actor: principal?.id ?? 'operator', capabilityId: principal?.capabilityId, opId: randomUUID() }))
  })
}

function parseSwitch (body: unknown): { readonly on: boolean, readonly reason: string } {
  const { on, reason } = readObject(body, ['on', 'reason'])
  if (typeof on !== 'boolean') throw badBody('The field "on" must be true or false.', 'It says whether writes are to be refused.')
  if (typeof reason !== 'string' || reason.trim() === '' || reason.length > MAX_REASON_LENGTH) {
    throw badBody('The field "reason" must say why.', `Give 1 to ${MAX_REASON_LENGTH} characters; they go into the audit log.`)
  }
  return { on, reason }
}

function toBody (current: Degradation | undefined): DegradedBody {
  return current === undefined ? { degraded: false } : { degraded: true, reason: current.reason, actor: current.actor, since: toIso(current.since) }
}
