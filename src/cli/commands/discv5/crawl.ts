import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import type { Discv5RecordBody } from '../../../http/admin/wire-discv5.ts'
import { Failure } from '../../failure.ts'
import { renderRow } from '../../layout.ts'
import { durationWithin, wholeNumber } from '../../options.ts'
import type { Run, Session } from '../../session.ts'
import { count, formatDuration } from '../../text.ts'
import { sweepBuckets } from './bucket-sweep.ts'
import { addressText } from './probes.ts'

const NOTES = `
Has the daemon ask each node that it knows or meets for all its buckets, once, two nodes at a time, and walk towards random IDs beside.
Prints the records that come, and those that the daemon is told of meanwhile: each sequence number of a node once. A node answered when its
first FINDNODE had an answer. Exits with 1 when there was no record. --json prints {"event": "record", "record"} lines, and
{"event": "done", …} last.`

/** The daemon lets one principal have four requests under way: this leaves it one. */
const ASKERS = 2
const WALKERS = 1
/** Between two walks of a walker: in a small network a walk takes no time, and finds nothing new. An asker without a node to ask waits as long. */
const PAUSE_MS = 200
/** A crawl that met so many stops early: what was printed must not be forgotten. */
const MAX_RECORDS = 200_000
const MAX_NODES = 100_000

interface Options { readonly for: number, readonly nodes: number }

export function addCrawl (discv5: Command, run: Run): void {
  discv5.command('crawl')
    .description('ask the whole network whom it knows for a time, and print every record that turns up')
    .option('--for <duration>', 'how long: 10s, 5m, 1h', durationWithin('1s', '24h'), 30_000)
    .option('--nodes <n>', 'nodes to ask at most, 1 to 100000', wholeNumber(1, MAX_NODES), 10_000)
    .addHelpText('after', NOTES)
    .action(run(async (session, options: Options) => {
      const { records, nodes, asked, answered, lookups, requests, failed, isComplete } = await new Crawl(session, options).run()
      if (session.out.isJson) session.out.answer({ event: 'done', records, nodes, asked, answered, lookups, requests, failed, complete: isComplete }, String)
      session.out.remark(`${count(records, 'record')} of ${count(nodes, 'node')}; ${asked} asked, ${answered} answered; ${count(lookups, 'lookup')}, ${count(requests, 'request')} in ${formatDuration(options.for)}${failed === 0 ? '' : `; ${failed} failed`}${isComplete ? '' : `; stopped at ${MAX_RECORDS} records`}`)
      return records > 0 ? 'ok' : 'negative'
    }))
}

interface Totals {
  records: number
  asked: number
  /** Of those asked. */
  answered: number
  lookups: number
  requests: number
  /** Lookups that were refused or late. */
  failed: number
}

/** One crawl, over the admin API. Use it once. */
class Crawl {
  readonly #session: Session
  readonly #options: Options
  readonly #end = new AbortController()
  readonly #totals: Totals = { records: 0, asked: 0, answered: 0, lookups: 0, requests: 0, failed: 0 }
  /** All bounded by MAX_RECORDS. */
  readonly #seen = new Set<string>()
  readonly #nodes = new Set<string>()
  readonly #waiting: string[] = []
  #self = ''

  constructor (session: Session, options: Options) {
    this.#session = session
    this.#options = options
  }

  async run (): Promise<Totals & { readonly nodes: number, readonly isComplete: boolean }> {
    const { client } = this.#session
    const timer = setTimeout(() => this.#end.abort(), this.#options.for)
    try {
      this.#self = (await client.discv5()).node_id
      await client.withDiscovered(async records => {
        const listen = async (): Promise<void> => {
          for await (const { record } of records) this.#meet(record)
          throw new Failure('The daemon ended the stream of records.', { exit: 'unreachable', code: 'Unreachable', retryable: true, hint: 'It stopped, or this reader was too slow.' })
        }
        ;(await client.discv5Table()).nodes.forEach(node => this.#meet(node))
        const walkers = Array.from({ length: WALKERS }, async () => await this.#turn(async () => await this.#walk()))
        const askers = Array.from({ length: ASKERS }, async () => await this.#turn(async () => await this.#askNext()))
        await Promise.race([listen(), Promise.all([...walkers, ...askers])])
      })
    } finally {
      clearTimeout(timer)
      this.#end.abort()
    }
    return { ...this.#totals, nodes: this.#nodes.size, isComplete: this.#seen.size < MAX_RECORDS }
  }

  /** `work` again and again; a pause after what says that there was little to do. */
  async #turn (work: () => Promise<'again' | 'pause'>): Promise<void> {
    while (!this.#end.signal.aborted) {
      const next = await work()
      this.#session.out.progress(`${count(this.#nodes.size, 'node')}, ${this.#totals.answered} of ${this.#totals.asked} answered`)
      if (next === 'pause') await sleep(PAUSE_MS, undefined, { signal: this.#end.signal }).catch(() => {}) // woken by the end
    }
  }

  #meet (record: Pick<Discv5RecordBody, 'node_id' | 'seq' | 'enr'>): void {
    const { node_id: id, seq, enr } = record
    const { out } = this.#session
    if (this.#end.signal.aborted || id === this.#self || this.#seen.has(`${id} ${seq}`)) return
    this.#seen.add(`${id} ${seq}`)
    if (!this.#nodes.has(id)) this.#waiting.push(enr)
    this.#nodes.add(id)
    this.#totals.records++
    out.answer(out.isJson ? { event: 'record', record: { node_id: id, seq, enr } } : record, (_value, view) => renderRow([id, seq, addressText(enr)], view))
    if (this.#seen.size >= MAX_RECORDS) this.#end.abort()
  }

  async #walk (): Promise<'pause'> {
    const found = await this.#tried(async () => await this.#session.client.discv5Lookup({ target: randomBytes(32).toString('hex') }, this.#end.signal))
    if (found === undefined) {
      this.#totals.failed++
    } else {
      this.#totals.lookups++
      this.#totals.requests += found.requests
      found.nodes.forEach(record => this.#meet(record))
    }
    return 'pause'
  }

  async #askNext (): Promise<'again' | 'pause'> {
    const node = this.#totals.asked < this.#options.nodes ? this.#waiting.shift() : undefined
    if (node === undefined) return 'pause'
    this.#totals.asked++
    let hasAnswered = false
    await sweepBuckets(async distances => {
      const found = await this.#tried(async () => await this.#session.client.discv5Nodes({ node, distances }, this.#end.signal))
      this.#totals.requests++
      if (found !== undefined && !hasAnswered) this.#totals.answered++
      hasAnswered ||= found !== undefined
      found?.nodes.forEach(record => this.#meet(record))
      return found?.nodes.length
    })
    return 'again'
  }

  /** Undefined for what the daemon refused or was late with, and for a node that it cannot reach: the next one may be better. */
  async #tried<T> (ask: () => Promise<T>): Promise<T | undefined> {
    try {
      return await ask()
    } catch (err) {
      if (this.#end.signal.aborted) return undefined
      if (!(err instanceof Failure) || (err.exit !== 'later' && err.code !== 'BadRequest')) throw err
      return undefined
    }
  }
}
