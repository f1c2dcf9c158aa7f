import { makeChainsafe, makeNative } from '../../test/discv5/engines.ts'
import { until } from '../../test/discv5/network.ts'

/** What is sent to the process of one asker. */
export type Question = { readonly know: readonly string[] } | { readonly target: string }

/** What one lookup found, closest first, as the engine orders it. */
export interface Found { readonly nodeIds: readonly string[], readonly ms: number, readonly cpuUs: number }

const LIVE_WITHIN_MS = 20_000

const make = process.argv[2] === 'native' ? makeNative : makeChainsafe
const node = make({ pingIntervalMs: 60_000, requestTimeoutMs: 2000 })
await node.start()
process.once('disconnect', () => process.exit())
process.on('message', (question: Question) => { void answer(question).then(found => process.send?.(found)) })
process.send?.({ nodeId: node.nodeId })

async function answer (question: Question): Promise<Found> {
  const cpu = process.cpuUsage()
  const begun = performance.now()
  const nodeIds = 'know' in question ? await meet(question.know) : (await node.lookup(question.target)).nodes.map(({ nodeId }) => nodeId)
  const { user, system } = process.cpuUsage(cpu)
  return { nodeIds, ms: performance.now() - begun, cpuUs: user + system }
}

/** Every record is given to it; its buckets take what they have room for. Sessions are made before any time is measured. */
async function meet (records: readonly string[]): Promise<string[]> {
  for (const record of records) node.addRecord(record)
  for (const { record } of node.table()) await node.ping(record.text).catch(() => {}) // whom it does not reach it will ask all the same
  await until(() => node.stats().liveNodes === node.stats().tableNodes, LIVE_WITHIN_MS)
  return node.table().map(({ record }) => record.nodeId)
}
