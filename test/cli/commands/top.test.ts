import t from 'tap'
import type { StatusSnapshot } from '../../../src/http/ops/status/snapshot.ts'
import { startDaemon } from '../../http/admin/fake-daemon.ts'
import { SNAPSHOT } from '../../http/ops/status/snapshot.ts'
import { only } from '../../patterns.ts'
import { jsonLines, ronctl } from '../ronctl.ts'

/** A daemon that shows one snapshot after the other. */
async function showing (...snapshots: StatusSnapshot[]): Promise<string> {
  let looks = 0
  return await startDaemon(t, { overview: { snapshot: async () => snapshots[Math.min(looks++, snapshots.length - 1)] ?? SNAPSHOT } })
}

const AGENDA: StatusSnapshot['agenda'] = { at: SNAPSHOT.at, epoch: 3, fault: undefined, rows: [{ label: '#4 policy', from: SNAPSHOT.at, to: undefined, kind: 'under way', note: 'in review, 1 of 2 signers' }], others: 2 }

t.test('in a pipe the whole daemon is printed once, as plain text', async t => {
  const socket = await showing({ ...SNAPSHOT, agenda: AGENDA, readiness: { ready: true, degraded: 'the disk is replaced', reasons: [] } })
  const { exit, stdout, stderr } = await ronctl(['top', '--socket', socket])
  t.match({ exit, stderr }, { exit: 0, stderr: '' })
  t.notMatch(stdout, '\u001b')
  for (const part of [
    /^ready\n {2}writes are refused: the disk is replaced$/m, /^records +25000 for 9000 keys, 4 values$/m, /^lookups +12; p50 80ms, p95 400ms; hops p50 2, p99 4$/m, /^discv5 +7 nodes, 6 seen to answer, 9 sessions$/m,
    /^log +1200 entries, 1199 under the checkpoint, signed .* ago$/m, /^ +0 +20 +█{30}$/m, /^rate +7 +█{30}$/m, /^#4 policy +in review, 1 of 2 signers$/m, /^and 2 more: ronctl governance list$/m,
  ]) t.match(stdout, part)
})

t.test('what is missing comes first', async t => {
  const socket = await showing({ ...SNAPSHOT, readiness: { ready: false, reasons: [{ condition: 'bootstrap', reason: 'nobody answered' }] }, audit: { ...SNAPSHOT.audit, refusal: 'the disk is full' } })
  const { stdout } = await ronctl(['top', '--socket', socket])
  t.match(stdout, /^not ready\n {2}bootstrap: nobody answered\n/)
  t.match(stdout, /^log +the disk is full$/m)
})

t.test('on a terminal each look takes the place of the one before, with rates between them', async t => {
  const later: StatusSnapshot = { ...SNAPSHOT, at: SNAPSHOT.at + 2000, lookups: { ...SNAPSHOT.lookups, count: 18 }, rejected: [{ reason: 'rate', count: 8 }, { reason: 'key', count: 2 }] }
  const socket = await showing(SNAPSHOT, later)
  const frames: string[] = []
  const { exit } = await ronctl(['top', '--interval', '500ms', '--count', '2', '--socket', socket], { columns: 80, env: { NO_COLOR: '1' }, onStdout: text => frames.push(text) })
  t.equal(exit, 0)
  t.equal(frames.length, 2)
  t.ok(frames[0]?.startsWith('\u001b[2J\u001b[H'), 'the first one clears the screen')
  t.ok(frames[1]?.startsWith('\u001b[H') && frames[1].endsWith('\u001b[J'), 'the next one goes over it')
  t.match(frames[1], /18 \(3\.0\/s\)/)
  t.match(frames[1], /rate +8 \(0\.5\/s\)/)
  t.notMatch(frames[1], /key +2 \(/, 'what stands still has no rate')
})

t.test('for machines each look is one line, and a reader that leaves ends it', async t => {
  const socket = await showing(SNAPSHOT)
  const stop = new AbortController()
  let lines = 0
  const { exit, stdout } = await ronctl(['top', '--json', '--interval', '500ms', '--count', '1000', '--socket', socket], { signal: stop.signal, onStdout: () => { if (++lines === 2) stop.abort() } })
  t.equal(exit, 0)
  t.match(jsonLines(stdout), only({ peer_id: SNAPSHOT.peerId, lookups: { p95_seconds: 0.4 }, audit: { entries: 1200 } }, { bucket_size: 20 }))
})

t.test('an interval that would be a load is refused', async t => {
  for (const interval of ['10ms', '2h', 'often']) t.match(await ronctl(['top', '--interval', interval]), { exit: 2, stderr: /500ms to 1h/ })
})
