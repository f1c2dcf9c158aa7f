import { ENR } from '@chainsafe/enr'
import { decodeRecord } from '../src/discv5/enr/record.ts'
import { loadSecp256k1 } from '../src/discv5/secp256k1.ts'
import { makeNative } from '../test/discv5/engines.ts'
import { makeRecord, newIdentity } from '../test/discv5/conformance/record.ts'
import { until } from '../test/discv5/network.ts'
import { prepare, type LoadKind } from './discv5/load.ts'
import { lookupFigures } from './discv5/lookups.ts'
import { memoryFigures } from './discv5/sessions.ts'
import { compare, FULL, type Effort, type Figure } from './measure.ts'
import { ServerProcess } from './server-process.ts'

/** What one discv5 message costs the server, beside `@chainsafe/discv5`: requests per second of the server's CPU time. Then memory, lookups, records. */

interface Ready { readonly record: string }
type Server = ServerProcess<Ready>

const KINDS: readonly LoadKind[] = ['handshake', 'PING', 'FINDNODE', 'WHOAREYOU']
/** Nodes that fill the servers' tables: half of them are in the farthest bucket, so that FINDNODE always gives 16. */
const NODES = 40
const PEER = '@chainsafe/discv5'

export async function * figures (args: readonly string[], effort: Effort = FULL): AsyncGenerator<Figure> {
  const isWanted = (name: string): boolean => args.length === 0 || args.includes(name)
  const kinds = KINDS.filter(isWanted)
  if (kinds.length > 0) yield * messages(kinds, effort)
  if (isWanted('record')) yield readingRecords(effort)
  if (isWanted('lookup')) yield * lookupFigures(effort)
  if (isWanted('memory')) yield * memoryFigures(effort)
}

async function * messages (kinds: readonly LoadKind[], effort: Effort): AsyncGenerator<Figure> {
  await using ours = await ServerProcess.start<Ready>(new URL('./discv5/server.ts', import.meta.url), ['native'])
  await using theirs = await ServerProcess.start<Ready>(new URL('./discv5/server.ts', import.meta.url), ['chainsafe'])
  for (const kind of kinds) {
    await using stack = new AsyncDisposableStack()
    if (kind === 'FINDNODE') await fillTables(stack, [ours, theirs])
    const samples = { ours: [] as number[], theirs: [] as number[] }
    for (let round = 0; round < effort.rounds; round++) {
      samples.ours.push(await perCpuSecond(ours, kind, effort.roundMs))
      samples.theirs.push(await perCpuSecond(theirs, kind, effort.roundMs))
    }
    yield compare({ bench: 'discv5', load: kind, unit: 'requests/server CPU s', ...samples, peer: PEER, better: 'higher' })
  }
}

async function perCpuSecond (server: Server, kind: LoadKind, roundMs: number): Promise<number> {
  const run = await prepare(kind, server.ready.record)
  const before = await server.usage()
  const { requests } = await run(roundMs)
  const { cpuUs } = await server.usage()
  return requests / (cpuUs - before.cpuUs) * 1e6
}

/** Live nodes of ours, which both servers have met. */
async function fillTables (stack: AsyncDisposableStack, servers: readonly Server[]): Promise<void> {
  const nodes = await Promise.all(Array.from({ length: NODES }, async () => {
    const node = makeNative()
    await node.start()
    stack.defer(async () => await node.stop())
    for (const { ready: { record } } of servers) await node.ping(record).catch(() => {}) // the library loses some in a burst
    return node
  }))
  const [asker] = nodes
  for (const { ready: { record } } of servers) {
    for (let found = 0, tries = 0; found < 16 && tries < 100; tries++) {
      found = (await asker?.findNode(record, [256, 255, 254, 253]).catch(() => []))?.length ?? 0
      await until(() => false, 100)
    }
  }
}

function readingRecords ({ rounds, roundMs }: Effort): Figure {
  const secp256k1 = loadSecp256k1()
  const records = Array.from({ length: 50 }, () => makeRecord(newIdentity(), { seq: 1n, ip: '127.0.0.1', udp: 30303 }))
  const rate = (read: (bytes: Buffer) => unknown): number => {
    const begun = performance.now()
    let done = 0
    while (performance.now() - begun < roundMs) read(records[done++ % records.length] as Buffer)
    return done / (performance.now() - begun) * 1000
  }
  const samples = { ours: [] as number[], theirs: [] as number[] }
  for (let round = 0; round < rounds; round++) {
    samples.ours.push(rate(bytes => decodeRecord(bytes, secp256k1)))
    samples.theirs.push(rate(bytes => ENR.decode(bytes)))
  }
  return compare({ bench: 'discv5', load: 'ENR decode and verify', unit: 'records/s', ...samples, peer: '@chainsafe/enr', better: 'higher' })
}
