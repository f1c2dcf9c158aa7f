import t from 'tap'
import { WritableAdmission, WriteGate, type WriteBarrier, type WriteStop } from '../../src/policy/write-gate.ts'

const REASONS = { degraded: 'degraded', frozen: 'frozen', audit: 'audit', untrusted: 'gov_restricted' } satisfies Record<WriteStop, string>

for (const [kind, reason] of Object.entries(REASONS)) {
  t.test(`${kind}: writes stop while its reason lasts, reads never, and the caller learns why and when to come back`, async t => {
    let words: string | undefined
    const gate = new WriteGate([{ kind: kind as WriteStop, reason: () => words }])
    const asked: string[] = []
    const admission = new WritableAdmission({ admit: kind => { asked.push(kind) } }, gate)
    gate.assertOpen()
    words = 'the reason'
    t.strictSame(gate.stops, [{ kind, reason: 'the reason' }])
    t.throws(() => admission.admit('provide'), { code: kind === 'audit' ? 'DegradedAudit' : 'NotReady', reason, message: 'Writes are refused: the reason', retryAfterMs: Number })
    for (const read of ['heavy_lookup', 'lookup', 'admin', 'control'] as const) admission.admit(read)
    words = undefined
    admission.admit('provide')
    t.strictSame(asked, ['provide', 'heavy_lookup', 'lookup', 'admin', 'control', 'provide'], 'load is asked first')
  })
}

t.test('the first barrier speaks, and all are told', async t => {
  const barriers: WriteBarrier[] = [{ kind: 'degraded', reason: () => undefined }, { kind: 'frozen', reason: () => 'b' }, { kind: 'audit', reason: () => 'c' }]
  const gate = new WriteGate(barriers)
  t.throws(() => gate.assertOpen(), { code: 'NotReady', reason: 'frozen' })
  t.strictSame(gate.stops.map(({ kind }) => kind), ['frozen', 'audit'])
  t.strictSame(new WriteGate([]).stops, [])
})
