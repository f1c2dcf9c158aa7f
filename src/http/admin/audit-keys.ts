import type { FastifyInstance } from 'fastify'
import type { RotatedBy } from '../../audit/format/rotation.ts'
import type { Recorded } from '../../core/control-action.ts'
import type { AuditPort } from './audit.ts'
import { badBody, readObject } from './request.ts'
import type { AuditRotateBody } from './wire.ts'

export interface AuditKeysPort {
  /** @throws {DhtError} DegradedAudit when the log takes no entries, Unsupported for keys that come with the identity */
  rotate (by: RotatedBy): Promise<Recorded>
}

const MAX_REASON_LENGTH = 500

/** New keys for the checkpoints of the audit log. */
export function addAuditKeysRoute (app: FastifyInstance, { auditKeys, audit }: { readonly auditKeys: AuditKeysPort, readonly audit: Pick<AuditPort, 'head'> }): void {
  app.post('/v1/audit/rotate-key', async ({ body, principal }): Promise<AuditRotateBody> => {
    const { reason } = readObject(body, ['reason'])
    if (typeof reason !== 'string' || reason.trim() === '' || reason.length > MAX_REASON_LENGTH) {
      throw badBody('The field "reason" must say why.', `Give 1 to ${MAX_REASON_LENGTH} characters; they go into the audit log.`)
    }
    const { seq } = await auditKeys.rotate({ reason, actor: principal?.id ?? 'operator', ...(principal !== undefined && { capabilityId: principal.capabilityId }) })
    return { seq, keys: audit.head().keys }
  })
}
