import { bars, line, ring } from './plot.ts'
import type { Sample, StatusSnapshot } from './snapshot.ts'
import { escapeHtml, formatBytes, formatCount, formatDuration, formatSeconds } from './text.ts'

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
<header><h1>svc-dht</h1><p id="live" role="status">As of ${new Date(snapshot.at).toISOString()}</p></header>
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
    section('keyspace', 'Place in the keyspace', ring(snapshot.position, snapshot.peers)),
    section('buckets', 'Routing table by shared bits', bars('Peers in each bucket', snapshot.buckets.map(({ bucket, peers }) => ({ label: String(bucket), value: peers })), snapshot.bucketSize)),
    section('records', 'Provider records', line('Provider records', samples.map(({ at, records }) => ({ at, value: records })))),
    section('lookups', 'Lookups that walked', renderLookups(snapshot)),
    section('rejected', 'Refused, by reason', renderRejected(snapshot)),
  ]
  return sections.join('\n')
}

function section (id: string, heading: string, body: string): string {
  return `<section id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${escapeHtml(heading)}</h2>${body}</section>`
}

function renderState ({ readiness }: StatusSnapshot): string {
  if (readiness.ready) return '<p class="good">It can route: bootstrap peers answer, the routing table is warm, and what it keeps is intact.</p>'
  const rows = readiness.reasons.map(({ condition, reason }) => `<li><strong>${escapeHtml(condition)}</strong> ${escapeHtml(reason)}</li>`)
  return `<ul class="bad">${rows.join('')}</ul>`
}

function renderFacts (snapshot: StatusSnapshot): string {
  return facts([
    ['Peer ID', snapshot.peerId],
    ['Protocol', snapshot.protocol],
    ['Version', snapshot.version],
    ['Profile', snapshot.profile],
    ['Running for', formatDuration(snapshot.uptimeMs)],
    ['Connections', formatCount(snapshot.connections)],
    ['Records', `${formatCount(snapshot.records)} of ${formatCount(snapshot.keys)} keys`],
    ['Values', formatCount(snapshot.values)],
    ['Memory', formatBytes(snapshot.rssBytes)],
    ['Event loop late by', formatSeconds(snapshot.lagSeconds)],
    ['Configuration', snapshot.configDigest],
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

function facts (rows: ReadonlyArray<readonly [string, string]>): string {
  return `<dl>${rows.map(([name, value]) => `<div><dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}</dd></div>`).join('')}</dl>`
}
