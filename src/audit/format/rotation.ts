import type { ControlAction } from '../../core/control-action.ts'
import { openCheckpoint } from './checkpoint.ts'
import type { Entry } from './entry.ts'
import { formatVerifierKey, keyId, parseVerifierKey, type VerifierKey } from './note.ts'
import { CompactRange, equal, leafHash } from './tree.ts'

// A log whose keys change: an entry names the new ones, and one behind it holds a checkpoint of the tree up to there that the old
// ones signed. So the old keys vouch for the new, and nobody else can.

/** Who has the keys rotated, and why. */
export type RotatedBy = Pick<ControlAction, 'actor' | 'capabilityId' | 'reason'>

/** The entry that names the keys from here on. */
export function rotateAction (by: RotatedBy, from: readonly VerifierKey[], to: readonly VerifierKey[], nowMs: number): ControlAction {
  return { ...by, action: 'audit.rotate', opId: `audit.rotate:${to.map(keyId).join('-')}:${nowMs}`, event: { from: from.map(formatVerifierKey), to: to.map(formatVerifierKey) } }
}

/** What the old keys signed of the log up to here, in which the new ones are named. */
export function handoverAction (to: readonly VerifierKey[], checkpoint: string, nowMs: number): ControlAction {
  return { actor: 'daemon', action: 'audit.handover', reason: 'the keys before vouch for those that follow', opId: `audit.handover:${to.map(keyId).join('-')}:${nowMs}`, event: { checkpoint } }
}

/** A change of keys that was vouched for. */
export interface Followed { readonly seq: number, readonly to: readonly VerifierKey[] }

/** Follows the keys of a log from those that are trusted, entry by entry from the first. */
export class KeyTrail {
  readonly #origin: string
  readonly #range = new CompactRange()
  #keys: readonly VerifierKey[]
  /** The last keys that an entry named, until the old ones vouch for them. */
  #named: Followed | undefined
  /** Bounded by the entries of the log that hand it over. */
  readonly followed: Followed[] = []

  constructor (origin: string, trusted: readonly VerifierKey[]) {
    this.#origin = origin
    this.#keys = trusted
  }

  /** The keys to trust for what comes after the entries so far. */
  get keys (): readonly VerifierKey[] { return this.#keys }

  /** Every entry, in order. A handover that does not hold is passed over: then the keys stay those before, and the checkpoint tells. */
  add (entry: Entry, bytes: Uint8Array): void {
    if (entry.action === 'audit.handover' && this.#named !== undefined && this.#isVouchedFor(entry.event)) {
      this.#keys = this.#named.to
      this.followed.push(this.#named)
      this.#named = undefined
    }
    this.#range.append(leafHash(bytes))
    const to = entry.action === 'audit.rotate' ? keysOf(entry.event) : []
    if (to.length > 0) this.#named = { seq: entry.seq, to }
  }

  /** Whether keys that are trusted signed the tree that ends with the entry before. */
  #isVouchedFor (event: unknown): boolean {
    const { checkpoint } = (event ?? {}) as { readonly checkpoint?: unknown }
    if (typeof checkpoint !== 'string') return false
    try {
      const { size, root } = openCheckpoint(Buffer.from(checkpoint), this.#origin, this.#keys)
      return size === this.#range.size && equal(root, this.#range.root())
    } catch {
      return false // it is no checkpoint, or not by these keys
    }
  }
}

/** The new keys that an entry names; none when it is misshapen. Bounded by the size of an entry. */
function keysOf (event: unknown): VerifierKey[] {
  const { to } = (event ?? {}) as { readonly to?: unknown }
  try {
    return Array.isArray(to) ? to.map(key => parseVerifierKey(String(key))) : []
  } catch {
    return []
  }
}
