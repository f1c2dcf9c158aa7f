import type { Command } from 'commander'
import { setTimeout as sleep } from 'node:timers/promises'
import type { OverviewBody } from '../../http/admin/wire-overview.ts'
import { paint, renderFields, renderRow, renderTable, type Field, type View } from '../layout.ts'
import { durationWithin, parseCount } from '../options.ts'
import type { Run } from '../session.ts'
import { count, formatBytes, formatDuration, formatMoment } from '../text.ts'

interface Options { readonly interval: number, readonly count?: number }

const NOTES = `
On a terminal it goes on until Ctrl-C; elsewhere it prints once, unless --count says otherwise. --json prints one answer of GET /v1/overview a line.`

/** Cursor to the top left; what is below is erased after the frame was written, so that nothing flickers. */
const HOME = '\u001b[H'
const ERASE_BELOW = '\u001b[J'
const CLEAR = '\u001b[2J'
const MAX_REASONS = 8
const BAR_WIDTH = 30

export function addTop (program: Command, run: Run): void {
  program.command('top')
    .description('watch the daemon: readiness, routing table, lookups, what it refuses, governance, log')
    .option('--interval <duration>', 'how often to look, 500ms to 1h', durationWithin('500ms', '1h'), 2000)
    .option('--count <n>', 'end after so many looks', parseCount)
    .addHelpText('after', NOTES)
    .action(run(async ({ client, out, host }, { interval, count: looks }: Options) => {
      const { isTerminal } = host.stdout
      const isScreen = isTerminal && !out.isJson
      const last = looks ?? (isTerminal ? Number.POSITIVE_INFINITY : 1)
      let before: OverviewBody | undefined
      for (let look = 1; look <= last && !host.signal.aborted; look++) {
        const overview = await client.overview()
        const previous = before
        out.answer(overview, (body, view) => frame(render(body, previous, view), { isScreen, isFirst: look === 1 }))
        before = overview
        if (look < last) await sleep(interval, undefined, { signal: host.signal }).catch(() => {}) // nobody reads any more: the loop ends
      }
      return 'ok'
    }))
}

function frame (text: string, { isScreen, isFirst }: { readonly isScreen: boolean, readonly isFirst: boolean }): string {
  return isScreen ? `${isFirst ? CLEAR : ''}${HOME}${text.replaceAll('\n', '\u001b[K\n')}${ERASE_BELOW}` : text
}

function render (body: OverviewBody, previous: OverviewBody | undefined, view: View): string {
  return [renderState(body, view), renderFields(factsOf(body, previous, view), view), renderBuckets(body, view), renderRejected(body, previous, view), renderGovernance(body, view)].filter(part => part !== '').join('\n')
}

function renderState ({ readiness: { ready, degraded, reasons } }: OverviewBody, view: View): string {
  return [
    `${ready ? paint('green', 'ready', view) : paint('red', 'not ready', view)}\n`,
    ...reasons.map(({ condition, reason }) => renderRow([`  ${condition}: ${reason}`], view)),
    ...degraded === undefined ? [] : [renderRow([`  writes are refused: ${degraded}`], view)],
  ].join('')
}

function factsOf (body: OverviewBody, previous: OverviewBody | undefined, { now }: View): Field[] {
  const { lookups, discv5, audit } = body
  const seconds = (value: number | undefined): string => value === undefined ? '–' : formatDuration(value * 1000)
  const hops = (value: number | undefined): string => value?.toString() ?? '–'
  return [
    ['peer ID', body.peer_id],
    ['running', `${body.version}, ${body.profile}, up ${formatDuration(body.uptime_seconds * 1000)}`],
    ['load', `${formatBytes(body.rss_bytes)}, event loop ${formatDuration(body.event_loop_lag_seconds * 1000)} late, ${count(body.connections, 'connection')}`],
    ['records', `${body.provider_records} for ${count(body.provider_keys, 'key')}, ${count(body.values, 'value')}`],
    ['lookups', `${lookups.count}${rate(lookups.count, previous?.lookups.count, body, previous)}; p50 ${seconds(lookups.p50_seconds)}, p95 ${seconds(lookups.p95_seconds)}; hops p50 ${hops(lookups.hops_p50)}, p99 ${hops(lookups.hops_p99)}`],
    ...discv5 === undefined ? [] : [['discv5', `${count(discv5.nodes, 'node')}, ${discv5.live_nodes} seen to answer, ${count(discv5.sessions, 'session')}`] as const],
    ['log', audit.refusal ?? `${audit.entries} entries, ${audit.published} under the checkpoint${audit.signed_at === undefined ? '' : `, signed ${formatMoment(audit.signed_at, now)}`}`],
  ]
}

function renderBuckets ({ buckets, bucket_size: size }: OverviewBody, view: View): string {
  if (buckets.length === 0) return ''
  const rows = buckets.map(({ bucket, peers }) => [String(bucket), String(peers), bar(peers / size)])
  return renderTable([{ title: 'BUCKET', alignment: 'right' }, { title: 'PEERS', alignment: 'right' }, { title: '' }], rows, view)
}

function renderRejected (body: OverviewBody, previous: OverviewBody | undefined, view: View): string {
  const largest = body.rejected.filter(one => one.count > 0).toSorted((a, b) => b.count - a.count).slice(0, MAX_REASONS)
  if (largest.length === 0) return ''
  const top = largest[0]?.count ?? 1
  const rows = largest.map(({ reason, count: amount }) => {
    const earlier = previous?.rejected.find(one => one.reason === reason)?.count ?? (previous === undefined ? undefined : 0)
    return [reason, `${amount}${rate(amount, earlier, body, previous)}`, bar(amount / top)]
  })
  return renderTable([{ title: 'REFUSED' }, { title: 'TIMES', alignment: 'right' }, { title: '' }], rows, view)
}

function renderGovernance ({ governance }: OverviewBody, view: View): string {
  if (governance === undefined) return ''
  const { epoch, fault, agenda, others } = governance
  const rows = agenda.map(({ label, note }) => [label, note])
  return [
    ...fault === undefined ? [] : [`${paint('red', 'governance is not trusted', view)}\n`, renderRow([`  ${fault}`], view)],
    rows.length === 0 ? renderRow([`governance: nothing under way, ${count(epoch, 'change')} so far`], view) : renderTable([{ title: 'GOVERNANCE' }, { title: '' }], rows, view),
    ...others === 0 ? [] : [renderRow([`and ${others} more: ronctl governance list`], view)],
  ].join('')
}

/** ` (3.2/s)` since the look before; nothing at the first one, or when the daemon began anew. */
function rate (now: number, before: number | undefined, body: OverviewBody, previous: OverviewBody | undefined): string {
  if (before === undefined || previous === undefined || now <= before) return ''
  const elapsed = (Date.parse(body.at) - Date.parse(previous.at)) / 1000
  return elapsed > 0 ? ` (${((now - before) / elapsed).toFixed(1)}/s)` : ''
}

function bar (share: number): string {
  return '█'.repeat(Math.max(share > 0 ? 1 : 0, Math.round(Math.min(1, share) * BAR_WIDTH)))
}
