import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { InvalidArgumentError, type Command } from 'commander'
import type { Discv5RecordBody } from '../../../http/admin/wire-discv5.ts'
import { Failure } from '../../failure.ts'
import { renderRow } from '../../layout.ts'
import { parseAge } from '../../options.ts'
import type { Run, Session } from '../../session.ts'
import { count, formatDuration } from '../../text.ts'
import { addressText } from './probes.ts'

const NOTES = `
Has the daemon walk towards random IDs, and prints the records it meets on the way or is told of meanwhile: each sequence number of
a node once. Exits with 1 when there was none. --json prints {"event": "record", "record"} lines, and {"event": "done", …} last.`

/** The daemon lets one principal have four requests under way: this leaves it some. */
const WALKERS = 2
/** Between two walks of a walker: in a small network a walk takes no time, and finds nothing new. */
const PAUSE_MS = 200
const MAX_MS = 24 * 3_600_000
/** A crawl that met so many stops early: what was printed must not be forgotten. */
const MAX_RECORDS = 200_000

interface Totals { records: number, lookups: number, failed: number, requests: number }

export function addCrawl (discv5: Command, run: Run): void {
  discv5.command('crawl')
    .description('walk the network for a time, and print every record that turns up')
    .option('--for <duration>', 'how long: 10s, 5m, 1h', parseTime, 30_000)
    .addHelpText('after', NOTES)
    .action(run(async (session, { for: ms }: { readonly for: number }) => {
      const { nodes, isComplete, ...totals } = await crawl(session, ms)
      if (session.out.isJson) session.out.answer({ event: 'done', ...totals, nodes, complete: isComplete }, String)
      session.out.remark(`${count(totals.records, 'record')} of ${count(nodes, 'node')} after ${count(totals.lookups, 'lookup')} with ${count(totals.requests, 'request')} in ${formatDuration(ms)}${totals.failed === 0 ? '' : `; ${totals.failed} failed`}${isComplete ? '' : `; stopped at ${MAX_RECORDS} records`}`)
      return totals.records > 0 ? 'ok' : 'negative'
    }))
}

async function crawl ({ client, out }: Session, ms: number): Promise<Totals & { readonly nodes: number, readonly isComplete: boolean }> {
  /** Both bounded by MAX_RECORDS. */
  const seen = new Set<string>()
  const nodes = new Set<string>()
  const totals: Totals = { records: 0, lookups: 0, failed: 0, requests: 0 }
  const end = new AbortController()
  const timer = setTimeout(() => end.abort(), ms)
  const show = (record: Discv5RecordBody): void => {
    const { node_id: id, seq, enr } = record
    if (end.signal.aborted || seen.has(`${id} ${seq}`)) return
    seen.add(`${id} ${seq}`)
    nodes.add(id)
    totals.records++
    out.answer(out.isJson ? { event: 'record', record } : record, (_value, view) => renderRow([id, seq, addressText(enr)], view))
    if (seen.size >= MAX_RECORDS) end.abort()
  }
  const walk = async (): Promise<void> => {
    while (!end.signal.aborted) {
      try {
        const { nodes: found, requests } = await client.discv5Lookup({ target: randomBytes(32).toString('hex') }, end.signal)
        totals.lookups++
        totals.requests += requests
        found.forEach(show)
      } catch (err) {
        if (end.signal.aborted) return
        if (!(err instanceof Failure) || err.exit !== 'later') throw err
        totals.failed++ // refused or late: the next one may not be
      }
      out.progress(`${count(nodes.size, 'node')} after ${count(totals.lookups, 'lookup')}`)
      await sleep(PAUSE_MS, undefined, { signal: end.signal }).catch(() => {}) // woken by the end
    }
  }
  try {
    await client.withDiscovered(async records => {
      const listen = async (): Promise<void> => {
        for await (const { record } of records) show(record)
        throw new Failure('The daemon ended the stream of records.', { exit: 'unreachable', code: 'Unreachable', retryable: true, hint: 'It stopped, or this reader was too slow.' })
      }
      await Promise.race([listen(), Promise.all(Array.from({ length: WALKERS }, walk))])
    })
  } finally {
    clearTimeout(timer)
    end.abort()
  }
  return { ...totals, nodes: nodes.size, isComplete: seen.size < MAX_RECORDS }
}

function parseTime (text: string): number {
  const ms = parseAge(text)
  if (ms < 1000 || ms > MAX_MS) throw new InvalidArgumentError('Give a duration from 1s to 24h.')
  return ms
}
