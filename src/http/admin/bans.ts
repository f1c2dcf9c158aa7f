import { randomUUID } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import type { ActionLog } from '../../core/control-action.ts'
import { jsonDigest } from '../../core/digest.ts'
import { DhtError } from '../../core/errors.ts'
import { parseIp } from '../../policy/ip-group.ts'
import { actorOf, assertReason, parseTime } from './operator.ts'
import { toIso } from './present.ts'
import { badBody, readObject, readQuery, type Query } from './request.ts'
import type { BanBody, BansBody, UnbanBody } from './wire-discv5.ts'

export interface BanPort { readonly subject: string, readonly kind: 'ip' | 'prefix' | 'node', readonly reason: string, readonly until: number }

/** What keeps bans. Its own limits bound how many. */
export interface BanKeeper {
  bans (): readonly BanPort[]
  /** Whether `ban` would take it now. @throws {DhtError} that says why not */
  assertBannable (subject: string): void
  ban (subject: string, durationMs: number, reason: string): void
  unban (subject: string): boolean
}

export interface BanPorts {
  /** The planes that keep bans and run. */
  readonly bans: ReadonlyArray<{ readonly plane: BanBody['plane'], readonly keeper: BanKeeper }>
  /** The clock of `until`. */
  now (): number
  readonly actions: ActionLog
}

interface SubjectParams extends Query { readonly Params: { readonly subject: string } }

/** Who is shut out until when: by the protections of a plane, or by an operator, whose bans are in the audit log before they hold. */
export function addBanRoutes (app: FastifyInstance, ports: BanPorts): void {
  app.get('/v1/bans', async (): Promise<BansBody> => ({ bans: listOf(ports) }))

  app.post('/v1/bans', async (request): Promise<BansBody> => {
    const { subject, durationMs, reason } = parseBan(request.body)
    if (ports.bans.length === 0) throw new DhtError('NotFound', 'No plane that keeps bans runs here.', { hint: 'The native engine of discv5 does: set discv5.enabled and discv5.engine.' })
    for (const { keeper } of ports.bans) keeper.assertBannable(subject)
    const until = ports.now() + durationMs
    await ports.actions.record({
      ...actorOf(request), action: 'ban.add', reason, opId: randomUUID(), afterDigest: jsonDigest({ subject, until, reason }), event: { subject, until: toIso(until) },
    })
    for (const { keeper } of ports.bans) keeper.ban(subject, durationMs, reason)
    return { bans: listOf(ports).filter(ban => canonicalSubject(ban.subject) === canonicalSubject(subject)) }
  })

  app.delete<SubjectParams>('/v1/bans/:subject', async (request): Promise<UnbanBody> => {
    const subject = assertSubject(request.params.subject)
    const { reason = 'lifted through the admin API' } = readQuery(request.query, ['reason'])
    const found = listOf(ports).filter(ban => canonicalSubject(ban.subject) === canonicalSubject(subject))
    if (found.length === 0) throw new DhtError('NotFound', 'There is no such ban.', { hint: 'GET /v1/bans lists them.' })
    await ports.actions.record({
      ...actorOf(request), action: 'ban.remove', reason: assertReason(reason), opId: randomUUID(), beforeDigest: jsonDigest(found), event: { subject },
    })
    for (const { keeper } of ports.bans) keeper.unban(subject)
    return { removed: found }
  })
}

function listOf ({ bans }: Pick<BanPorts, 'bans'>): BanBody[] {
  return bans.flatMap(({ plane, keeper }) => keeper.bans().map(({ subject, kind, reason, until }) => ({ plane, subject, kind, reason, until: toIso(until) })))
}

function parseBan (body: unknown): { readonly subject: string, readonly durationMs: number, readonly reason: string } {
  const { subject, duration, reason } = readObject(body, ['subject', 'duration', 'reason'])
  return { subject: assertSubject(subject), durationMs: parseTime(duration), reason: assertReason(reason) }
}

/** Refuses before anything is recorded what no plane would take. */
function assertSubject (subject: unknown): string {
  if (typeof subject !== 'string' || canonicalSubject(subject) === undefined) {
    throw badBody('The field "subject" names nobody.', 'Give an IP, a prefix /24 (IPv6: /64), or a node ID of 64 hex digits.')
  }
  return subject
}

/** One text for one subject, however it is spelled; undefined for what is none. An IPv4-mapped address is the IPv4 it means. */
export function canonicalSubject (text: string): string | undefined {
  if (/^[0-9a-f]{64}$/i.test(text)) return text.toLowerCase()
  const [address = '', length, ...rest] = text.split('/')
  const ip = parseIp(address)
  if (ip === undefined || rest.length > 0 || address.includes('%')) return undefined
  if (length === undefined) return ip.parts.join(ip.version === 4 ? '.' : ':')
  const isMapped = ip.version === 4 && address.includes(':')
  if (isMapped || length !== (ip.version === 4 ? '24' : '64')) return undefined
  return ip.version === 4 ? `${ip.parts.slice(0, 3).join('.')}/24` : `${ip.parts.slice(0, 4).join(':')}/64`
}
