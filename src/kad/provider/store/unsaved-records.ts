import type { MultihashKey } from '../../../core/key.ts'
import { fromMapKey, toMapKey } from '../../../core/map-key.ts'

/** Records of one provider that a batch brings to disk. */
export interface UnsavedOfProvider {
  readonly provider: Uint8Array
  readonly keys: readonly MultihashKey[]
  /** More of this provider's are waiting. */
  readonly hasMore: boolean
}

/**
 * Which records differ from the disk, in order of waiting, each once however often it changed. Only which: what to write is read
 * from the index when its batch goes, so the last state wins and a failed batch is simply put back.
 */
export class UnsavedRecords {
  /** Bounded by what its user adds. Names instead of bytes, so that equal ones meet. */
  readonly #keysOf = new Map<string, Set<string>>()
  #size = 0

  get size (): number { return this.#size }

  add (key: MultihashKey, provider: Uint8Array): void {
    const name = toMapKey(provider)
    let keys = this.#keysOf.get(name)
    if (keys === undefined) this.#keysOf.set(name, keys = new Set())
    this.#size -= keys.size
    keys.add(toMapKey(key))
    this.#size += keys.size
  }

  /** Takes out at most so many, those of the provider that waits longest first. */
  take (limit: number): UnsavedOfProvider[] {
    const taken: UnsavedOfProvider[] = []
    let room = limit
    for (const [name, keys] of this.#keysOf) {
      const names = [...keys.values().take(room)]
      for (const key of names) keys.delete(key)
      const hasMore = keys.size > 0
      this.#keysOf.delete(name)
      if (hasMore) this.#keysOf.set(name, keys) // behind the others, who wait as well
      taken.push({ provider: fromMapKey(name), keys: names.map(fromMapKey), hasMore })
      this.#size -= names.length
      room -= names.length
      if (room === 0) break
    }
    return taken
  }

  putBack (taken: readonly UnsavedOfProvider[]): void {
    for (const { provider, keys } of taken) for (const key of keys) this.add(key, provider)
  }
}
