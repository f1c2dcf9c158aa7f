import { area, bars, columns, ring, spark, timeline } from './plot.ts'
import { ratesOf, seriesOf } from './series.ts'
import type { Sample, Share, StatusSnapshot } from './snapshot.ts'
import { escapeHtml, formatBytes, formatCount, formatDuration, formatSeconds, toSecond } from './text.ts'

const MAX_REASONS = 8
const MAX_DISTANCES = 10
const NO_WALKS = '<p class="none">No lookup has walked the network yet.</p>'
/** discv5, theory: nodes of one distance that are kept. */
const DISCV5_BUCKET = 16
/** Governance §3: of the lookups inside one zone. */
const OBJECTIVE = { seconds: 0.5, hops: 5 }

/** The whole page. It is complete without its script, which only keeps it current. */
export function renderPage (snapshot: StatusSnapshot, samples: readonly Sample[]): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${snapshot.readiness.ready ? 'Ready' : 'Not ready'} – svc-dht</title>
<link rel="stylesheet" href="status.css">
<script type="module" src="status.js"></script>
<noscript><meta http-equiv="refresh" content="10"></noscript>
</head>
<body>
<a class="skip" href="#state">Skip to the state</a>
<header><h1>svc-dht <small>${escapeHtml(snapshot.peerId)}</small></h1><p id="live">As of ${toSecond(snapshot.at)}</p></header>
<p id="said" class="unseen" role="status"></p>
<main>${renderMain(snapshot, samples)}</main>
<footer><a href="metrics">Metrics</a> <a href="readyz">Readiness</a> <a href="version">Version</a></footer>
</body>
</html>
`
}

/** What changes: each section by its id, so that the script may replace one without moving the reader. */
export function renderMain (snapshot: StatusSnapshot, samples: readonly Sample[]): string {
  const sections = [
    section('state', snapshot.readiness.ready ? 'Ready' : 'Not ready', renderState(snapshot)),
    section('glance', 'Now, and within the hour', renderTiles(snapshot, samples)),
    section('records', 'Provider records', renderRecords(snapshot, samples)),
    section('lookups', 'Lookups, by milliseconds', renderLookupTime(snapshot)),
    section('hops', 'Lookups, by hops', renderHops(snapshot)),
    section('keyspace', 'Place in the keyspace', `${ring(snapshot.position, snapshot.peers)}<p class="none">The large dot is this daemon, the small ones are the peers of its routing table.</p>`),
    section('buckets', 'Routing table, by shared bits', renderBuckets(snapshot)),
    section('rejected', 'Refused, by reason', renderRejected(snapshot, samples)),
    section('discv5', 'discv5 table, by log distance', renderDiscv5(snapshot)),
    section('audit', 'Audit log', renderAudit(snapshot)),
    section('governance', 'Governance', renderAgenda(snapshot)),
    section('daemon', 'This daemon', renderFacts(snapshot)),
  ]
  return sections.join('\n')
}

function section (id: string, heading: string, body: string): string {
  return `<section id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${escapeHtml(heading)}</h2>${body}</section>`
}

function renderState ({ readiness }: StatusSnapshot): string {
  const good = readiness.ready ? '<p class="good">It can route: bootstrap peers answer, the routing table is warm, and what it keeps is intact.</p>' : ''
  const missing: ReadonlyArray<readonly [string, string]> = [
    ...readiness.reasons.map(({ condition, reason }) => [condition, reason] as const),
    ...readiness.degraded === undefined ? [] : [['writes are refused', readiness.degraded] as const],
  ]
  return good + (missing.length === 0 ? '' : `<ul class="bad">${missing.map(([what, why]) => `<li><strong>${escapeHtml(what)}</strong> ${escapeHtml(why)}</li>`).join('')}</ul>`)
}

function renderBuckets ({ buckets, bucketSize }: StatusSnapshot): string {
  const drawn = bars('Peers in each bucket', buckets.map(({ bucket, peers }) => ({ label: `${bucket} ${bucket === 1 ? 'bit' : 'bits'}`, value: peers })), bucketSize)
  return buckets.length === 0 ? drawn : `${drawn}<p class="none">Peers by how many leading bits of their ID are ours. The dashed line is a full bucket: ${formatCount(bucketSize)}.</p>`
}

function renderFacts (snapshot: StatusSnapshot): string {
  return facts([
    ['Peer ID', snapshot.peerId],
    ['Protocol', snapshot.protocol],
    ['Version', snapshot.version],
    ['Profile', snapshot.profile],
    ['Running for', formatDuration(snapshot.uptimeMs)],
    ['Connections', formatCount(snapshot.connections)],
    ['Values held', formatCount(snapshot.values)],
    ['Configuration digest', snapshot.configDigest],
  ])
}

function renderLookupTime ({ lookups: { count, seconds, p50, p95 } }: StatusSnapshot): string {
  if (count === 0) return NO_WALKS
  const label = (bound: number): string => bound < 1 ? String(Math.round(bound * 1000)) : `${bound} s`
  return `${columns('Lookups by milliseconds', toColumns(seconds, label), label(OBJECTIVE.seconds))}` +
    `<p class="none">Half of ${formatCount(count)} took up to <b>${formatSeconds(p50)}</b>, 95 % up to <b>${formatSeconds(p95)}</b>. The dashed line is the objective for these: ${formatSeconds(OBJECTIVE.seconds)}.</p>`
}

function renderHops ({ lookups: { count, hops, hopsP50, hopsP99 } }: StatusSnapshot): string {
  if (count === 0) return NO_WALKS
  return `${columns('Lookups by hops', toColumns(hops, String), String(OBJECTIVE.hops))}` +
    `<p class="none">Half took up to <b>${hopsP50 ?? '–'}</b>, 99 % up to <b>${hopsP99 ?? '–'}</b>. The dashed line is the objective for these: ${OBJECTIVE.hops}.</p>`
}

function toColumns (shares: readonly Share[], label: (bound: number) => string): Array<{ readonly label: string, readonly value: number }> {
  return trimmed(shares).map(({ upTo, count }) => ({ label: upTo === Number.POSITIVE_INFINITY ? '…' : label(upTo), value: count }))
}

/** Without the empty ends, but for one on each side, and six at least. */
function trimmed (shares: readonly Share[]): readonly Share[] {
  const first = Math.max(0, shares.findIndex(({ count }) => count > 0) - 1)
  const last = shares.findLastIndex(({ count }) => count > 0) + 2
  return shares.slice(Math.max(0, Math.min(first, last - 6)), Math.max(last, 7))
}

function renderTiles (snapshot: StatusSnapshot, samples: readonly Sample[]): string {
  const perMinute = (pick: (sample: Sample) => number) => ratesOf(samples, pick)
  const [lookups, rejected] = [perMinute(sample => sample.lookups), perMinute(sample => sample.rejected)]
  const tiles = [
    ['Peers in the table', formatCount, snapshot.peers.length, seriesOf(samples, ({ peers }) => peers)],
    ['Provider records', formatCount, snapshot.records, seriesOf(samples, ({ records }) => records)],
    ['Lookups a minute', formatCount, lookups.at(-1)?.value ?? 0, lookups],
    ['Refused a minute', formatCount, rejected.at(-1)?.value ?? 0, rejected],
    ['Event loop late by', formatSeconds, snapshot.lagSeconds, seriesOf(samples, ({ lagSeconds }) => lagSeconds)],
    ['Memory', formatBytes, snapshot.rssBytes, seriesOf(samples, ({ rssBytes }) => rssBytes)],
  ] as const
  return `<dl class="tiles">${tiles.map(([name, format, value, points]) => `<div><dt>${name}</dt><dd>${format(value)}${spark(name, points, format)}</dd></div>`).join('')}</dl>`
}

function renderRecords ({ records, keys }: StatusSnapshot, samples: readonly Sample[]): string {
  return `${area('Provider records', seriesOf(samples, sample => sample.records))}<p class="none">${formatCount(records)} ${records === 1 ? 'record' : 'records'} for ${formatCount(keys)} ${keys === 1 ? 'key' : 'keys'}.</p>`
}

function renderDiscv5 ({ discv5 }: StatusSnapshot): string {
  if (discv5 === undefined) return '<p class="none">It is off: discv5.enabled.</p>'
  const { nodes, liveNodes, sessions, distances } = discv5
  const drawn = bars('Nodes by log distance', distances.slice(0, MAX_DISTANCES).map(({ distance, nodes: value }) => ({ label: String(distance), value })), DISCV5_BUCKET)
  return `${drawn}<p class="none">${formatCount(nodes)} ${nodes === 1 ? 'node' : 'nodes'} by log distance to this one, ${formatCount(liveNodes)} of them seen to answer; ${formatCount(sessions)} ${sessions === 1 ? 'session' : 'sessions'}.</p>`
}

function renderRejected ({ rejected }: StatusSnapshot, samples: readonly Sample[]): string {
  const largest = rejected.filter(({ count }) => count > 0).toSorted((a, b) => b.count - a.count).slice(0, MAX_REASONS)
  if (largest.length === 0) return '<p class="none">None yet.</p>'
  const rates = ratesOf(samples, sample => sample.rejected)
  return `${rates.length < 2 ? '' : area('Refused a minute', rates)}<p class="none">${rates.length < 2 ? 'Since the start:' : 'A minute, and since the start:'}</p>${bars('Requests refused', largest.map(({ reason, count }) => ({ label: reason, value: count })))}`
}

function renderAgenda ({ agenda }: StatusSnapshot): string {
  if (agenda === undefined) return '<p class="none">Nobody governs this daemon: it has no genesis.</p>'
  const { at, epoch, fault, rows, others } = agenda
  const warning = fault === undefined ? '' : `<ul class="bad"><li>What is kept is not trusted: ${escapeHtml(fault)}</li></ul>`
  if (rows.length === 0) return `${warning}<p class="none">Nothing is under way. ${formatCount(epoch)} changes so far.</p>`
  return `${warning}${timeline('Governance', at, rows)}${facts(rows.map(({ label, note }) => [label, note]))}${others === 0 ? '' : `<p class="none">And ${formatCount(others)} more: ronctl governance list.</p>`}`
}

function renderAudit ({ audit, at }: StatusSnapshot): string {
  const { size, published, root, signedAt, refusal } = audit
  const state = refusal === undefined ? '<p class="good">It takes entries.</p>' : `<ul class="bad"><li>${escapeHtml(refusal)}</li></ul>`
  return state + facts([
    ['Entries', formatCount(size)],
    ['Under the checkpoint', formatCount(published)],
    ['Checkpoint signed', signedAt === 0 ? '–' : `${formatDuration(Math.max(0, at - signedAt))} ago`],
    ['Root', root],
  ])
}

function facts (rows: ReadonlyArray<readonly [string, string]>): string {
  return `<dl>${rows.map(([name, value]) => `<div><dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}</dd></div>`).join('')}</dl>`
}
