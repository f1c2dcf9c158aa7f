/** Those who want to hear of something. None of them may throw. */
export class Listeners<T> {
  /** Bounded by the components that listen. */
  readonly #listeners = new Set<(news: T) => void>()

  /** Returns how to end it. */
  add (listener: (news: T) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  tell (news: T): void {
    for (const listener of this.#listeners) listener(news)
  }
}
