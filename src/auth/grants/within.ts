import { DhtError } from '../../core/errors.ts'
import { type Permission, ROLES } from '../../policy/permissions.ts'
import { expiryOf, formatCaveat, parseCaveat, SERVICE } from '../caveats.ts'
import { MAX_CAVEATS } from '../macaroon/macaroon.ts'
import { type Changer, type Grant, MAX_DEPTH, type MintRequest } from './grant.ts'

/** What a request comes to, once it is known to allow no more than its minter's token. */
export interface Terms {
  readonly permissions: readonly Permission[]
  readonly expiresAt: number | undefined
  readonly ancestors: readonly string[]
  /** Every condition of the new token: the minter's own first. Fewer than a macaroon holds. */
  readonly conditions: readonly string[]
}

const MAX_MEMO = 200
/** What a caveat's four-digit year holds. */
const END_OF_TIME = Date.parse('9999-12-31T23:59:59Z')

/**
 * The terms of a new grant. Permissions and expiry that are more than the minter's are refused rather than cut down, so that the
 * minter knows what was handed out. The conditions of the minter's token are carried over word for word: whatever it could not
 * do, the new one cannot either. Two kinds cannot be carried over, and refuse: third-party caveats, whose keys are sealed into
 * the one token, and `rps`, which each new token would have anew.
 * @param minter the grant of the token that asks; undefined for who needs none
 * @throws {DhtError} BadRequest, or NoCapability for more than the minter's
 */
export function termsWithin (request: MintRequest, by: Changer, minter: Grant | undefined, now: number): Terms {
  assertWellFormed(request, now)
  const permissions = typeof request.allows === 'string' ? ROLES[request.allows] : [...new Set(request.allows)]
  const asked = request.caveats.map(formatCaveat)
  if (typeof by === 'string') return { permissions, expiresAt: request.expiresAt, ancestors: [], conditions: conditionsOf([], asked, request.expiresAt) }
  if (minter === undefined) throw new DhtError('NoCapability', 'The capability that asks for this is no longer in force.', { reason: 'unauth' })
  assertCanHandOn(by, minter)
  const more = permissions.filter(permission => !minter.permissions.includes(permission))
  if (more.length > 0) throw beyond(`Your own capability does not have ${more.slice(0, 5).join(', ')}${more.length > 5 ? ' …' : ''}.`, 'Ask for no more than it allows.')
  const latest = earlier(minter.expiresAt, expiryOf(by.conditions))
  if (latest !== undefined && (request.expiresAt ?? latest) > latest) throw beyond('It would outlive your own capability.', `Ask for an expiry until ${new Date(latest).toISOString()}.`)
  const expiresAt = request.expiresAt ?? latest
  return { permissions, expiresAt, ancestors: [...minter.ancestors, minter.id], conditions: conditionsOf(by.conditions, asked, expiresAt) }
}

function assertWellFormed ({ memo, allows, expiresAt }: MintRequest, now: number): void {
  if (memo.trim() === '' || memo.length > MAX_MEMO || /\p{Cc}/u.test(memo)) {
    throw bad(`A memo has 1 to ${MAX_MEMO} characters, without control characters.`, 'Say what the capability is for.')
  }
  if (allows.length === 0) throw bad('A capability must allow something.', 'ronctl cap permissions lists what there is.')
  if (expiresAt !== undefined && !(expiresAt > now && expiresAt <= END_OF_TIME)) throw bad('Its expiry is not a time to come.', 'Give a later expiry.')
}

function assertCanHandOn ({ conditions, isDischarged }: Exclude<Changer, string>, { ancestors }: Grant): void {
  const hint = 'Narrow your own token instead: ronctl cap constrain.'
  if (isDischarged) throw beyond('A capability with third-party caveats cannot mint: they cannot be carried over.', hint)
  if (conditions.some(text => parseCaveat(text)?.key === 'rps')) throw beyond('A capability with an rps caveat cannot mint: each new token would have that rate anew.', hint)
  if (ancestors.length >= MAX_DEPTH) throw beyond(`A capability that is ${MAX_DEPTH} mints away from the first cannot mint.`, hint)
}

function conditionsOf (carried: readonly string[], asked: readonly string[], expiresAt: number | undefined): string[] {
  const expiry = expiresAt === undefined ? [] : [formatCaveat({ key: 'expires', operator: '<=', values: [new Date(expiresAt).toISOString()] })]
  const conditions = [...new Set([`service=${SERVICE}`, ...carried, ...asked, ...expiry])]
  if (conditions.length > MAX_CAVEATS) throw bad(`With those of your own capability it would have more than ${MAX_CAVEATS} caveats.`, 'Ask for fewer.')
  return conditions
}

function earlier (one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? one ?? other : Math.min(one, other)
}

function beyond (message: string, hint: string): DhtError {
  return new DhtError('NoCapability', message, { hint, reason: 'unauth' })
}

function bad (message: string, hint: string): DhtError {
  return new DhtError('BadRequest', message, { hint, reason: 'http_body' })
}
