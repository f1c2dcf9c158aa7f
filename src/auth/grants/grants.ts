import { randomUUID } from 'node:crypto'
import type { Clock } from '../../core/component.ts'
import type { ActionLog } from '../../core/control-action.ts'
import { jsonDigest } from '../../core/digest.ts'
import { DhtError } from '../../core/errors.ts'
import type { Custody } from '../../kms/custody.ts'
import type { Metrics } from '../../observability/metrics.ts'
import type { GrantSource, KnownGrant } from '../authority.ts'
import { MacaroonError } from '../macaroon/macaroon.ts'
import { draftGrant, type GrantNames, type Minted, newNames } from './draft.ts'
import { type Changer, fromRecord, type Grant, hasExpired, isRevoked, type MintRequest, type Revocation, toRecord } from './grant.ts'

export interface GrantsDeps {
  readonly roots: Pick<Custody, 'current' | 'firstSignature' | 'rotate' | 'retire'>
  readonly log: ActionLog
  readonly metrics: Metrics['auth']
  readonly now: Clock
}

export interface MintOptions {
  /** Hands the token over after the log has its entry and before the grant is in force: one that fails leaves no grant. */
  readonly deliver?: (token: string) => Promise<void>
  /** For the owner, without whom nobody could make room: the bound does not hold. */
  readonly isBeyondBound?: boolean
  /** Of a token that was made elsewhere, under a root key of ours. */
  readonly names?: GrantNames
}

const MAX_WAITING = 256

/**
 * The grants in force, one root key each: revoking one never revokes another. Every change is in the audit log before it takes
 * effect, and changes happen one after the other, so that no mint slips past a revocation.
 */
export class Grants implements GrantSource {
  readonly #maxGrants: number
  readonly #deps: GrantsDeps
  /** By id. Bounded by maxGrants: minting is refused then, once those that expired have gone. An owner, and what was there before the bound was lowered, may be beyond it. */
  readonly #grants = new Map<string, Grant>()
  #turn: Promise<unknown> = Promise.resolve()
  /** Bounded by MAX_WAITING. */
  #waiting = 0

  constructor (options: { readonly maxGrants: number }, deps: GrantsDeps) {
    this.#maxGrants = options.maxGrants
    this.#deps = deps
  }

  /**
   * A new grant, which allows no more than its minter's token.
   * @throws {DhtError} BadRequest, NoCapability for more than the minter's own, Backpressure at the bound, DegradedAudit
   */
  async mint (request: MintRequest, by: Changer, { deliver, isBeyondBound = false, names }: MintOptions = {}): Promise<Minted> {
    return await this.#inTurn(async () => {
      const { log, now, metrics, roots } = this.#deps
      this.#forgetExpired()
      const minter = typeof by === 'string' ? undefined : this.#grants.get(by.capabilityId)
      const minted = draftGrant(request, by, names ?? newNames(roots.current), { roots, minter, now: now() })
      if (this.#grants.size >= this.#maxGrants && !isBeyondBound) throw this.#refused('full', 'There are as many capabilities as this daemon holds.', 'Revoke those that nobody uses.')
      const record = toRecord(minted.grant)
      await log.record({ ...actorOf(by), action: 'cap.mint', reason: request.memo, opId: randomUUID(), afterDigest: jsonDigest(record), event: { grant: record, root: this.#rootName(minted.grant.rootVersion) } })
      await deliver?.(minted.token)
      this.#grants.set(minted.grant.id, minted.grant)
      metrics.changes.inc({ action: 'mint' })
      metrics.grants.set(this.#grants.size)
      return minted
    })
  }

  /**
   * Revokes; returns what was revoked. The next request with such a token is refused.
   * @throws {DhtError} NotFound when there is no such grant, DegradedAudit: then all stay in force
   */
  async revoke (revocation: Revocation, by: Changer, reason: string): Promise<readonly Grant[]> {
    return await this.#inTurn(async () => {
      const { log, metrics } = this.#deps
      const revoked = this.list().filter(grant => isRevoked(grant, revocation))
      if (revoked.length === 0) {
        if ('before' in revocation) return []
        throw new DhtError('NotFound', 'There is no such capability.', { hint: 'ronctl cap list shows those in force.' })
      }
      await log.record({
        ...actorOf(by), action: 'cap.revoke', reason, opId: randomUUID(), beforeDigest: jsonDigest(revoked.map(toRecord)), event: { revocation, count: revoked.length },
      })
      for (const { id } of revoked) this.#grants.delete(id)
      metrics.changes.inc({ action: 'revoke' }, revoked.length)
      metrics.grants.set(this.#grants.size)
      return revoked
    })
  }

  /** Adds a version of the root, under which is minted from now on; what was minted before goes on. @throws {DhtError} DegradedAudit */
  async beginRotation (by: Changer, reason: string): Promise<number> {
    return await this.#inTurn(async () => {
      await this.#deps.log.record({ ...actorOf(by), action: 'cap.rotate-root', reason, opId: randomUUID(), event: { phase: 'prepare', from: this.#deps.roots.current } })
      return await this.#deps.roots.rotate('macaroon-root')
    })
  }

  /**
   * Destroys the older versions of the root and all that was minted under them.
   * @throws {DhtError} Conflict until a capability of the newest version that can mint was used: nobody is to be shut out
   */
  async finishRotation (by: Changer, reason: string): Promise<{ readonly version: number, readonly revoked: number }> {
    return await this.#inTurn(async () => {
      const { roots, log, metrics } = this.#deps
      const version = roots.current
      const isProven = this.list().some(grant => grant.rootVersion === version && grant.lastUsedAt !== undefined && grant.permissions.includes('cap:mint'))
      if (!isProven) throw new DhtError('Conflict', 'No capability of the new root that can mint was used yet.', { hint: 'Mint one, and retire the old root with it.' })
      const revoked = this.list().filter(grant => grant.rootVersion !== version)
      await log.record({ ...actorOf(by), action: 'cap.rotate-root', reason, opId: randomUUID(), event: { phase: 'retire', version, count: revoked.length } })
      for (const { id, rootVersion } of this.#grants.values()) if (rootVersion !== version) this.#grants.delete(id)
      roots.retire('macaroon-root')
      metrics.changes.inc({ action: 'revoke' }, revoked.length)
      metrics.grants.set(this.#grants.size)
      return { version, revoked: revoked.length }
    })
  }

  /**
   * Puts in force what an entry of the log says: for all of them in order, before anybody is served. Grants of a root that is
   * not ours any more are passed over, for nobody could verify their tokens.
   */
  replay ({ action, event }: { readonly action: string, readonly event?: unknown }): void {
    if (action === 'cap.mint') {
      const { grant: record, root } = event as { readonly grant: object, readonly root: string }
      const grant = fromRecord(record)
      if (this.#grants.size >= this.#maxGrants) this.#forgetExpired()
      if (root === this.#rootName(grant.rootVersion)) this.#grants.set(grant.id, grant)
    } else if (action === 'cap.revoke') {
      const { revocation } = event as { readonly revocation: Revocation }
      for (const grant of this.#grants.values()) if (isRevoked(grant, revocation)) this.#grants.delete(grant.id)
    } else if (action === 'cap.rotate-root') {
      const { phase, version } = event as { readonly phase: string, readonly version?: number }
      for (const { id, rootVersion } of this.#grants.values()) if (phase === 'retire' && rootVersion !== version) this.#grants.delete(id)
    }
    this.#deps.metrics.grants.set(this.#grants.size)
  }

  /** Those in force, the oldest first. */
  list (): Grant[] {
    const now = this.#deps.now()
    return [...this.#grants.values()].filter(grant => !hasExpired(grant, now))
  }

  find (rootKeyId: string, nonce: string): KnownGrant | undefined {
    const grant = this.#grants.get(rootKeyId)
    return grant?.nonce === nonce ? grant : undefined
  }

  firstSignature (rootKeyId: string, identifier: Uint8Array): Uint8Array {
    const grant = this.#grants.get(rootKeyId)
    if (grant === undefined) throw new MacaroonError('no such grant')
    return this.#deps.roots.firstSignature(grant.rootVersion, rootKeyId, identifier)
  }

  /** Takes in when a grant was used before the daemon started. A time that is still to come is no such time. */
  recall (grantId: string, at: number): void {
    const grant = this.#grants.get(grantId)
    if (grant !== undefined && at >= grant.createdAt && at <= this.#deps.now() && at > (grant.lastUsedAt ?? 0)) this.#grants.set(grantId, { ...grant, lastUsedAt: at })
  }

  used (grantId: string, now: number): void {
    const grant = this.#grants.get(grantId)
    if (grant !== undefined) this.#grants.set(grantId, { ...grant, lastUsedAt: now })
  }

  /** Tells one root from another, and nothing else of it; undefined for a version that is gone. */
  #rootName (version: number): string | undefined {
    try {
      return Buffer.from(this.#deps.roots.firstSignature(version, 'name', new Uint8Array())).toString('hex', 0, 16)
    } catch {
      return undefined // retired
    }
  }

  #forgetExpired (): void {
    const now = this.#deps.now()
    for (const [id, grant] of this.#grants) if (hasExpired(grant, now)) this.#grants.delete(id)
  }

  async #inTurn<T> (change: () => Promise<T>): Promise<T> {
    if (this.#waiting >= MAX_WAITING) throw this.#refused('busy', 'Too many changes of capabilities wait for the audit log.', 'Try again.')
    this.#waiting++
    const done = this.#turn.then(change)
    this.#turn = done.catch(() => {}) // its caller hears of it
    return await done.finally(() => { this.#waiting-- })
  }

  #refused (reason: 'full' | 'busy', message: string, hint: string): DhtError {
    this.#deps.metrics.refused.inc({ reason })
    return new DhtError('Backpressure', message, { hint, retryAfterMs: 1000, reason: 'quota_grants' })
  }
}

function actorOf (by: Changer): { readonly actor: string, readonly capabilityId?: string } {
  return typeof by === 'string' ? { actor: by } : { actor: by.capabilityId, capabilityId: by.capabilityId }
}
