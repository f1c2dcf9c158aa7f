import type { FastifyInstance } from 'fastify'
import { parsePeerId, toPeerIdText } from '../../core/peer-id.ts'
import { parseIp } from '../../policy/ip-group.ts'
import { IpPrefixes } from '../../policy/ip-prefixes.ts'
import { type RouteAccess, routesAt, WRITES } from '../../policy/permissions.ts'
import { PROFILES, type RuleList, type Subject } from '../../policy/policy.ts'
import type { PolicyHolder } from '../../policy/policy-holder.ts'
import type { WriteGate } from '../../policy/write-gate.ts'
import type { BanPorts } from './bans.ts'
import { toIso } from './present.ts'
import { badQuery, type Query, readQuery } from './request.ts'
import type { BudgetBody, PolicyBody, PolicyLists, PolicyTestBody } from './wire-policy.ts'

export interface PolicyPorts extends Pick<BanPorts, 'bans'> {
  readonly policy: Pick<PolicyHolder, 'rules' | 'reason' | 'explain' | 'databases'>
  readonly policySource: () => PolicyBody['source']
  readonly budgets: () => readonly BudgetBody[]
  readonly writes: Pick<WriteGate, 'stops'>
}

/** Members of each list that an answer shows. */
const SHOWN = 50
const MAX_PATH = 4096

/** Why somebody is refused: the policy and budgets in force, and what they make of a subject. Nothing here changes anything, or counts. */
export function addPolicyRoutes (app: FastifyInstance, ports: PolicyPorts): void {
  app.get('/v1/policy', async (): Promise<PolicyBody> => {
    const { policy, writes } = ports
    const { profile, allow, deny } = policy.rules
    const { asksOrigin, onlyAllowed, unknownOrigin } = PROFILES[profile]
    const fault = policy.reason()
    return {
      profile,
      asks_origin: asksOrigin,
      only_allowed: onlyAllowed,
      unknown_origin: unknownOrigin,
      source: ports.policySource(),
      ...(fault !== undefined && { fault }),
      allow: toLists(allow),
      deny: toLists(deny),
      databases: policy.databases.map(({ kind, fault }) => ({ kind, ...(fault !== undefined && { fault }) })),
      budgets: ports.budgets(),
      writes_stopped: writes.stops,
    }
  })

  app.get<Query>('/v1/policy/test', async (request): Promise<PolicyTestBody> => {
    const { subject, routes } = parseTest(readQuery(request.query, ['ip', 'peer', 'method', 'path']))
    const { decision, match, origin } = ports.policy.explain(subject)
    return {
      admitted: decision.admitted,
      ...(!decision.admitted && { reason: decision.reason }),
      ...(match !== undefined && { match }),
      profile: ports.policy.rules.profile,
      ...(origin !== undefined && { origin: { ...(origin.asn !== undefined && { asn: origin.asn }), ...(origin.country !== undefined && { country: origin.country }) } }),
      bans: bansOf(subject, ports),
      ...(routes !== undefined && { routes: routes.map(route => toRoute(route, ports)) }),
    }
  })
}

function parseTest ({ ip, peer, method = 'GET', path }: Readonly<Partial<Record<'ip' | 'peer' | 'method' | 'path', string>>>): { readonly subject: Subject, readonly routes: readonly RouteAccess[] | undefined } {
  if (ip === undefined && peer === undefined) throw badQuery('It does not say who is meant.', 'Give "ip", "peer", or both.')
  if (ip !== undefined && (parseIp(ip) === undefined || ip.includes('%'))) throw badQuery('The parameter "ip" is not an IP address.', 'As 192.0.2.7 or 2001:db8::7.')
  const multihash = peer === undefined ? undefined : parsePeerId(peer)
  if (peer !== undefined && multihash === undefined) throw badQuery('The parameter "peer" is not a peer ID.', 'As 12D3KooW….')
  if (path !== undefined && (!path.startsWith('/') || path.length > MAX_PATH)) throw badQuery('The parameter "path" is not a path.', 'As /v1/status.')
  return {
    subject: { ip, peerId: multihash === undefined ? undefined : toPeerIdText(multihash) },
    routes: path === undefined ? undefined : routesAt(method.toUpperCase(), path.split('?')[0] ?? ''),
  }
}

function bansOf ({ ip }: Subject, { bans }: Pick<PolicyPorts, 'bans'>): PolicyTestBody['bans'] {
  if (ip === undefined) return []
  return bans.flatMap(({ keeper }) => keeper.bans())
    .filter(({ kind, subject }) => kind !== 'node' && new IpPrefixes([subject]).has(ip))
    .map(({ subject, until, reason }) => ({ subject, until: toIso(until), reason }))
}

/** A write is what the write gate asks about: by its permission, and an IPNS record that is put. */
function toRoute ({ surface, route, access }: RouteAccess, { writes }: Pick<PolicyPorts, 'writes'>) {
  const isWrite = access === 'public' ? route.startsWith('PUT ') : WRITES.has(access)
  const stop = isWrite ? writes.stops[0] : undefined
  return { surface, route, asks: access, ...(stop !== undefined && { stopped: `${stop.kind}: ${stop.reason}` }) }
}

function toLists ({ peers, prefixes, asns, countries }: RuleList): PolicyLists {
  const some = (members: ReadonlyArray<string | number>) => ({ count: members.length, first: members.slice(0, SHOWN).map(String) })
  return { peers: some(peers), prefixes: some(prefixes), asns: some(asns), countries: some(countries) }
}
