import type { Clock } from '../../core/component.ts'
import type { DhtError } from '../../core/errors.ts'
import type { Calls } from '../calls.ts'
import type { Counts } from '../counts.ts'
import type { Target } from '../session/messenger.ts'
import type { Entry, Table } from './table.ts'

interface Options {
  /** How often, on average, an entry is asked. */
  readonly pingIntervalMs: number
}

interface Deps {
  readonly table: Pick<Table, 'entries' | 'confirm' | 'miss'>
  readonly calls: Pick<Calls, 'ping' | 'findNode'>
  readonly counts: Counts
  readonly now: Clock
  readonly random: () => number
  /** An entry answered. */
  readonly onAnswer: (entry: Entry) => void
}

const CHECKS_AT_ONCE = 16
/** Geth: a node of the slow list is asked a third as often. */
const SLOW_FACTOR = 3
/** Who names a number that no record of it has would have us ask for ever. */
const FETCH_INTERVAL_MS = 10_000

/** Asks the entries of the table whether they live; new ones and those that moved at once, those that just failed often, those that live a third as often. */
export class Revalidation {
  readonly #opts: Options
  readonly #deps: Deps
  #underWay = 0

  constructor (opts: Options, deps: Deps) {
    this.#opts = opts
    this.#deps = deps
  }

  /** Begins the checks that are due. */
  tick (): void {
    if (this.#underWay >= CHECKS_AT_ONCE) return
    const now = this.#deps.now()
    for (const entry of this.#deps.table.entries()) {
      if (this.#underWay >= CHECKS_AT_ONCE) break
      if (!entry.isBeingChecked && entry.nextCheck <= now) void this.#check(entry)
    }
  }

  /** Its newest record: a node said that it has one. What it says within ten seconds of that waits for its next check. */
  async fetchRecord (entry: Entry): Promise<void> {
    const now = this.#deps.now()
    if (now < entry.nextFetch) return
    entry.nextFetch = now + FETCH_INTERVAL_MS
    await this.#deps.calls.findNode(toTarget(entry), [0]).catch(() => []) // asked again at its next check
  }

  async #check (entry: Entry): Promise<void> {
    const { table, calls, counts, now, random, onAnswer } = this.#deps
    const { endpoint } = entry
    entry.isBeingChecked = true
    this.#underWay++
    try {
      const pong = await calls.ping(toTarget(entry))
      if (entry.endpoint !== endpoint) return // it moved meanwhile: that it was at the old address proves nothing
      table.confirm(entry, now())
      onAnswer(entry)
      if (pong.enrSeq > entry.record.seq) await this.fetchRecord(entry)
    } catch (err) {
      if ((err as DhtError).code === 'Timeout' && entry.endpoint === endpoint && table.miss(entry)) counts.events.table_removed++
    } finally {
      this.#underWay--
      entry.isBeingChecked = false
      const interval = this.#opts.pingIntervalMs * (entry.list === 'slow' ? SLOW_FACTOR : 1)
      if (entry.endpoint === endpoint) entry.nextCheck = now() + interval * (0.5 + random())
    }
  }
}

function toTarget ({ record, endpoint }: Entry): Target {
  return { id: record.id, ...endpoint, record }
}
