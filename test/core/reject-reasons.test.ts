import t from 'tap'
import { REJECT_REASONS, type RejectReason } from '../../src/core/errors.ts'
import { GOVERNANCE } from './reject-reasons/governance.ts'
import { HTTP } from './reject-reasons/http.ts'
import { KAD } from './reject-reasons/kad.ts'
import type { Produce } from './reject-reasons/produce.ts'

t.setTimeout(300_000)

/** Who has something refused for each reason. A reason that is not here does not compile; one that nobody can bring about fails. */
const PRODUCERS: Readonly<Record<RejectReason, Produce>> = { ...KAD, ...HTTP, ...GOVERNANCE }

for (const reason of REJECT_REASONS) {
  t.test(`${reason} is a reason for which something is refused, and counted`, { timeout: 30_000 }, async t => {
    t.ok(await PRODUCERS[reason](t, reason) >= 1)
  })
}

t.test('no reason is there twice, and none is brought about that is not one', async t => {
  t.equal(new Set(REJECT_REASONS).size, REJECT_REASONS.length)
  t.strictSame(Object.keys(PRODUCERS).sort(), [...REJECT_REASONS].sort())
})
