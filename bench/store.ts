import { fork } from 'node:child_process'
import { once } from 'node:events'
import { alone, compare, FULL, type Effort, type Figure } from './measure.ts'
import type { StoreResult } from './store/worker.ts'

/** What a record costs in memory and time, beside the stock store on its in-memory datastore. */

const PEER = '@libp2p/kad-dht, MemoryDatastore'
const PEERS = 10_000

/** Arguments: the numbers of records to try, 100000 and 1000000 unless told. */
export async function * figures (args: readonly string[], { rounds }: Effort = FULL): AsyncGenerator<Figure> {
  for (const records of args.length > 0 ? args.map(Number) : [100_000, 1_000_000]) {
    const ours: StoreResult[] = []
    const stock: StoreResult[] = []
    for (let round = 0; round < rounds; round++) {
      ours.push(await run('ours', records))
      stock.push(await run('stock', records))
    }
    const load = `${records} records, ${PEERS} providers, 3 a key`
    const beside = (unit: string, of: (result: StoreResult) => number, better: 'lower' | 'higher'): Figure =>
      compare({ bench: 'store', load, unit, ours: ours.map(of), peer: PEER, theirs: stock.map(of), better })
    yield beside('RSS bytes/record', result => result.rssBytesPerRecord, 'lower')
    yield beside('new records/s', result => result.upsertsPerSecond, 'higher')
    yield beside('refreshes/s', result => result.refreshesPerSecond, 'higher')
    yield beside('gets/s', result => result.getsPerSecond, 'higher')
    yield beside('get p99 µs', result => result.getP99Us, 'lower')
    yield alone('store', load, 'longest stall ms while all expire', ours.map(result => result.expiryStallMs))
    yield alone('store', load, 'seconds until all are removed', ours.map(result => result.expirySeconds))
  }
}

async function run (name: 'ours' | 'stock', records: number): Promise<StoreResult> {
  const child = fork(new URL(`./store/${name}.ts`, import.meta.url), [String(records), String(PEERS)], { execArgv: ['--expose-gc'] })
  const exited = once(child, 'exit').then(([code]) => { throw new Error(`store/${name}.ts ended with ${code} before its result`) })
  const [result] = await Promise.race([once(child, 'message'), exited]) as [StoreResult]
  child.kill()
  exited.catch(() => {})
  return result
}
