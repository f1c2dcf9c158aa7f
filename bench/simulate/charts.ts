import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PROBES_MS, type AvailabilityFigures } from './availability.ts'
import type { LookupFigures } from './lookups.ts'
import { HOUR_MS } from './sessions.ts'
import { drawChart, type Series } from './svg.ts'

export interface LookupResult {
  readonly nodes: number
  readonly condition: string
  readonly set: string
  readonly figures: LookupFigures
}

export interface AvailabilityResult {
  readonly nodes: number
  readonly set: string
  readonly figures: AvailabilityFigures
}

/** Okabe and Ito's palette, which colour-blind readers can tell apart. */
const COLORS = ['#d55e00', '#e69f00', '#0072b2', '#009e73', '#cc79a7', '#56b4e9'] as const
const HOPS_GOAL = { value: 5, name: 'goal: p99 ≤ 5 hops' }

/** Names of the sets that a panel shows; all of them would be unreadable. */
export interface ChartedSets {
  readonly hops: readonly string[]
  readonly untilAnswer: readonly string[]
  readonly untilEnd: readonly string[]
}

/** hops.svg, latency.svg and availability.svg, the last for the largest network. */
export async function writeCharts (directory: string, charted: ChartedSets, lookups: readonly LookupResult[], availability: readonly AvailabilityResult[]): Promise<void> {
  await writeFile(join(directory, 'hops.svg'), hopsChart(charted.hops, lookups))
  await writeFile(join(directory, 'latency.svg'), latencyChart(charted, lookups))
  await writeFile(join(directory, 'availability.svg'), availabilityChart(availability))
}

function hopsChart (sets: readonly string[], lookups: readonly LookupResult[]): string {
  const axes = { xTitle: 'nodes', xLabels: sizesOf(lookups).map(toSize) }
  const series = (of: (figures: LookupFigures) => number): Series[] => sets.map((set, index) => seriesOf(lookups, 'churn', set, set, index, false, of))
  return drawChart('Lookups under churn, by routing table', [
    { ...axes, title: 'Hops to the closest peer found, p99', yTitle: 'hops', series: series(({ hopsP99 }) => hopsP99), goal: HOPS_GOAL },
    { ...axes, title: 'Lookups that found the closest peer there is', yTitle: '% of lookups', yMax: 100, series: series(({ closestFound }) => closestFound) },
  ])
}

function latencyChart ({ untilAnswer, untilEnd }: ChartedSets, lookups: readonly LookupResult[]): string {
  const axes = { xTitle: 'nodes', xLabels: sizesOf(lookups).map(toSize) }
  const colored = [...new Set([...untilAnswer, ...untilEnd])]
  const series = (sets: readonly string[], condition: string, p50: keyof LookupFigures, p95: keyof LookupFigures): Series[] => sets.flatMap(set => [
    seriesOf(lookups, condition, set, `${set}: p50`, colored.indexOf(set), true, figures => figures[p50] / 1000),
    seriesOf(lookups, condition, set, `${set}: p95`, colored.indexOf(set), false, figures => figures[p95] / 1000),
  ])
  return drawChart('Lookup latency over links of 20 to 80 ms', [
    { ...axes, title: 'Until one of the k closest peers answers, churn', yTitle: 'seconds', series: series(untilAnswer, 'churn', 'answerP50', 'answerP95') },
    { ...axes, title: 'Until the lookup ends, 20 % dead', yTitle: 'seconds', series: series(untilEnd, '20 % dead', 'endP50', 'endP95') },
  ])
}

function availabilityChart (results: readonly AvailabilityResult[]): string {
  const nodes = Math.max(...results.map(result => result.nodes))
  const shown = results.filter(result => result.nodes === nodes)
  const panel = (title: string, keepsRecords: boolean) => ({
    title,
    xTitle: 'hours since the first announcement',
    yTitle: '% of lookups that find a live holder',
    xLabels: PROBES_MS.map(ms => String(ms / HOUR_MS)),
    yMax: 100,
    series: shown.flatMap(({ set, figures }, table) => figures.availability.filter(one => one.keepsRecords === keepsRecords)
      .map(({ policy, found }, index): Series => ({ name: `${set}: ${policy.name}`, color: COLORS[index % COLORS.length] ?? '#000', isDashed: table === 0, values: found }))),
  })
  return drawChart(`Provider records under churn, ${toSize(nodes)} nodes`, [panel('Holders keep records on disk', true), panel('Holders lose records when they leave', false)])
}

function seriesOf (lookups: readonly LookupResult[], condition: string, set: string, name: string, index: number, isDashed: boolean, of: (figures: LookupFigures) => number): Series {
  const values = lookups.filter(result => result.condition === condition && result.set === set).sort((a, b) => a.nodes - b.nodes).map(({ figures }) => of(figures))
  return { name, color: COLORS[index % COLORS.length] ?? '#000', isDashed, values }
}

function sizesOf (lookups: readonly LookupResult[]): number[] {
  return [...new Set(lookups.map(({ nodes }) => nodes))].sort((a, b) => a - b)
}

export function toSize (nodes: number): string {
  if (nodes % 1_000_000 === 0) return `${nodes / 1_000_000}M`
  return nodes % 1000 === 0 ? `${nodes / 1000}k` : String(nodes)
}
