import t from 'tap'
import { agendaOf } from '../../../../src/http/ops/status/agenda.ts'
import { renderPage } from '../../../../src/http/ops/status/page.ts'
import { DAY, HOUR, MINUTE, Network } from '../../../governance/fixtures.ts'
import { SNAPSHOT } from './snapshot.ts'

const STRICT = { op: 'set', values: { profile: 'strict' } }

const agenda = (network: Network) => agendaOf({ ledger: network.ledger, fault: undefined, at: network.at })
const rows = (network: Network): string[] => agenda(network)?.rows.map(({ label, note, kind }) => `${label}: ${note} (${kind})`) ?? []

t.test('a proposal is followed from its first signature to its end', async t => {
  const network = new Network()
  const id = network.propose('policy', STRICT)
  network.at += HOUR
  network.approve(id, network.cast.sec[0])
  t.strictSame(rows(network), ['#1 policy: in review, 1 of 2 signers, lapses in 23 h (under way)'])
  network.approve(id, network.cast.sec[1])
  t.strictSame(rows(network), ['#1 policy: approved, waits for its execution, lapses in 2 d 23 h (under way)'])
  network.send(network.about('execution', id, network.cast.ops))
  t.strictSame(rows(network), ['#1 policy: canary is watched for 10 min more (under way)'])
  t.equal(agenda(network)?.rows[0]?.to, network.at + 10 * MINUTE)
  network.at += 11 * MINUTE
  t.match(rows(network)[0], /^#1 policy: canary is not well yet, lapses in /)
  network.send(network.about('rollback', id, network.cast.ops))
  network.at += 5 * MINUTE
  t.strictSame(rows(network), ['#1 policy: rolled back 5 min ago (ended)'])
  network.at += 8 * DAY
  t.strictSame(rows(network), [], 'after a week it is history')
})

t.test('an emergency shows when it ends by itself, and what it leaves to do', async t => {
  const network = new Network()
  const id = network.propose('freezes', { op: 'freeze', scope: 'writes', duration_ms: 30 * MINUTE }, { authority: 'emergency' })
  network.approve(id, ...network.cast.sec)
  network.send(network.about('execution', id, network.cast.ops))
  t.strictSame(rows(network).slice(0, 3), ['freeze of writes: ends by itself in 30 min (under way)', 'public-event: due in 1 d (under way)', 'post-mortem: due in 3 d (under way)'])
  network.at += 2 * DAY
  t.match(rows(network)[0], /^public-event: overdue for 1 d \(late\)$/)
})

t.test('a long agenda is cut, and says how much was left out', async t => {
  const network = new Network()
  const { sec, ops } = network.cast
  for (let index = 0; index < 20; index++) network.propose('policy', STRICT, { reason: `try ${index}` }, [...sec, ops][index % 4]) // one author alone may not have so many
  t.match(agenda(network), { rows: { length: 12 }, others: 8 })
})

t.test('the page draws it, says it in words, and says when nobody governs or nothing is trusted', async t => {
  const network = new Network()
  network.propose('policy', STRICT)
  const page = renderPage({ ...SNAPSHOT, agenda: agenda(network) }, [])
  t.match(page, 'aria-label="Governance: #1 policy in review, 0 of 2 signers, lapses in 1 d"')
  t.match(page, '<dt>#1 policy</dt><dd>in review, 0 of 2 signers, lapses in 1 d</dd>')
  t.notMatch(page, /NaN|undefined|Infinity/)
  t.match(renderPage({ ...SNAPSHOT, agenda: agenda(new Network()) }, []), 'Nothing is under way.')
  t.match(renderPage(SNAPSHOT, []), 'Nobody governs this daemon')
  const restricted = { ...SNAPSHOT, agenda: { at: 0, epoch: 0, fault: 'the log is <shorter>', rows: [], others: 0 } }
  t.match(renderPage(restricted, []), 'not trusted: the log is &lt;shorter&gt;')
})

t.test('the head of the log is there, and why it takes no entries', async t => {
  t.match(renderPage(SNAPSHOT, []), /Checkpoint signed<\/dt><dd>30 s ago/)
  const page = renderPage({ ...SNAPSHOT, audit: { ...SNAPSHOT.audit, refusal: 'the disk is full' } }, [])
  t.match(page, 'the disk is full')
})
