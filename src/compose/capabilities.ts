import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { AuditLog } from '../audit/log.ts'
import { Authority } from '../auth/authority.ts'
import { Grants } from '../auth/grants/grants.ts'
import { LastUses } from '../auth/grants/last-uses.ts'
import { admitWaiting } from '../auth/grants/offline.ts'
import { ensureOwner } from '../auth/grants/owner.ts'
import type { Config } from '../config/settings.ts'
import type { Clock, Component } from '../core/component.ts'
import { DhtError } from '../core/errors.ts'
import type { CapsPort } from '../http/admin/caps.ts'
import type { Keys } from './custody.ts'
import type { Surroundings } from './surroundings.ts'

const LAST_USES_MS = 60_000

export type Capabilities = ReturnType<typeof composeCapabilities>

/**
 * Who may do what. Where keys and log last, so do the grants, which the log tells; elsewhere they end with the process. The first
 * owner's token goes into a file of this user's, or is there to be shown once.
 */
export function composeCapabilities ({ node, identity, admin }: Config, surroundings: Surroundings, { audit, keys, at }: { readonly audit: AuditLog, readonly keys: Keys, readonly at: Clock }) {
  const { ownerFile, metrics, log } = surroundings
  const now = latest(surroundings, at)
  const lasts = node.profile === 'macronode' && node.dataDir !== ''
  const grants = new Grants({ maxGrants: admin.grants }, { roots: keys.custody, log: audit, metrics: metrics.auth, now })
  const authority = new Authority({ grants })
  authority.hold() // the admin socket listens before the grants are there
  const tokenFile = ownerFile ?? (lasts ? join(node.dataDir, 'owner.cap') : undefined)
  let ownerToken: string | undefined
  /** The grants as the log has them, and what was minted while the daemon was stopped. */
  async function comeBack (): Promise<void> {
    const entered = new Set<string>()
    for await (const entry of audit.entries()) {
      grants.replay(entry)
      if (entry.actor === 'offline' && entry.action === 'cap.mint') entered.add((entry.event as { readonly grant: { readonly id: string } }).grant.id)
    }
    await admitWaiting(grants, { dataDir: node.dataDir, passphraseFile: identity.passphraseFile }, id => entered.has(id), (capability, err) => {
      if (err === undefined) log.info({ event: 'offline_capability_entered', capability }, 'a capability that was minted offline is in force')
      else log.warn({ event: 'offline_capability_refused', capability, err }, 'a capability that was minted offline is not in force')
    })
  }
  const lastUses = new LastUses({ path: join(node.dataDir, 'last-uses.json'), intervalMs: LAST_USES_MS }, {
    grants, onFailure: err => log.warn({ event: 'last_uses_failed', err }, 'when capabilities were used last cannot be read or written'),
  })
  const owner: Component = {
    start: async () => {
      try {
        if (keys.last) {
          await comeBack()
          await lastUses.start()
        }
        ownerToken = await ensureOwner(grants, {
          ...(tokenFile !== undefined && { tokenFile }), now: now(), onFile: file => log.info({ event: 'owner_capability_written', file }, `the owner's capability is in ${file}: ronctl --cap takes it`),
        })
        authority.release()
      } catch (err) {
        if (!(err instanceof DhtError && err.code === 'DegradedAudit')) throw err
        authority.close(audit.reason() ?? err.message)
        log.error({ event: 'owner_capability_failed', err }, 'no owner capability could be made: the admin API refuses everybody until the audit log is whole')
      }
    },
    stop: async () => {
      await lastUses.stop()
      if (ownerFile !== undefined) rmSync(ownerFile, { force: true })
    },
  }
  const caps: CapsPort = {
    mint: async (request, by) => await grants.mint(request, by),
    revoke: async (revocation, by, reason) => await grants.revoke(revocation, by, reason),
    list: () => grants.list(),
    beginRotation: async (by, reason) => await grants.beginRotation(by, reason),
    finishRotation: async (by, reason) => await grants.finishRotation(by, reason),
    judge: (token, attempt) => authority.judge(token, attempt),
  }
  return { grants, authority, caps, owner, now, ownerToken: () => ownerToken }
}

/** The latest that it can be, in whole milliseconds, also while the clock is set back: what has expired does not come into force again. `at` is what governance has seen. */
function latest ({ now, monotonic = () => performance.now() }: Surroundings, at: Clock): Clock {
  const offset = now() - monotonic()
  return () => Math.floor(Math.max(now(), offset + monotonic(), at()))
}
