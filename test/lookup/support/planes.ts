import { ipnsSelector } from 'ipns/selector'
import { ipnsValidator } from 'ipns/validator'
import { DhtError } from '../../../src/core/errors.ts'
import type { PeerRecord, Walk } from '../../../src/core/peer.ts'
import type { OverlayPlane, ValuePlane } from '../../../src/lookup/ports.ts'

/** What a fake plane does when asked; everything else finds nothing. */
export interface Script {
  readonly held?: readonly PeerRecord[]
  readonly walk?: (walk: Walk) => AsyncIterable<PeerRecord>
}

/** A plane that plays a script for each key (base64url of its bytes) or peer ID. */
export class FakePlane implements OverlayPlane {
  readonly scripts = new Map<string, Script>()
  /** Walks begun, in order. */
  readonly walks: string[] = []

  heldProviders (key: Uint8Array): readonly PeerRecord[] {
    return this.#script(key).held ?? []
  }

  walkProviders (key: Uint8Array, walk: Walk): AsyncIterable<PeerRecord> {
    return this.#walk(key, walk)
  }

  async heldPeer (id: string): Promise<PeerRecord | undefined> {
    return this.#script(id).held?.[0]
  }

  walkPeer (id: string, walk: Walk): AsyncIterable<PeerRecord> {
    return this.#walk(id, walk)
  }

  walkClosest (key: Uint8Array, walk: Walk): AsyncIterable<PeerRecord> {
    return this.#walk(key, walk)
  }

  #script (question: Uint8Array | string): Script {
    return this.scripts.get(toName(question)) ?? {}
  }

  #walk (question: Uint8Array | string, walk: Walk): AsyncIterable<PeerRecord> {
    this.walks.push(toName(question))
    return this.#script(question).walk?.(walk) ?? yields()
  }
}

export function toName (question: Uint8Array | string): string {
  return typeof question === 'string' ? question : Buffer.from(question).toString('base64url')
}

/** A walk that finds these and ends. */
export async function * yields (...records: readonly PeerRecord[]): AsyncGenerator<PeerRecord> {
  yield * records
}

/** A walk that finds these and then waits for an answer that never comes. */
export async function * yieldsThenHangs (walk: Walk, ...records: readonly PeerRecord[]): AsyncGenerator<PeerRecord> {
  yield * records
  await new Promise((_resolve, reject) => walk.signal.addEventListener('abort', () => reject(walk.signal.reason)))
}

/** A walk that finds these and then fails. */
export async function * yieldsThenFails (...records: readonly PeerRecord[]): AsyncGenerator<PeerRecord> {
  yield * records
  throw new Error('every connection was lost')
}

/** Values in memory, checked as a real plane checks them. */
export class FakeValues implements ValuePlane {
  readonly values = new Map<string, Uint8Array>()

  async findValue (key: Uint8Array): Promise<Uint8Array | undefined> {
    return this.values.get(toName(key))
  }

  async publishValue (key: Uint8Array, value: Uint8Array): Promise<{ readonly reached: number }> {
    try {
      await ipnsValidator(key, value)
    } catch (err) {
      throw new DhtError('BadRequest', 'The record is not valid for its name.', { reason: 'record', cause: err })
    }
    const held = this.values.get(toName(key))
    if (held !== undefined && ipnsSelector(key, [held, value]) === 0 && !Buffer.from(held).equals(value)) {
      throw new DhtError('Conflict', 'A newer record is held.', { reason: 'stale' })
    }
    this.values.set(toName(key), value)
    return { reached: 1 }
  }
}
