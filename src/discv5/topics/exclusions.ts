interface Failing { readonly failures: number, readonly until: number }

const NODES = 1024
/** Failures in a row that are overlooked. */
const FORGIVEN = 1
const FIRST_MS = 5 * 60_000
const LONGEST_MS = 3_600_000

/** discv5 theory, § TopDisc Liveness and Temporary Exclusion: who is left in peace about topics for a while. Nothing else of the plane hangs on it. */
export class Exclusions {
  /** Bounded by NODES; the one that failed longest ago goes first. */
  readonly #failing = new Map<string, Failing>()

  failed (nodeId: string, now: number): void {
    const failures = (this.#failing.get(nodeId)?.failures ?? 0) + 1
    const backoffMs = failures <= FORGIVEN ? 0 : Math.min(LONGEST_MS, FIRST_MS * 2 ** (failures - FORGIVEN - 1))
    this.#failing.delete(nodeId)
    if (this.#failing.size >= NODES) this.#failing.delete(this.#failing.keys().next().value as string)
    this.#failing.set(nodeId, { failures, until: now + backoffMs })
  }

  answered (nodeId: string): void {
    this.#failing.delete(nodeId)
  }

  has (nodeId: string, now: number): boolean {
    return (this.#failing.get(nodeId)?.until ?? 0) > now
  }
}
