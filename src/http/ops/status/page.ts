import { bars, line, ring, timeline } from './plot.ts'
import type { Sample, StatusSnapshot } from './snapshot.ts'
import { escapeHtml, formatBytes, formatCount, formatDuration, formatSeconds, toSecond } from './text.ts'

const MAX_REASONS = 10

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
<header><h1>svc-dht</h1><p id="live" role="status">As of ${toSecond(snapshot.at)}</p></header>
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
    section('daemon', 'This daemon', renderFacts(snapshot)),
    section('keyspace', 'Place in the keyspace', `${ring(snapshot.position, snapshot.peers)}<p class="none">The large dot is this daemon, the small ones are the peers of its routing table.</p>`),
    section('buckets', 'Routing table by shared bits', renderBuckets(snapshot)),
    section('records', 'Provider records', line('Provider records', samples.map(({ at, records }) => ({ at, value: records })))),
    section('lookups', 'Lookups that walked', renderLookups(snapshot)),
    section('rejected', 'Refused, by reason', renderRejected(snapshot)),
    section('governance', 'Governance', renderAgenda(snapshot)),
    section('audit', 'Audit log', renderAudit(snapshot)),
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
    ['Records', `${formatCount(snapshot.records)} for ${formatCount(snapshot.keys)} ${snapshot.keys === 1 ? 'key' : 'keys'}`],
    ['Values', formatCount(snapshot.values)],
    ['Memory', formatBytes(snapshot.rssBytes)],
    ['Event loop late by', formatSeconds(snapshot.lagSeconds)],
    ['Configuration digest', snapshot.configDigest],
  ])
}

function renderLookups ({ lookups }: StatusSnapshot): string {
  return facts([
    ['Lookups', formatCount(lookups.count)],
    ['Time, half are below', formatSeconds(lookups.p50)],
    ['Time, 95 % are below', formatSeconds(lookups.p95)],
    ['Hops, half are below', lookups.hopsP50?.toFixed(1) ?? '–'],
    ['Hops, 99 % are below', lookups.hopsP99?.toFixed(1) ?? '–'],
  ])
}

function renderRejected ({ rejected }: StatusSnapshot): string {
  const largest = rejected.filter(({ count }) => count > 0).toSorted((a, b) => b.count - a.count).slice(0, MAX_REASONS)
  return bars('Requests refused', largest.map(({ reason, count }) => ({ label: reason, value: count })))
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
