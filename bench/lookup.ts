import { parseArgs } from 'node:util'
import { startOurs, startStock, type Asker, type Kind, type Walked, type Width } from './lookup/asker.ts'
import type { Distances } from './lookup/link.ts'
import { Network } from './lookup/network.ts'
import { alone, compare, FULL, percentile, type Effort, type Figure } from './measure.ts'

/** What a lookup takes in a network of our daemons with slow links, for several widths of the walk, beside the stock kad-dht as it comes. */

const WARM_UP_LOOKUPS = 5
const WIDTHS: readonly Width[] = ['3/1', '3/3', '5/2', '6/2', '7/3', '10/1', '10/2', '10/3', '10/10'].map(parseWidth)
const KINDS: readonly Kind[] = ['providers', 'closest', 'empty', 'cold']
const STOCK = '@libp2p/kad-dht 10/10'

interface Plan { readonly daemons: number, readonly distances: Distances, readonly lookups: number, readonly widths: readonly Width[], readonly kinds: readonly Kind[] }
interface Results { readonly name: string, readonly rounds: Walked[][] }

/** Arguments: `daemons=50`, `delay=20-80` (one way, in milliseconds), `lookups=20` a round, kind and width; `widths=3/1,10/1`; `kinds=providers,cold`. */
export async function * figures (args: readonly string[], { rounds }: Effort = FULL): AsyncGenerator<Figure> {
  const plan = parsePlan(args)
  const { daemons, distances, lookups } = plan
  await using network = await Network.start(daemons, distances)
  await network.provide(0, rounds * lookups + WARM_UP_LOOKUPS)
  await using stack = new AsyncDisposableStack()
  const askers: Asker[] = []
  for (const [index, width] of plan.widths.entries()) askers.push(stack.use(await startOurs(daemons + index, distances, network.bootstrap, width)))
  askers.push(stack.use(await startStock(daemons + plan.widths.length, distances, network.bootstrap)))
  for (let lookup = 0; lookup < WARM_UP_LOOKUPS; lookup++) {
    await Promise.all(askers.map(async asker => await asker.ask('providers', rounds * lookups + lookup)))
  }
  for (const kind of plan.kinds) {
    const results = await measure(askers, kind, lookups, rounds)
    const stock = results.pop()
    if (stock === undefined) return
    const where = `${daemons} daemons, ${distances.minMs}–${distances.maxMs} ms a link`
    for (const ours of results) yield * compared(`${kind}, ${where}, α/paths ${ours.name}`, kind, ours, stock)
  }
}

/** Every asker has its turn with every key; who is first changes, and no two ask at the same time. */
async function measure (askers: readonly Asker[], kind: Kind, lookups: number, rounds: number): Promise<Results[]> {
  const results = askers.map(({ name }) => ({ name, rounds: [] as Walked[][] }))
  for (let round = 0; round < rounds; round++) {
    for (const result of results) result.rounds.push([])
    for (let lookup = 0; lookup < lookups; lookup++) {
      const key = round * lookups + lookup
      for (let turn = 0; turn < askers.length; turn++) {
        const index = (key + turn) % askers.length
        const walked = await askers[index]?.ask(kind, key)
        if (walked !== undefined) results[index]?.rounds[round]?.push(walked)
      }
    }
  }
  return results
}

function * compared (load: string, kind: Kind, ours: Results, stock: Results): Generator<Figure> {
  /** Few lookups a round: percentiles are of all of them. The ratio is of those, so one round. */
  const figure = (unit: string, percent: number, of: (walked: Walked) => number): Figure => {
    const [a, b] = [ours, stock].map(({ rounds }) => [percentile(rounds.flat().map(of), percent)])
    return compare({ bench: 'lookup', load, unit, ours: a ?? [], peer: STOCK, theirs: b ?? [], better: 'lower' })
  }
  if (kind === 'providers' || kind === 'cold') {
    yield figure('first result p50 ms', 50, ({ firstMs }) => firstMs)
    yield figure('first result p95 ms', 95, ({ firstMs }) => firstMs)
    yield figure('messages to it p50', 50, ({ firstMessages }) => firstMessages)
    yield figure('messages to it p95', 95, ({ firstMessages }) => firstMessages)
  }
  yield figure('end p50 ms', 50, ({ ms }) => ms)
  yield figure('end p95 ms', 95, ({ ms }) => ms)
  yield figure('messages p50', 50, ({ messages }) => messages)
  yield figure('messages p95', 95, ({ messages }) => messages)
  if (kind === 'empty') return
  yield figure('hops p50', 50, ({ hops }) => hops)
  yield figure('hops p99', 99, ({ hops }) => hops)
  yield alone('lookup', load, 'lookups that found nothing', [ours.rounds.flat().filter(({ found }) => found === 0).length])
}

function parsePlan (args: readonly string[]): Plan {
  const { values } = parseArgs({
    args: args.map(arg => `--${arg}`),
    options: { daemons: { type: 'string', default: '50' }, delay: { type: 'string', default: '20-80' }, lookups: { type: 'string', default: '20' }, widths: { type: 'string' }, kinds: { type: 'string' } },
  })
  const [minMs = 0, maxMs = minMs] = values.delay.split('-').map(Number)
  const kinds = values.kinds?.split(',').map(parseKind)
  return {
    daemons: Number(values.daemons), distances: { minMs, maxMs }, lookups: Number(values.lookups), widths: values.widths?.split(',').map(parseWidth) ?? WIDTHS, kinds: kinds ?? KINDS,
  }
}

function parseKind (name: string): Kind {
  const kind = KINDS.find(kind => kind === name)
  if (kind === undefined) throw new RangeError(`${name} is none of ${KINDS.join(', ')}`)
  return kind
}

function parseWidth (width: string): Width {
  const [concurrency = 1, disjointPaths = 1] = width.split('/').map(Number)
  return { concurrency, disjointPaths }
}
