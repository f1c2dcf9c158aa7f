/** Timers by name, none of which keeps the process alive. Bounded by their names. */
export class Alarms {
  readonly #timers = new Map<string, NodeJS.Timeout>()

  /** Rings once; an alarm of that name which is set already stays as it is. */
  set (name: string, ms: number, ring: () => void): void {
    if (this.#timers.has(name)) return
    this.#timers.set(name, setTimeout(() => {
      this.#timers.delete(name)
      ring()
    }, ms).unref())
  }

  clear (name: string): void {
    clearTimeout(this.#timers.get(name))
    this.#timers.delete(name)
  }

  clearAll (): void {
    for (const name of [...this.#timers.keys()]) this.clear(name)
  }
}
