import { setImmediate as nextTurn } from 'node:timers/promises'
import { ProviderRecords } from '../../src/kad/provider/provider-records.ts'
import { FileJournal } from '../../src/kad/provider/store/journal/file-journal.ts'
import { WorkerThread } from '../../src/kad/provider/store/journal/thread.ts'
import { MemoryProviderStore } from '../../src/kad/provider/store/memory.ts'
import { DAEMON_PACE, PersistentProviderStore } from '../../src/kad/provider/store/persistent.ts'
import { createLogger } from '../../src/observability/logger.ts'
import { createMetrics } from '../../src/observability/metrics.ts'

/** The persistent store with the daemon's own times, on a file. */
export function createStore (file: string): { readonly store: PersistentProviderStore, readonly records: ProviderRecords } {
  const metrics = createMetrics().providers
  const store = new PersistentProviderStore(
    { ...DAEMON_PACE, drainTimeoutMs: 60_000 },
    {
      index: new MemoryProviderStore(),
      journal: new FileJournal(file, { startThread: path => new WorkerThread(path) }),
      metrics,
      log: createLogger({ level: 'error' }, { write: line => { process.stderr.write(line) } }),
      now: Date.now,
    },
  )
  const unlimited = Number.MAX_SAFE_INTEGER
  const records = new ProviderRecords({
    ttlMs: 86_400_000, records: unlimited, recordsPerPeer: unlimited, recordsPerPrefix: unlimited, recordsPerKey: unlimited, addsPerPeerPerSecond: unlimited,
  }, { store, metrics, now: Date.now })
  return { store, records }
}

export async function until (holds: () => boolean): Promise<void> {
  while (!holds()) await nextTurn()
}
