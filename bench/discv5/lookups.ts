import { randomBytes } from 'node:crypto'
import { compareDistance } from '../../src/discv5/table/distance.ts'
import { readRecordText } from '../../test/discv5/conformance/record.ts'
import { compare, median, percentile, QUICK, type Effort, type Figure } from '../measure.ts'
import { ServerProcess } from '../server-process.ts'
import type { Found, Question } from './asker.ts'

/** Lookups of both engines in one network, for the same targets, in turn. */

interface Ready { readonly nodeId: string }
type Asker = ServerProcess<Ready>
interface Sample extends Found { readonly recall: number }

const PEER = '@chainsafe/discv5'
const CLOSEST = 16
const NODES = { full: 80, quick: 20 }
const LOOKUPS = { full: 20, quick: 2 }

export async function * lookupFigures (effort: Effort): AsyncGenerator<Figure> {
  const size = effort.roundMs > QUICK.roundMs ? 'full' : 'quick'
  await using network = await ServerProcess.start<{ readonly records: readonly string[] }>(new URL('./network.ts', import.meta.url), [String(NODES[size])])
  await using ours = await startAsker('native')
  await using theirs = await startAsker('chainsafe')
  const { records } = network.ready
  for (const asker of [ours, theirs]) await ask(asker, { know: records })
  const nodeIds = records.map(record => readRecordText(record).nodeId.toString('hex'))
  const rounds: Array<{ readonly ours: Sample[], readonly theirs: Sample[] }> = []
  for (let round = 0; round < effort.rounds; round++) {
    const samples = { ours: [] as Sample[], theirs: [] as Sample[] }
    for (let i = 0; i < LOOKUPS[size]; i++) {
      const target = randomBytes(32)
      samples.ours.push(await look(ours, target, nodeIds, theirs.ready.nodeId))
      samples.theirs.push(await look(theirs, target, nodeIds, ours.ready.nodeId))
    }
    rounds.push(samples)
  }
  const figure = (unit: string, better: 'lower' | 'higher', of: (samples: readonly Sample[]) => number): Figure => compare({
    bench: 'discv5', load: `lookup among ${NODES[size]} nodes`, unit, ours: rounds.map(round => of(round.ours)), theirs: rounds.map(round => of(round.theirs)), peer: PEER, better,
  })
  yield figure('p50 ms', 'lower', samples => median(samples.map(({ ms }) => ms)))
  yield figure('p95 ms', 'lower', samples => percentile(samples.map(({ ms }) => ms), 95))
  yield figure('asker CPU ms/lookup', 'lower', samples => sum(samples.map(({ cpuUs }) => cpuUs)) / samples.length / 1000)
  yield figure('of the 16 closest, mean', 'higher', samples => sum(samples.map(({ recall }) => recall)) / samples.length)
  yield figure('of the 16 closest, worst', 'higher', samples => Math.min(...samples.map(({ recall }) => recall)))
}

async function startAsker (engine: string): Promise<Asker> {
  return await ServerProcess.start<Ready>(new URL('./asker.ts', import.meta.url), [engine])
}

async function ask (asker: Asker, question: Question): Promise<Found> {
  return await asker.ask<Found>(question)
}

/** `other` asks too, and the network may have met it: it is one of those to find only where it was found. */
async function look (asker: Asker, target: Buffer, network: readonly string[], other: string): Promise<Sample> {
  const found = await ask(asker, { target: target.toString('hex') })
  const there = found.nodeIds.includes(other) ? [...network, other] : network
  const closest = there.map(id => Buffer.from(id, 'hex')).sort((a, b) => compareDistance(target, a, b)).slice(0, CLOSEST).map(id => id.toString('hex'))
  return { ...found, recall: closest.filter(id => found.nodeIds.includes(id)).length }
}

function sum (values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
