import type { Enr } from '../enr/record.ts'
import type { Table } from '../table/table.ts'
import { speaksOfTopics } from './capability.ts'
import type { Exclusions } from './exclusions.ts'
import { ServiceTable } from './service-table.ts'

interface Deps {
  readonly table: Pick<Table, 'entries'>
  readonly exclusions: Exclusions
  /** Takes a record that another told into the node's own table, which checks that it lives. False for one that is not to be asked. */
  readonly learn: (record: Enr, toldBy: string) => boolean
  readonly now: () => number
}

/** Above what is advertised at once, so that lookups take no table of an advertiser's away. */
const TABLES = 64

/** The service tables of the topics that were advertised or looked for last. */
export class ServiceTables {
  readonly #deps: Deps
  /** Bounded by TABLES; the one that was not used longest goes first. */
  readonly #tables = new Map<string, ServiceTable>()

  constructor (deps: Deps) {
    this.#deps = deps
  }

  /** With what the node's own table has now: nodes that answered, speak of topics and are not excluded. */
  of (topic: Buffer): ServiceTable {
    const { table, exclusions, now } = this.#deps
    const key = topic.toString('hex')
    const known = this.#tables.get(key) ?? new ServiceTable(topic)
    this.#tables.delete(key)
    if (this.#tables.size >= TABLES) this.#tables.delete(this.#tables.keys().next().value as string)
    this.#tables.set(key, known)
    known.removeAll(({ nodeId }) => exclusions.has(nodeId, now()))
    for (const { record, checks } of table.entries()) {
      if (checks > 0 && speaksOfTopics(record) && !exclusions.has(record.nodeId, now())) known.add(record)
    }
    return known
  }

  /** What a registrar told beside its answer. */
  told (table: ServiceTable, records: readonly Enr[], toldBy: string): void {
    const { exclusions, learn, now } = this.#deps
    for (const record of records) {
      if (speaksOfTopics(record) && !exclusions.has(record.nodeId, now()) && learn(record, toldBy)) table.add(record)
    }
  }

  removeAll (isGone: (record: Enr) => boolean): void {
    for (const table of this.#tables.values()) table.removeAll(isGone)
  }
}
