import type { MessageType } from '../src/kad/rpc/message.ts'
import { alone, compare, FULL, percentile, type Effort, type Figure } from './measure.ts'
import { createClient, runLoad, type StreamUse } from './rpc/load.ts'
import { ServerProcess } from './server-process.ts'
import { offer } from './storm/offer.ts'
import { createRpcSurface } from './storm/rpc-surface.ts'

/** What one message costs the server, beside the stock kad-dht server: CPU time a request, requests a second, latency. */

interface Ready { readonly address: string, readonly rssPerRecord: number }
interface Asked { readonly type: MessageType, readonly use: StreamUse, readonly records: number }
interface Sample { readonly cpuUs: number, readonly perSecond: number, readonly p50Ms: number, readonly p99Ms: number }

const ROUTING_TABLE_PEERS = 200
/** A rate at which nothing queues: what is left is the answer's own time. Requests a second. */
const PACE = 200
/** ADD_PROVIDER last: it leaves records behind. */
const TYPES: readonly MessageType[] = ['PING', 'FIND_NODE', 'GET_PROVIDERS', 'ADD_PROVIDER']

/** Arguments: the numbers of records to try, 0 and 100000 unless told. */
export async function * figures (args: readonly string[], effort: Effort = FULL): AsyncGenerator<Figure> {
  const recordCounts = args.length > 0 ? args.map(Number) : [0, 100_000]
  for (const records of recordCounts) {
    await using ours = await start('ours', records)
    await using stock = await start('stock', records)
    yield await pacedLoad(ours, records, effort)
    const loads = records === 0 ? TYPES : ['GET_PROVIDERS' as const]
    for (const type of loads) {
      for (const use of ['long', 'new'] as const) yield * compareLoad({ type, use, records }, effort, ours, stock)
    }
  }
}

async function pacedLoad ({ ready }: ServerProcess<Ready>, records: number, { rounds, roundMs }: Effort): Promise<Figure> {
  await using surface = await createRpcSurface(ready.address)
  const p99sMs: number[] = []
  for (let round = 0; round < rounds; round++) {
    const { latenciesMs } = await offer(surface, { perSecond: PACE, durationMs: 2 * roundMs, inFlight: PACE })
    p99sMs.push(percentile(latenciesMs, 99))
  }
  return alone('rpc', `GET_PROVIDERS at ${PACE} requests/s, ${records} records`, 'p99 ms', p99sMs)
}

async function * compareLoad (asked: Asked, { rounds, roundMs }: Effort, ours: ServerProcess<Ready>, stock: ServerProcess<Ready>): AsyncGenerator<Figure> {
  const samples: { ours: Sample[], stock: Sample[] } = { ours: [], stock: [] }
  await sample(ours, asked, roundMs)
  await sample(stock, asked, roundMs)
  for (let round = 0; round < rounds; round++) {
    samples.ours.push(await sample(ours, asked, roundMs))
    samples.stock.push(await sample(stock, asked, roundMs))
  }
  const load = `${asked.type} ${asked.use} stream, ${asked.records} records`
  const figure = (unit: string, of: (sample: Sample) => number, better: 'lower' | 'higher'): Figure =>
    compare({ bench: 'rpc', load, unit, ours: samples.ours.map(of), peer: '@libp2p/kad-dht', theirs: samples.stock.map(of), better })
  yield figure('server CPU µs/request', ({ cpuUs }) => cpuUs, 'lower')
  yield figure('requests/s', ({ perSecond }) => perSecond, 'higher')
  yield figure('p50 ms', ({ p50Ms }) => p50Ms, 'lower')
  yield figure('p99 ms', ({ p99Ms }) => p99Ms, 'lower')
}

async function sample (server: ServerProcess<Ready>, { type, use, records }: Asked, roundMs: number): Promise<Sample> {
  const client = await createClient()
  try {
    const before = await server.usage()
    const { requests, seconds, latenciesMs } = await runLoad(client, server.ready.address, type, use, roundMs, Math.max(1000, Math.floor(records / 3)))
    const { cpuUs } = await server.usage()
    return { cpuUs: (cpuUs - before.cpuUs) / requests, perSecond: requests / seconds, p50Ms: percentile(latenciesMs, 50), p99Ms: percentile(latenciesMs, 99) }
  } finally {
    await client.stop()
  }
}

async function start (name: 'ours' | 'stock', records: number): Promise<ServerProcess<Ready>> {
  return await ServerProcess.start<Ready>(new URL(`./rpc/${name}.ts`, import.meta.url), [String(records), String(ROUTING_TABLE_PEERS)])
}
