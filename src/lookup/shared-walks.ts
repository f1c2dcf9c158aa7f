/** A walk under way: it begins when its items are first asked for and ends, with all it holds, when it is disposed. */
export interface Shareable<T> extends Disposable {
  readonly items: AsyncIterable<T>
}

/** One caller's place in a walk. Disposing of it leaves the walk, which ends with its last caller. */
export interface Seat<W, T> extends Disposable {
  readonly walk: W
  /** True when the walk was under way already. */
  readonly isShared: boolean
  /** All items from the first one on; ends early when the caller leaves. */
  readonly items: AsyncIterable<T>
  /** True when the walk ended because it found more items than one walk may keep. */
  readonly isFull: boolean
}

interface Options {
  /** Callers of one walk; the next one begins another, which those after it share. */
  readonly callers: number
  /** Items that one walk keeps, for callers still to come; it ends when it finds more. */
  readonly items: number
}

/**
 * Walks that callers with the same question share: one asks the network, and all hear everything it finds. The walk goes at
 * the pace of its fastest caller; a slow one, or one that comes late, reads what was kept.
 */
export class SharedWalks<W extends Shareable<T>, T> {
  readonly #options: Options
  /** Bounded by what `begin` grants: a walk holds its place there until it leaves this map. */
  readonly #walks = new Map<string, SharedWalk<W, T>>()

  constructor (options: Options) {
    this.#options = options
  }

  /** Takes a seat in the walk for this question. `begin` starts one when none is under way, and may throw to refuse it. */
  join (question: string, begin: () => W, signal: AbortSignal): Seat<W, T> {
    const running = this.#walks.get(question)
    const isShared = running !== undefined && running.callers < this.#options.callers
    const walk = isShared ? running : this.#begin(question, begin)
    return walk.seat(isShared, signal)
  }

  #begin (question: string, begin: () => W): SharedWalk<W, T> {
    const walk = new SharedWalk<W, T>(begin(), this.#options.items, () => {
      if (this.#walks.get(question) === walk) this.#walks.delete(question)
    })
    this.#walks.set(question, walk)
    return walk
  }
}

class SharedWalk<W extends Shareable<T>, T> {
  readonly #walk: W
  readonly #source: AsyncIterator<T>
  readonly #maxItems: number
  readonly #onEnd: () => void
  /** Bounded by `maxItems`. */
  readonly #items: T[] = []
  /** The next item on its way, awaited by every caller that has read all others. */
  #arriving: Promise<void> | undefined
  #hasEnded = false
  #failure: { readonly reason: unknown } | undefined
  #isFull = false
  callers = 0

  constructor (walk: W, maxItems: number, onEnd: () => void) {
    this.#walk = walk
    this.#source = walk.items[Symbol.asyncIterator]()
    this.#maxItems = maxItems
    this.#onEnd = onEnd
  }

  seat (isShared: boolean, signal: AbortSignal): Seat<W, T> {
    this.callers++
    const caller = new Caller()
    const leave = (): void => {
      signal.removeEventListener('abort', leave)
      if (caller.hasLeft) return
      caller.leave()
      if (--this.callers === 0) this.#end()
    }
    // A caller that is gone leaves at once, also when nobody reads its items any more.
    if (signal.aborted) leave()
    else signal.addEventListener('abort', leave)
    const isFull = (): boolean => this.#isFull
    return { walk: this.#walk, isShared, items: this.#read(caller), get isFull () { return isFull() }, [Symbol.dispose]: leave }
  }

  async * #read (caller: Caller): AsyncGenerator<T> {
    for (let index = 0; ; index++) {
      while (index >= this.#items.length && !this.#hasEnded && !caller.hasLeft) await Promise.race([this.#advance(), caller.left])
      if (caller.hasLeft) return
      if (index < this.#items.length) yield this.#items[index] as T
      else if (this.#failure === undefined) return
      else throw this.#failure.reason
    }
  }

  /** Resolves when there is one more item or the end is known; never rejects, as callers may have left meanwhile. */
  #advance (): Promise<void> {
    this.#arriving ??= this.#take().finally(() => { this.#arriving = undefined })
    return this.#arriving
  }

  async #take (): Promise<void> {
    try {
      const next = await this.#source.next()
      if (next.done === true) return this.#end()
      if (this.#hasEnded) return // the last caller left while it was on its way
      this.#isFull = this.#items.length === this.#maxItems
      if (!this.#isFull) {
        this.#items.push(next.value)
        return
      }
    } catch (reason) {
      this.#failure = { reason }
    }
    this.#end()
  }

  #end (): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#onEnd()
    this.#walk[Symbol.dispose]()
    void Promise.resolve(this.#source.return?.()).catch(() => {}) // it ends when what it waits for does; nobody is left to tell
  }
}

class Caller {
  readonly #left = Promise.withResolvers<void>()
  readonly left = this.#left.promise
  hasLeft = false

  leave (): void {
    this.hasLeft = true
    this.#left.resolve()
  }
}
