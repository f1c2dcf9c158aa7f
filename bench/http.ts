import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runHttpLoad } from './http/load.ts'
import { startProvider } from './http/provider.ts'
import { alone, compare, FULL, type Effort, type Figure } from './measure.ts'
import { cidOf, keyOf } from './rpc/fill.ts'
import { ServerProcess } from './server-process.ts'

/** What one GET of a hot key costs the public listener, beside a bare server of the same bytes and Helia's Delegated Routing server. */

interface Ready { readonly url: string, readonly address: string }
type Server = ServerProcess<Ready>
interface Sample { readonly cpuUs: number, readonly perSecond: number, readonly p50Ms: number, readonly p99Ms: number, readonly refused: number }

const KEY = 1
const PATH = `/routing/v1/providers/${cidOf(KEY).toString()}`
const CONNECTIONS = 32

export async function * figures (_args: readonly string[], { rounds, roundMs }: Effort = FULL): AsyncGenerator<Figure> {
  await using stack = new AsyncDisposableStack()
  const folder = mkdtempSync(join(tmpdir(), 'svc-dht-bench-'))
  stack.defer(() => rmSync(folder, { recursive: true, force: true }))
  const ours = stack.use(await start('ours', folder))
  const stock = stack.use(await start('stock'))
  for (const { ready } of [ours, stock]) stack.use(await startProvider(ready.address, keyOf(KEY)))
  const body = await fetchBody(ours)
  await fetchBody(stock)
  await using bare = await start('bare', body.toString('base64'))

  const servers = { ours, bare, stock }
  const samples: Record<keyof typeof servers, Sample[]> = { ours: [], bare: [], stock: [] }
  for (const server of Object.values(servers)) await sample(server, roundMs)
  for (let round = 0; round < rounds; round++) {
    samples.ours.push(await sample(ours, roundMs))
    samples.bare.push(await sample(bare, roundMs))
    samples.stock.push(await sample(stock, roundMs))
  }
  const load = `GET providers, hot key, JSON of ${body.length} B, ${CONNECTIONS} connections`
  yield * compared(`${load}, beside bare fastify`, samples.ours, 'fastify', samples.bare)
  yield * compared(`${load}, beside Helia`, samples.ours, '@helia/…-http-api-server', samples.stock)
  yield alone('http', load, 'answers other than 200', samples.ours.map(({ refused }) => refused))
}

function * compared (load: string, ours: readonly Sample[], peer: string, theirs: readonly Sample[]): Generator<Figure> {
  const figure = (unit: string, of: (sample: Sample) => number, better: 'lower' | 'higher'): Figure =>
    compare({ bench: 'http', load, unit, ours: ours.map(of), peer, theirs: theirs.map(of), better })
  yield figure('server CPU µs/request', ({ cpuUs }) => cpuUs, 'lower')
  yield figure('requests/s', ({ perSecond }) => perSecond, 'higher')
  yield figure('p50 ms', ({ p50Ms }) => p50Ms, 'lower')
  yield figure('p99 ms', ({ p99Ms }) => p99Ms, 'lower')
}

async function sample (server: Server, roundMs: number): Promise<Sample> {
  const before = await server.usage()
  const { requests, ...load } = await runHttpLoad(new URL(PATH, server.ready.url), { connections: CONNECTIONS, durationMs: roundMs })
  const { cpuUs } = await server.usage()
  return { cpuUs: (cpuUs - before.cpuUs) / requests, ...load }
}

/** The answer, once it names the provider. */
async function fetchBody (server: Server): Promise<Buffer> {
  const response = await fetch(new URL(PATH, server.ready.url))
  const body = Buffer.from(await response.arrayBuffer())
  if (response.status !== 200 || !body.includes('"Addrs"')) throw new Error(`${server.ready.url} answered ${response.status} ${body.toString()}`)
  return body
}

async function start (name: 'ours' | 'bare' | 'stock', ...args: readonly string[]): Promise<Server> {
  return await ServerProcess.start<Ready>(new URL(`./http/${name}.ts`, import.meta.url), args)
}
