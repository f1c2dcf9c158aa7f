import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Test } from 'tap'
import type { Announcement } from '../../../../src/kad/provider/record.ts'
import { FileJournal } from '../../../../src/kad/provider/store/journal/file-journal.ts'
import type { Journal } from '../../../../src/kad/provider/store/journal/journal.ts'
import { JournalServer, type JournalAnswer, type JournalRequest } from '../../../../src/kad/provider/store/journal/server.ts'
import { WorkerThread, type JournalThread } from '../../../../src/kad/provider/store/journal/thread.ts'
import { MemoryProviderStore } from '../../../../src/kad/provider/store/memory.ts'
import { PersistentProviderStore } from '../../../../src/kad/provider/store/persistent.ts'
import { createMetrics, type Metrics } from '../../../../src/observability/metrics.ts'
import { addrsOf, bytesOf, HOUR_MS, keyOf, peerOf, silentLog, TestClock } from '../../fixtures.ts'

const PREFIX = '203.0.113.0/24'

export interface PersistentStore {
  readonly store: PersistentProviderStore
  readonly metrics: Metrics
  readonly clock: TestClock
  /** Waits until all is read back and written. */
  settled (): Promise<void>
}

interface Options {
  readonly journal: Journal
  readonly clock?: TestClock
  readonly pendingRecords?: number
  readonly drainTimeoutMs?: number
  readonly openTimeoutMs?: number
}

/** Not started. Commits at every turn, and looks after a broken disk every few milliseconds. */
export function createStore ({ journal, clock = new TestClock(), pendingRecords = 10_000, drainTimeoutMs = 10_000, openTimeoutMs = 60_000 }: Options): PersistentStore {
  const metrics = createMetrics()
  const store = new PersistentProviderStore(
    { drainTimeoutMs, pendingRecords, commitIntervalMs: 0, retryMs: [1, 8], openTimeoutMs },
    { index: new MemoryProviderStore(), journal, metrics: metrics.providers, log: silentLog, now: clock.now },
  )
  const settled = async (): Promise<void> => await eventually(() => store.reason() === undefined && store.pending === 0)
  return { store, metrics, clock, settled }
}

/** Started, and stopped when the test ends. */
export async function startStore (t: Test, options: Options): Promise<PersistentStore> {
  const persistent = createStore(options)
  await persistent.store.start()
  t.teardown(async () => await persistent.store.stop())
  return persistent
}

/** A journal whose file is written in a thread of its own, as the daemon's. */
export function threadJournal (file: string): FileJournal {
  return new FileJournal(file, { startThread: path => new WorkerThread(path) })
}

/** The same without the thread, where a test opens many. */
export function inlineJournal (file: string): FileJournal {
  return new FileJournal(file, { startThread: path => new InlineThread(path) })
}

class InlineThread implements JournalThread {
  readonly #server: JournalServer

  constructor (file: string) {
    this.#server = new JournalServer(file)
  }

  async ask (request: JournalRequest): Promise<JournalAnswer> { return this.#server.answer(request) }
  async end (): Promise<void> {}
  abandon (): void {}
}

export function tempFile (t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'svc-dht-test-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'providers.db')
}

/** Turn after turn of the event loop until it holds; a test that waits in vain runs into its timeout. */
export async function eventually (holds: () => boolean): Promise<void> {
  while (!holds()) await nextTurn()
}

/** A record of one of ten providers, different for each number. */
export function numbered (number: number, now: number, changes: Partial<Announcement> = {}): Announcement {
  return {
    key: keyOf(number),
    provider: bytesOf(peerOf(number % 10)),
    addrs: addrsOf(`/ip4/203.0.113.${number % 10}/tcp/4001`),
    receivedAt: now,
    expiresAt: now + HOUR_MS,
    source: 'rpc',
    prefix: PREFIX,
    ...changes,
  }
}
