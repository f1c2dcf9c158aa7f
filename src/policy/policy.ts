import { DhtError, type RejectReason } from '../core/errors.ts'
import { parsePeerId, toPeerIdText } from '../core/peer-id.ts'
import { isPrivateIp } from './ip-group.ts'
import { IpPrefixes } from './ip-prefixes.ts'

export const PROFILE_NAMES = ['open', 'standard', 'strict'] as const
export type ProfileName = typeof PROFILE_NAMES[number]

interface Profile {
  /** Whether ASN and country rules count. */
  readonly asksOrigin: boolean
  /** What becomes of a public address that the databases do not know, when there is a rule about origins. */
  readonly unknownOrigin: 'admit' | 'refuse'
  /** Whether only what an allow list names is admitted, once one names anything. */
  readonly onlyAllowed: boolean
  /** Applied to the request rates of the configuration. */
  readonly rateFactor: number
}

/** What each profile means. Deny lists of peers and prefixes count in all of them. */
export const PROFILES: Readonly<Record<ProfileName, Profile>> = {
  open: { asksOrigin: false, unknownOrigin: 'admit', onlyAllowed: false, rateFactor: 1 },
  standard: { asksOrigin: true, unknownOrigin: 'admit', onlyAllowed: false, rateFactor: 1 },
  strict: { asksOrigin: true, unknownOrigin: 'refuse', onlyAllowed: true, rateFactor: 0.5 },
}

/** Members of one list. Each bounded by MAX_RULES. */
export interface RuleList {
  readonly peers: readonly string[]
  readonly prefixes: readonly string[]
  readonly asns: readonly number[]
  /** ISO 3166-1 alpha-2, upper case. */
  readonly countries: readonly string[]
}

export interface PolicyRules {
  readonly profile: ProfileName
  readonly allow: RuleList
  readonly deny: RuleList
}

export const NO_RULES: RuleList = { peers: [], prefixes: [], asns: [], countries: [] }

/** Members that one kind of one list may have. */
export const MAX_RULES = 100_000

/** Where an address is announced from, as far as the databases know. */
export interface Origin { readonly asn: number | undefined, readonly country: string | undefined }

/** Whom a decision is about, as far as it is known at that point: an inbound connection has no peer ID before its handshake. */
export interface Subject {
  readonly peerId?: string | undefined
  readonly ip?: string | undefined
  /** True for who came by the admin socket: this user or root, whom no list can name. Without them nobody could undo a list that names too few. */
  readonly isLocal?: boolean | undefined
}

/** `rule` says why, for tests and logs. */
export type Decision =
  | { readonly admitted: true, readonly rule: 'allow' | 'default' }
  | { readonly admitted: false, readonly reason: RejectReason }

interface Matcher {
  readonly peers: ReadonlySet<string>
  readonly prefixes: IpPrefixes
  readonly asns: ReadonlySet<number>
  readonly countries: ReadonlySet<string>
  readonly isEmpty: boolean
}

/** Rules made ready for decisions. Immutable: another policy is another object. */
export interface Policy {
  readonly rules: PolicyRules
  readonly allow: Matcher
  readonly deny: Matcher
  /** Which databases must be at hand for its decisions. */
  readonly needs: { readonly asn: boolean, readonly country: boolean }
}

/** @throws {DhtError} BadRequest for a rule that is not what its list holds, TooLarge for a list beyond MAX_RULES */
export function compilePolicy (rules: PolicyRules): Policy {
  const { asksOrigin } = PROFILES[rules.profile]
  const names = (kind: 'asns' | 'countries') => asksOrigin && rules.allow[kind].length + rules.deny[kind].length > 0
  return { rules, allow: toMatcher(rules.allow), deny: toMatcher(rules.deny), needs: { asn: names('asns'), country: names('countries') } }
}

/**
 * Whether the policy admits the subject. Deny wins over allow, whatever is more specific; then an allow list admits; then the
 * profile decides. Being allowed here never makes anyone a member. `origin` is undefined where no rule asks for it; private
 * addresses have none, and are exempt from rules about origins.
 */
export function decide (policy: Policy, { peerId, ip, isLocal = false }: Subject, origin: Origin | undefined): Decision {
  const { allow, deny, needs, rules } = policy
  const profile = PROFILES[rules.profile]
  const counted = profile.asksOrigin ? origin : undefined
  if (peerId !== undefined && deny.peers.has(peerId)) return refused('policy_peer')
  if (ip !== undefined && deny.prefixes.has(ip)) return refused('policy_ip')
  if (counted?.asn !== undefined && deny.asns.has(counted.asn)) return refused('policy_asn')
  if (counted?.country !== undefined && deny.countries.has(counted.country)) return refused('policy_country')

  const isAllowed = (peerId !== undefined && allow.peers.has(peerId)) || (ip !== undefined && allow.prefixes.has(ip)) ||
    (counted?.asn !== undefined && allow.asns.has(counted.asn)) || (counted?.country !== undefined && allow.countries.has(counted.country))
  if (isAllowed) return { admitted: true, rule: 'allow' }

  if (ip !== undefined && !isPrivateIp(ip) && profile.unknownOrigin === 'refuse') {
    if ((needs.asn && counted?.asn === undefined) || (needs.country && counted?.country === undefined)) return refused('policy_origin')
  }
  // Where the peer ID is still to come, an allowed peer must get as far as its handshake.
  const mayStillBeNamed = peerId === undefined && allow.peers.size > 0
  if (profile.onlyAllowed && !allow.isEmpty && !mayStillBeNamed && !isLocal) return refused('policy_unlisted')
  return { admitted: true, rule: 'default' }
}

/** The member of a list that a decision rests on. */
export interface Match {
  readonly list: 'allow' | 'deny'
  readonly kind: keyof RuleList
  readonly member: string
}

/** What of which list decides about the subject, in the order of {@link decide}; undefined where the profile alone does. */
export function findMatch (policy: Policy, subject: Subject, origin: Origin | undefined): Match | undefined {
  const counted = PROFILES[policy.rules.profile].asksOrigin ? origin : undefined
  for (const list of ['deny', 'allow'] as const) {
    const { peers, prefixes, asns, countries } = policy[list]
    const { peerId, ip } = subject
    const prefix = ip === undefined ? undefined : prefixes.find(ip)
    if (peerId !== undefined && peers.has(peerId)) return { list, kind: 'peers', member: peerId }
    if (prefix !== undefined) return { list, kind: 'prefixes', member: prefix }
    if (counted?.asn !== undefined && asns.has(counted.asn)) return { list, kind: 'asns', member: String(counted.asn) }
    if (counted?.country !== undefined && countries.has(counted.country)) return { list, kind: 'countries', member: counted.country }
  }
  return undefined
}

function refused (reason: RejectReason): Decision {
  return { admitted: false, reason }
}

function toMatcher ({ peers, prefixes, asns, countries }: RuleList): Matcher {
  for (const list of [peers, prefixes, asns, countries]) {
    if (list.length > MAX_RULES) throw new DhtError('TooLarge', `A policy list has ${list.length} members; ${MAX_RULES} are allowed.`)
  }
  const badAsn = asns.find(asn => !Number.isInteger(asn) || asn < 0 || asn > 0xffff_ffff)
  if (badAsn !== undefined) throw badRule(badAsn, 'is not an AS number')
  const badCountry = countries.find(country => !/^[A-Z]{2}$/.test(country))
  if (badCountry !== undefined) throw badRule(badCountry, 'is not a country code of two capital letters')
  return {
    peers: new Set(peers.map(toPeer)),
    prefixes: new IpPrefixes(prefixes),
    asns: new Set(asns),
    countries: new Set(countries),
    isEmpty: [peers, prefixes, asns, countries].every(list => list.length === 0),
  }
}

/** One spelling for each peer, so that another one does not slip through. */
function toPeer (text: string): string {
  const multihash = parsePeerId(text)
  if (multihash === undefined) throw badRule(text, 'is not a peer ID')
  return toPeerIdText(multihash)
}

function badRule (value: string | number, fault: string): DhtError {
  return new DhtError('BadRequest', `${JSON.stringify(value)} in a policy list ${fault}.`)
}
