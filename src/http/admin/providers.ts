import { randomUUID } from 'node:crypto'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ControlAction } from '../../core/control-action.ts'
import { parseKey, toCidText, toKeyText, type MultihashKey } from '../../core/key.ts'
import type { AdminPorts } from './ports.ts'
import { toIso } from './present.ts'
import { badBody, readObject, whenClientLeaves, type KeyParams } from './request.ts'
import type { ProvideBody, ProvideRequest, WithdrawBody } from './wire.ts'

/** Keys that this daemon announces for its operator. Each is in the audit log before anybody is told, and none that is refused. */
export function addProviderRoutes (app: FastifyInstance, { announcer, actions }: Pick<AdminPorts, 'announcer' | 'actions'>): void {
  app.post('/v1/providers', async (request, reply): Promise<ProvideBody> => {
    const { key: text, ttl_seconds: ttlSeconds } = parseProvideRequest(request.body)
    const key = parseKey(text)
    const ttl = ttlSeconds === undefined ? {} : { ttlMs: ttlSeconds * 1000 }
    announcer.assertAnnounces(key, ttl) // the log tells of what is done: an entry comes after all that refuses at once
    await actions.record(toAction('provider.write', key, request, ttlSeconds))
    const { expiresAt, created, reached, attempted, trace } = await announcer.announce(key, { ...ttl, signal: whenClientLeaves(reply), span: request.span })
    return { key: toKeyText(key), cid: toCidText(key), expires_at: toIso(expiresAt), created, reached, attempted, trace: { ...trace } }
  })

  app.delete<KeyParams>('/v1/providers/:key', async (request): Promise<WithdrawBody> => {
    const key = parseKey(request.params.key)
    await actions.record(toAction('provider.delete', key, request))
    const heldUntil = await announcer.withdraw(key)
    return { key: toKeyText(key), withdrawn: heldUntil !== undefined, ...(heldUntil !== undefined && { others_until: toIso(heldUntil) }) }
  })
}

function toAction (action: 'provider.write' | 'provider.delete', key: MultihashKey, { principal }: FastifyRequest, ttlSeconds?: number): ControlAction {
  return {
    actor: principal?.id ?? 'operator',
    ...(principal !== undefined && { capabilityId: principal.capabilityId }),
    action,
    reason: 'asked for through the admin API',
    opId: randomUUID(),
    event: { key: toKeyText(key), ...(ttlSeconds !== undefined && { ttl_seconds: ttlSeconds }) },
  }
}

/** @throws {DhtError} BadRequest for anything but exactly what the wire type says */
function parseProvideRequest (body: unknown): ProvideRequest {
  const { key, ttl_seconds: ttlSeconds } = readObject(body, ['key', 'ttl_seconds'])
  if (typeof key !== 'string') throw badBody('The field "key" must be a string.', 'Give a CID, a multihash or b3:<64 hex digits>.')
  if (ttlSeconds === undefined) return { key }
  if (typeof ttlSeconds !== 'number' || !Number.isInteger(ttlSeconds) || ttlSeconds < 1 || ttlSeconds > MAX_TTL_SECONDS) {
    throw badBody('The field "ttl_seconds" must be a whole number, at least 1.', 'Leave it out for the daemon’s own TTL; providers.maxTtl is the most.')
  }
  return { key, ttl_seconds: ttlSeconds }
}

/** Far above any TTL that the configuration admits; keeps the arithmetic on milliseconds exact. */
const MAX_TTL_SECONDS = 2 ** 31
