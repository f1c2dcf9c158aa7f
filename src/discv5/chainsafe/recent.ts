/** A map that forgets what was touched longest ago once it is full. */
export class Recent<V> {
  readonly #limit: number
  readonly #entries = new Map<string, V>()

  constructor (limit: number) { this.#limit = limit }

  get (key: string): V | undefined { return this.#entries.get(key) }

  set (key: string, value: V): void {
    this.#entries.delete(key)
    this.#entries.set(key, value)
    if (this.#entries.size > this.#limit) this.#entries.delete(this.#entries.keys().next().value as string)
  }
}
