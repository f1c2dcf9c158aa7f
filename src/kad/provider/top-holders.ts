import type { Slice } from './store/store.ts'

/** One that records count against: a peer by its binary ID, a prefix by its text. */
export interface TopHolder { readonly who: Uint8Array | string, readonly records: number }

interface Options {
  /** Rows looked at in a slice. */
  readonly rows: number
}

interface Deps {
  /** Tells the holders of a slice; the row to go on from, or undefined at the end. */
  readonly tell: (slice: Slice, tell: (who: Uint8Array | string, records: number) => void) => number | undefined
  /** Told the records of each rank, largest first and 0 for a rank without a holder, when all holders were looked at. */
  readonly onRanked: (records: readonly number[]) => void
}

/** Ranks that are kept. */
const RANKS = 10

/** Who holds most, found by going through all holders a slice at a time: right to within one round. */
export class TopHolders {
  readonly #opts: Options
  readonly #deps: Deps
  /** Largest first; at most RANKS. */
  #found: TopHolder[] = []
  #next = 0
  #ranked: readonly TopHolder[] = []

  constructor (opts: Options, deps: Deps) {
    this.#opts = opts
    this.#deps = deps
  }

  /** As of the last whole round. */
  get ranked (): readonly TopHolder[] { return this.#ranked }

  /** Looks at the next slice. */
  look (): void {
    const next = this.#deps.tell({ from: this.#next, rows: this.#opts.rows }, (who, records) => this.#offer(who, records))
    this.#next = next ?? 0
    if (next !== undefined) return
    this.#ranked = this.#found
    this.#found = []
    this.#deps.onRanked(Array.from({ length: RANKS }, (_, index) => this.#ranked[index]?.records ?? 0))
  }

  #offer (who: Uint8Array | string, records: number): void {
    const found = this.#found
    if (found.length === RANKS && records <= (found[RANKS - 1]?.records ?? 0)) return
    let place = found.length
    while (place > 0 && (found[place - 1]?.records ?? 0) < records) place--
    found.splice(place, 0, { who, records })
    if (found.length > RANKS) found.pop()
  }
}
