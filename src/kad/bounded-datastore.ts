import { MemoryDatastore } from 'datastore-core'
import type { Key } from 'interface-datastore'

/**
 * Where libp2p remembers peers. Its peer store forgets by age only, so a crowd of short-lived peers would fill the memory; here
 * the entry written longest ago makes room.
 */
export class BoundedDatastore extends MemoryDatastore {
  readonly #limit: number
  /** Keys in order of writing; bounded by the limit. */
  readonly #order = new Map<string, Key>()

  constructor (limit: number) {
    super()
    this.#limit = limit
  }

  override put (key: Key, value: Uint8Array): Key {
    const name = key.toString()
    this.#order.delete(name)
    this.#order.set(name, key)
    if (this.#order.size > this.#limit) {
      const oldest = this.#order.values().next().value as Key
      this.delete(oldest)
    }
    return super.put(key, value) as Key
  }

  override delete (key: Key): void {
    this.#order.delete(key.toString())
    super.delete(key)
  }
}
