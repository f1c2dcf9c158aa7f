import { join } from 'node:path'
import { alone, type Figure } from './measure.ts'
import { measureAvailability, PROBES_MS } from './simulate/availability.ts'
import { toSize, writeCharts, type AvailabilityResult, type ChartedSets, type LookupResult } from './simulate/charts.ts'
import { measureLookups, tableSize, type LookupFigures } from './simulate/lookups.ts'
import { DAEMON, networkOf, OWN_BUCKET_SPLIT, PARAMETER_SETS, SEED, STOCK_TABLE, WIDTHS, World, type Condition, type ParameterSet } from './simulate/scenarios.ts'

/** The routing rules at sizes no test network has: simulate/README.md says what is modelled and what came out. */

const SIZES = [10_000, 100_000, 1_000_000]
/** Three IDs are kept for each node, 8 bytes each, and 16 more while they are sorted: half a gigabyte at the limit. */
const SIZE_LIMITS = { min: 100, max: 10_000_000 }
const LOOKUPS = 400
const KEYS = 200

const CHARTED: ChartedSets = {
  hops: [STOCK_TABLE.name, 'trie 10', 'trie 16', 'Kademlia', OWN_BUCKET_SPLIT.name],
  untilAnswer: [STOCK_TABLE.name, 'Kademlia', OWN_BUCKET_SPLIT.name],
  untilEnd: [STOCK_TABLE.name, OWN_BUCKET_SPLIT.name, DAEMON.name],
}

const UNITS: Readonly<Record<keyof LookupFigures, string>> = {
  hopsP50: 'hops p50',
  hopsP99: 'hops p99',
  recordHopsP99: 'hops to record p99',
  messagesP50: 'messages p50',
  messagesP99: 'messages p99',
  failedMean: 'unanswered, mean',
  closestFound: 'closest found %',
  recordFound: 'record found %',
  setFound: 'of k closest found %',
  answerP50: 'answer p50 ms',
  answerP95: 'answer p95 ms',
  endP50: 'end p50 ms',
  endP95: 'end p95 ms',
}

/** Arguments: network sizes. Without any all are run, and the charts drawn anew. */
export async function * figures (args: readonly string[]): AsyncGenerator<Figure> {
  const lookups: LookupResult[] = []
  const availability: AvailabilityResult[] = []
  for (const nodes of args.length > 0 ? args.map(parseSize) : SIZES) {
    const world = new World(nodes)
    for (const result of simulateLookups(world)) {
      lookups.push(result)
      const load = `${toSize(nodes)} nodes, ${result.condition}, ${result.set}`
      for (const [key, unit] of Object.entries(UNITS)) yield alone('simulate', load, unit, [result.figures[key as keyof LookupFigures]])
    }
    for (const { name, shape } of PARAMETER_SETS) {
      yield alone('simulate', `${toSize(nodes)} nodes, peers in a table`, name, [tableSize(networkOf(shape, world.still), SEED)])
    }
    for (const set of [STOCK_TABLE, OWN_BUCKET_SPLIT]) {
      const result = { nodes, set: set.name, figures: measureAvailability(world, set, KEYS, SEED) }
      availability.push(result)
      yield * availabilityFigures(result)
    }
  }
  if (args.length === 0) await writeCharts(join(import.meta.dirname, 'simulate'), CHARTED, lookups, availability)
}

function * simulateLookups (world: World): Generator<LookupResult> {
  yield * simulate(world, world.conditions(), [...PARAMETER_SETS, ...WIDTHS])
  yield * simulate(world, world.liarConditions(), WIDTHS)
  yield * simulate(world, world.refreshConditions(), [OWN_BUCKET_SPLIT])
}

function * simulate ({ nodes }: World, conditions: readonly Condition[], sets: readonly ParameterSet[]): Generator<LookupResult> {
  for (const condition of conditions) {
    for (const { name, shape, rules } of sets) {
      yield { nodes, condition: condition.name, set: name, figures: measureLookups(networkOf(shape, condition), rules, LOOKUPS, SEED) }
    }
  }
}

function * availabilityFigures ({ nodes, set, figures: { availability, holdersOnline } }: AvailabilityResult): Generator<Figure> {
  const load = `${toSize(nodes)} nodes, churn for 24 h, ${set}`
  const last = PROBES_MS.length - 1
  yield alone('simulate', load, 'first holders online', [holdersOnline[last] ?? Number.NaN])
  for (const { policy, keepsRecords, found } of availability) {
    yield alone('simulate', load, `${policy.name}, ${keepsRecords ? 'disk' : 'memory'} %`, [found[last] ?? Number.NaN])
  }
}

function parseSize (text: string): number {
  const nodes = Number(text)
  if (!Number.isInteger(nodes) || nodes < SIZE_LIMITS.min || nodes > SIZE_LIMITS.max) {
    throw new RangeError(`${text} is not a number of nodes from ${SIZE_LIMITS.min} to ${SIZE_LIMITS.max}`)
  }
  return nodes
}
