import type { Counts } from '../counts.ts'
import type { Enr } from '../enr/record.ts'
import type { Target } from '../session/messenger.ts'
import type { Exclusions } from './exclusions.ts'
import type { TopicParameters } from './parameters.ts'
import type { ServiceTables } from './service-tables.ts'
import type { TopicCalls } from './topic-calls.ts'

interface Deps {
  readonly tables: ServiceTables
  readonly calls: Pick<TopicCalls, 'query'>
  readonly exclusions: Exclusions
  /** @throws {DhtError} for a node that cannot be asked */
  readonly target: (record: Enr) => Target
  readonly counts: Counts
  readonly now: () => number
  readonly random: () => number
}

interface Lookup {
  readonly topic: Buffer
  /** `F_lookup`. */
  readonly count: number
  /** What is known without asking. */
  readonly seeds: readonly Enr[]
  readonly signal?: AbortSignal | undefined
}

const CONCURRENCY = 3
const MAX_REQUESTS = 200

/** discv5 theory, § Lookup Procedure: asks registrars from the farthest bucket of the topic to the closest, until enough advertisers are found. */
export class Discoverer {
  readonly #params: Pick<TopicParameters, 'lookupsInBucket'>
  readonly #deps: Deps

  constructor (params: Pick<TopicParameters, 'lookupsInBucket'>, deps: Deps) {
    this.#params = params
    this.#deps = deps
  }

  /** `isComplete` is false when it was cut off before there was nobody left to ask. */
  async find ({ topic, count, seeds, signal }: Lookup): Promise<{ advertisers: Enr[], requests: number, isComplete: boolean }> {
    const { tables, calls, exclusions, target, counts, now } = this.#deps
    const table = tables.of(topic)
    const found = new Map(seeds.map(record => [record.nodeId, record]))
    const asked = new Set<string>()
    const askedIn = new Map<number, number>()
    let requests = 0

    const next = (): Enr | undefined => {
      for (const distance of table.distances) {
        const before = askedIn.get(distance) ?? 0
        if (before >= this.#params.lookupsInBucket) continue
        const candidates = table.bucket(distance).filter(({ nodeId }) => !asked.has(nodeId) && !exclusions.has(nodeId, now()))
        const chosen = candidates[Math.floor(this.#deps.random() * candidates.length)]
        if (chosen === undefined) continue
        askedIn.set(distance, before + 1)
        return chosen
      }
      return undefined
    }
    const visit = async (registrar: Enr): Promise<void> => {
      asked.add(registrar.nodeId)
      requests++
      try {
        const to = target(registrar)
        const { advertisers, auxiliary } = await calls.query(to, topic, table.wanted())
        exclusions.answered(registrar.nodeId)
        for (const record of advertisers) if ((found.get(record.nodeId)?.seq ?? -1n) < record.seq) found.set(record.nodeId, record)
        tables.told(table, auxiliary, to.ip)
        counts.topics.asked++
      } catch {
        exclusions.failed(registrar.nodeId, now())
        counts.topics.ask_failed++
      }
    }

    const isEnough = (): boolean => found.size >= count || requests >= MAX_REQUESTS || signal?.aborted === true
    const underWay = new Set<Promise<void>>()
    for (;;) {
      const registrar = underWay.size < CONCURRENCY && !isEnough() ? next() : undefined
      if (registrar !== undefined) {
        const visiting: Promise<void> = visit(registrar).finally(() => underWay.delete(visiting))
        underWay.add(visiting)
      } else if (underWay.size > 0 && !isEnough()) {
        await Promise.race(underWay)
      } else {
        break
      }
    }
    return { advertisers: [...found.values()].slice(0, count), requests, isComplete: found.size >= count || next() === undefined }
  }
}
