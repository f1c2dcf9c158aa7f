import { createServer } from 'node:http'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runHttpLoad } from './http/load.ts'
import { startProvider } from './http/provider.ts'
import { alone, compare, FULL, type Effort, type Figure } from './measure.ts'
import { cidOf, keyOf } from './rpc/fill.ts'
import { ServerProcess } from './server-process.ts'

/** What it costs to watch a daemon: traces of its requests, and a scrape. */

interface Ready { readonly url: string, readonly ops: string, readonly address: string }
type Server = ServerProcess<Ready>

const KEY = 1
const PATH = `/routing/v1/providers/${cidOf(KEY).toString()}`
const CONNECTIONS = 32

/** One request in so many is traced. */
const SHARES = ['100', '1']

export async function * figures (_args: readonly string[], { rounds, roundMs }: Effort = FULL): AsyncGenerator<Figure> {
  await using stack = new AsyncDisposableStack()
  const endpoint = await startCollector(stack)
  const off = await start(stack, 'ops.listen=127.0.0.1:0')
  const traced = await Promise.all(SHARES.map(async oneIn => await start(stack, `tracing.endpoint=${endpoint}`, `tracing.oneIn=${oneIn}`)))
  const servers = [off, ...traced]
  for (const { ready } of servers) stack.use(await startProvider(ready.address, keyOf(KEY)))
  for (const server of servers) await cpuOf(server, roundMs)

  const samples: number[][] = servers.map(() => [])
  for (let round = 0; round < rounds; round++) for (const [index, server] of servers.entries()) samples[index]?.push(await cpuOf(server, roundMs))
  for (const [index, oneIn] of SHARES.entries()) {
    yield compare({
      bench: 'observability',
      load: `GET providers, hot key, one request in ${oneIn} traced`,
      unit: 'server CPU µs/request',
      ours: samples[index + 1] ?? [],
      peer: 'no collector set',
      theirs: samples[0] ?? [],
      better: 'lower',
    })
  }
  yield * scrapeFigures(off, rounds)
}

const SCRAPES = 20
const FORMATS = { text: 'text/plain', OpenMetrics: 'application/openmetrics-text;version=1.0.0' }

/** CPU of a scrape of a daemon that has answered requests, in each format, and how many series it has. */
async function * scrapeFigures (server: Server, rounds: number): AsyncGenerator<Figure> {
  const scrape = async (accept: string): Promise<string> => await (await fetch(`${server.ready.ops}/metrics`, { headers: { accept } })).text()
  const series = (await scrape(FORMATS.text)).split('\n').filter(line => line !== '' && !line.startsWith('#')).length
  yield alone('observability', 'scrape after the load above', 'series', [series])
  for (const [format, accept] of Object.entries(FORMATS)) {
    const samples: number[] = []
    for (let round = 0; round < rounds; round++) {
      const before = await server.usage()
      for (let index = 0; index < SCRAPES; index++) await scrape(accept)
      samples.push(((await server.usage()).cpuUs - before.cpuUs) / SCRAPES / 1000)
    }
    yield alone('observability', `scrape after the load above, ${format}`, 'server CPU ms/scrape', samples)
  }
}

/** Server CPU of one request, in µs. */
async function cpuOf (server: Server, roundMs: number): Promise<number> {
  const before = await server.usage()
  const { requests } = await runHttpLoad(new URL(PATH, server.ready.url), { connections: CONNECTIONS, durationMs: roundMs })
  return ((await server.usage()).cpuUs - before.cpuUs) / requests
}

/** Takes spans and throws them away: in this process, so that its work is not counted. */
async function startCollector (stack: AsyncDisposableStack): Promise<string> {
  const server = createServer((request, response) => { request.resume().on('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end('{}')) })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  stack.defer(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`
}

async function start (stack: AsyncDisposableStack, ...settings: readonly string[]): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), 'svc-dht-bench-'))
  stack.defer(() => rmSync(folder, { recursive: true, force: true }))
  return stack.use(await ServerProcess.start<Ready>(new URL('./http/ours.ts', import.meta.url), [folder, ...settings]))
}
