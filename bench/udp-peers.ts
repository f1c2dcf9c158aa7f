import { compare, FULL, percentile, type Effort, type Figure } from './measure.ts'
import { createClient, runLoad, type LoadResult } from './rpc/load.ts'
import { ServerProcess } from './server-process.ts'
import { createBittorrentClient, createHyperdhtClient, runUdpLoad, type UdpClient } from './udp-peers/load.ts'

/** For scale: what the DHTs over plain UDP take for the nearest thing to our GET_PROVIDERS and ADD_PROVIDER. The work is not the same. */

interface Ours { readonly address: string }
interface Theirs { readonly port: number }
interface Sample { readonly cpuUs: number, readonly perSecond: number, readonly p50Ms: number, readonly p99Ms: number }
interface Peer { readonly name: string, readonly caveat: string, readonly client: UdpClient }
type Job = 'lookup' | 'announce'

const ROUTING_TABLE_PEERS = 200
const KEYS = 10_000

const PEERS = [
  { name: 'hyperdht', caveat: 'no encryption, announcements signed, nodes of 6 B', create: createHyperdhtClient },
  { name: 'bittorrent', caveat: 'no encryption, no identity, nodes of 26 B', create: createBittorrentClient },
] as const

const JOBS = { lookup: 'GET_PROVIDERS', announce: 'ADD_PROVIDER' } as const

export async function * figures (_args: readonly string[], effort: Effort = FULL): AsyncGenerator<Figure> {
  for (const { name, caveat, create } of PEERS) {
    await using ours = await ServerProcess.start<Ours>(new URL('./rpc/ours.ts', import.meta.url), ['0', String(ROUTING_TABLE_PEERS)])
    await using theirs = await ServerProcess.start<Theirs>(new URL(`./udp-peers/${name}.ts`, import.meta.url), [String(ROUTING_TABLE_PEERS)])
    const client = await create(theirs.ready.port)
    try {
      for (const job of ['lookup', 'announce'] as const) yield * compareJob(job, { name, caveat, client }, effort, ours, theirs)
      if (!await client.isHeld(0)) throw new Error(`${name} holds nothing of what was announced`)
    } finally {
      await client.close()
    }
  }
}

async function * compareJob (job: Job, { name, caveat, client }: Peer, { rounds, roundMs }: Effort, ours: ServerProcess<Ours>, theirs: ServerProcess<Theirs>): AsyncGenerator<Figure> {
  const samples: { ours: Sample[], theirs: Sample[] } = { ours: [], theirs: [] }
  await sampleOurs(ours, job, roundMs)
  await sampleTheirs(theirs, client, job, roundMs)
  for (let round = 0; round < rounds; round++) {
    samples.ours.push(await sampleOurs(ours, job, roundMs))
    samples.theirs.push(await sampleTheirs(theirs, client, job, roundMs))
  }
  const load = `${JOBS[job]} on long streams beside ${name} ${job}, for scale (its work differs: ${caveat})`
  const figure = (unit: string, of: (sample: Sample) => number, better: 'lower' | 'higher'): Figure =>
    compare({ bench: 'udp-peers', load, unit, ours: samples.ours.map(of), peer: name, theirs: samples.theirs.map(of), better })
  yield figure('server CPU µs/request', ({ cpuUs }) => cpuUs, 'lower')
  yield figure('requests/s', ({ perSecond }) => perSecond, 'higher')
  yield figure('p50 ms', ({ p50Ms }) => p50Ms, 'lower')
  yield figure('p99 ms', ({ p99Ms }) => p99Ms, 'lower')
}

async function sampleOurs (server: ServerProcess<Ours>, job: Job, roundMs: number): Promise<Sample> {
  const client = await createClient()
  try {
    return await sample(server, async () => await runLoad(client, server.ready.address, JOBS[job], 'long', roundMs, KEYS))
  } finally {
    await client.stop()
  }
}

async function sampleTheirs (server: ServerProcess<Theirs>, client: UdpClient, job: Job, roundMs: number): Promise<Sample> {
  return await sample(server, async () => await runUdpLoad(async index => await client[job](index % KEYS), roundMs))
}

async function sample (server: ServerProcess<unknown>, run: () => Promise<LoadResult>): Promise<Sample> {
  const before = await server.usage()
  const { requests, seconds, latenciesMs } = await run()
  const { cpuUs } = await server.usage()
  return { cpuUs: (cpuUs - before.cpuUs) / requests, perSecond: requests / seconds, p50Ms: percentile(latenciesMs, 50), p99Ms: percentile(latenciesMs, 99) }
}
