import type { FastifyInstance } from 'fastify'
import { parseKey, toCidText, toKeyText } from '../../core/key.ts'
import type { AdminPorts } from './ports.ts'
import type { KeyParams } from './request.ts'
import type { RecordsBody } from './wire.ts'

/** The provider records held here for one key; the network is not asked. */
export function addRecordsRoute (app: FastifyInstance, ports: Pick<AdminPorts, 'records'>): void {
  app.get<KeyParams>('/v1/records/:key', async (request): Promise<RecordsBody> => {
    const key = parseKey(request.params.key)
    return { key: toKeyText(key), cid: toCidText(key), records: ports.records(key) }
  })
}
