import type { Ledger } from './ledger.ts'
import type { Loaded } from './load.ts'
import type { SealedText } from './sealed.ts'
import type { GovernanceStore } from './store.ts'
import { stateRoot, type State } from './state.ts'
import { refused } from './refusal.ts'
import type { TimeMark } from './trusted-time.ts'

/** Keeps snapshot and mark at what is in force. The log comes first: losing these loses no decision. */
export class Keeper implements TimeMark {
  readonly #store: GovernanceStore
  readonly #sealed: SealedText
  readonly #genesis: string
  #held: { readonly n: number, readonly root: string }
  #snapshotN: number
  #time: number
  #kept: State | undefined

  constructor (deps: { readonly store: GovernanceStore, readonly sealed: SealedText }, { genesis, n, snapshotN, time }: Loaded, state: State) {
    this.#store = deps.store
    this.#sealed = deps.sealed
    this.#genesis = genesis
    this.#held = { n, root: stateRoot(state) }
    this.#snapshotN = snapshotN
    this.#time = time
  }

  /** The time that was seen last, over restarts. */
  read (): number { return this.#time }

  /** @throws {DhtError} gov_clock when it cannot be kept: a time that is forgotten could be lived again */
  write (time: number): void {
    this.#time = time
    try {
      this.#writeMark()
    } catch (cause) {
      throw refused('gov_clock', 'the time cannot be kept on disk', { cause })
    }
  }

  /** The snapshot first: a mark never names one that is not there. Writes a snapshot only of another state. */
  async keep ({ state, time }: Ledger, n: number): Promise<void> {
    if (this.#kept !== state) {
      await this.#store.writeSnapshot(this.#sealed.sealSnapshot(this.#genesis, n, time, state))
      this.#kept = state
      this.#snapshotN = n
      this.#held = { n, root: stateRoot(state) }
    }
    this.#held = { ...this.#held, n }
    this.#writeMark()
  }

  #writeMark (): void {
    this.#store.writeMark(this.#sealed.sealMark({ schema: 'svc-dht/governance/mark/1', genesis: this.#genesis, ...this.#held, snapshot_n: this.#snapshotN, time: this.#time }))
  }
}
