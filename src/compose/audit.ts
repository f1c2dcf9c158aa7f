import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { formatVerifierKey } from '../audit/format/note.ts'
import { MAX_POLICY_BYTES, parsePolicy, PolicyError, type Policy } from '../audit/format/policy.ts'
import { AuditLog } from '../audit/log.ts'
import { LogPatrol } from '../audit/patrol.ts'
import { DiskLogStorage } from '../audit/storage/disk.ts'
import { MemoryLogStorage } from '../audit/storage/memory.ts'
import { WitnessPolicy } from '../audit/witness/witness-policy.ts'
import { assertReachable, Witnesses } from '../audit/witness/witnesses.ts'
import { ConfigError } from '../config/load.ts'
import type { Config } from '../config/settings.ts'
import type { Component } from '../core/component.ts'
import { DhtError } from '../core/errors.ts'
import type { AuditKeysPort } from '../http/admin/audit-keys.ts'
import { deriveNoteKeys } from '../kms/note-keys.ts'
import type { Keys } from './custody.ts'
import type { Surroundings } from './surroundings.ts'

/** The whole log four times a day at most, and a hundredth of one CPU at most. */
const PATROL_PACE = { passMs: 6 * 3_600_000, share: 0.01 }

/** The audit log, on disk for a macronode with a directory, else in memory; and its keys. */
export function composeAudit ({ node, audit }: Config, { identity, log, metrics, now }: Surroundings, peerId: string, keys: Keys): { readonly audit: AuditLog, readonly auditKeys: AuditKeysPort, /** Of a log on disk. */ readonly patrols: readonly LogPatrol[] } {
  const lasts = node.profile === 'macronode' && node.dataDir !== ''
  const origin = audit.origin === '' ? `svc-dht/${peerId}` : audit.origin
  // A log that outlasts the process, without a passphrase for its keys: they come with the identity, which does outlast it.
  const isDerived = lasts && !keys.last
  const auditLog = new AuditLog({ origin, groupMs: audit.groupDelay, publishMs: audit.checkpointInterval, refreshMs: audit.checkpointRefresh, retentionMs: audit.retention, queued: audit.queued }, {
    storage: lasts ? new DiskLogStorage({ folder: join(node.dataDir, 'audit'), markFile: join(node.dataDir, 'audit.mark') }) : new MemoryLogStorage({ limitBytes: audit.memoryBytes }),
    signers: isDerived ? deriveNoteKeys(origin, identity) : keys.custody.noteKeys(origin),
    formerSigners: isDerived ? [] : [...deriveNoteKeys(origin, identity), ...keys.custody.versions('audit-log').flatMap(version => keys.custody.noteKeys(origin, version))],
    metrics: metrics.audit,
    log: log.child({ component: 'audit' }),
    now,
  })
  const rotate: AuditKeysPort['rotate'] = async by => {
    if (isDerived) throw new DhtError('Unsupported', 'The keys of this log come with the identity.', { hint: 'Set identity.passphraseFile: then they have files of their own, which rotate.' })
    auditLog.assertTakesEntries()
    const version = await keys.custody.rotate('audit-log')
    const recorded = await auditLog.rotateKeys(keys.custody.noteKeys(origin, version), by)
    keys.custody.retire('audit-log')
    return recorded
  }
  const patrol = (): LogPatrol => new LogPatrol(PATROL_PACE, {
    log: auditLog,
    metrics: metrics.audit,
    logger: log.child({ component: 'audit' }),
    now,
    elapsed: () => performance.now(),
    sleep: async (ms, signal) => await sleep(ms, undefined, { signal, ref: false }),
  })
  return { audit: auditLog, auditKeys: { rotate }, patrols: lasts ? [patrol()] : [] }
}

/** A witness that is slow or dead costs a request now and then, and nothing else. */
const WITNESS_PACE = { timeoutMs: 10_000, retryMinMs: 1000, retryMaxMs: 5 * 60_000 }

/**
 * Those who cosign the checkpoints of the log; none without a policy. It starts after the log and stops before it.
 * @throws {ConfigError} for a policy that cannot be read or used
 */
export function composeWitnesses ({ audit: { witnessPolicy } }: Config, { log, metrics }: Surroundings, audit: AuditLog): { readonly components: readonly Component[], readonly reload: () => boolean } {
  if (witnessPolicy === '') return { components: [], reload: () => false }
  const logger = log.child({ component: 'audit' })
  const witnessesOf = (policy: Policy): Witnesses => {
    const own = new Set(audit.head().keys)
    if (policy.logs.length > 0 && !policy.logs.some(({ key }) => own.has(formatVerifierKey(key)))) {
      logger.warn({ event: 'witness_policy_foreign', policy: witnessPolicy, keys: [...own] }, 'the trust policy lists logs, and this one is not among them: who verifies by it will refuse it')
    }
    return new Witnesses(WITNESS_PACE, { policy, log: audit, metrics: metrics.audit, logger })
  }
  const witnesses = new WitnessPolicy({ read: () => readPolicy(witnessPolicy), witnessesOf, logger })
  return { components: [witnesses], reload: () => witnesses.reload() }
}

function readPolicy (path: string): Policy {
  let bytes: Uint8Array
  try {
    const stats = statSync(path)
    if (!stats.isFile() || stats.size > MAX_POLICY_BYTES) throw new Error(`is not a file of at most ${MAX_POLICY_BYTES} bytes`)
    bytes = readFileSync(path)
  } catch (err) {
    const { code, message } = err as NodeJS.ErrnoException
    throw new ConfigError([`audit.witnessPolicy: ${path} ${code === undefined ? message : `cannot be read (${code})`}`])
  }
  try {
    const policy = parsePolicy(bytes)
    assertReachable(policy)
    return policy
  } catch (err) {
    if (!(err instanceof PolicyError)) throw err
    throw new ConfigError(err.mistakes.map(mistake => `audit.witnessPolicy: ${path}: ${mistake}`))
  }
}
