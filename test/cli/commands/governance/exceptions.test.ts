import { readdirSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { DhtError } from '../../../../src/core/errors.ts'
import { only } from '../../../patterns.ts'
import { jsonLines } from '../../ronctl.ts'
import { MovedClock } from './moved-clock.ts'

// Freezes, overrides, disputes, obligations, the charter, and all that takes time; the rules are the daemon's.

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const PEER = '12D3KooWGzxzKZYveHXtpG6AsrUJBcWxHBFS2HsEoGTxrMLvKXtf'

t.test('a change is promoted once its canary is green, and may be rolled back while its proposal allows it', async t => {
  const net = await MovedClock.start(t)
  await net.as('ops', 'propose', 'policy.profile=strict', '--reason', 'risk', '--rollback-within', '30m')
  await net.approve(1, 'sec1', 'sec3')
  t.match(await net.as('ops', 'execute', '1'), { exit: 0, stdout: /stage +canary/ })
  t.match(await net.ask(['governance', 'show', '1']), { stdout: /canary +watched until it is green, not before in 10m/ })
  net.pass(10 * MINUTE)
  const [id] = net.ledger.proposals.keys()
  net.take({ kind: 'canary', proposalId: id ?? '', verdict: 'green' })
  t.match(await net.ask(['governance', 'show', '1']), { stdout: /canary +green: it may be promoted/ })
  t.match(await net.as('ops', 'promote', '1'), { exit: 0, stdout: /in force/ })
  t.equal(net.ledger.state.sections.policy.profile, 'strict')
  t.match(await net.ask(['governance', 'show', '1']), { stdout: /rollback ends +in 30m[^]*- policy.profile: "standard"\n +\+ policy.profile: "strict"/ })
  t.match(await net.as('ops', 'rollback', '1', '--reason', 'too strict'), { exit: 0 })
  t.equal(net.ledger.state.sections.policy.profile, 'standard')
})

t.test('a freeze takes the emergency quorum, ends by itself, and leaves two obligations', async t => {
  const net = await MovedClock.start(t)
  t.match(await net.as('sec1', 'freeze', '--for', '20m', '--reason', 'flood'), { exit: 0 })
  await net.approve(1, 'sec1', 'sec2')
  t.match(await net.as('sec1', 'execute', '1'), { exit: 77, stderr: /2 of 3/ })
  await net.approve(1, 'sec3')
  t.match(await net.as('sec1', 'execute', '1'), { exit: 0 })
  t.match(await net.ask(['governance', 'status']), { stdout: /freezes +writes, ends in 20m/ })
  const { stdout } = await net.ask(['governance', 'obligations', '--json'])
  const [{ obligations }] = jsonLines(stdout) as [{ obligations: ReadonlyArray<{ id: string }> }]
  t.equal(obligations.length, 2)
  t.match(await net.as('ops', 'fulfil', obligations[0]?.id ?? '', '--link', 'https://example.com/event'), { exit: 0 })
  net.pass(20 * MINUTE)
  t.match(await net.ask(['governance', 'status']), { stdout: /freezes +none/ })
  net.pass(73 * HOUR)
  t.match(await net.ask(['governance', 'obligations']), { exit: 1, stdout: /fulfilled[^]*overdue/ })
})

t.test('a freeze is ended early by the usual quorum', async t => {
  const net = await MovedClock.start(t)
  await net.as('sec1', 'freeze', 'policy', '--reason', 'flood')
  await net.approve(1, 'sec1', 'sec2', 'sec3')
  await net.as('sec1', 'execute', '1')
  t.match(await net.as('sec2', 'unfreeze', 'policy', '--reason', 'over'), { exit: 0 })
  await net.approve(2, 'sec1', 'sec2')
  t.match(await net.as('sec2', 'execute', '2'), { exit: 0 })
  t.strictSame(net.ledger.state.sections.freezes.active, [])
  t.match(await net.as('sec2', 'unfreeze', 'policy', '--reason', 'over'), { exit: /1|2/, stderr: /not frozen|another proposal/ })
})

t.test('an override holds for as long as was agreed, and is listed while it does', async t => {
  const net = await MovedClock.start(t)
  t.match(await net.as('sec1', 'override', 'deny-peer', PEER, '--for', '8d', '--reason', 'spam'), { exit: 2, stderr: /within 7 days/ })
  await net.as('sec1', 'override', 'deny-peer', PEER, '--for', '2h', '--id', 'spam-1', '--reason', 'spam')
  await net.approve(1, 'sec2', 'sec3')
  await net.as('ops', 'execute', '1')
  t.match(await net.ask(['governance', 'override', 'list']), { stdout: new RegExp(`spam-1 +deny-peer +${PEER} +in 2h`) })
  net.pass(2 * HOUR)
  t.match(await net.ask(['governance', 'override', 'list']), { stdout: 'no overrides\n' })
  const [first = ''] = net.ledger.proposals.keys()
  t.match(await net.as('sec2', 'override', 'provider-ttl', '72h', '--reason', 'migration'), { exit: 1, stderr: new RegExp(`--instead-of ${first}`) }, 'the section is as it was, and only the signer knows that the first is over')
  await net.as('sec2', 'override', 'provider-ttl', '72h', '--reason', 'migration', '--instead-of', first)
  t.match(await net.ask(['governance', 'show', '2']), { stdout: /\+ overrides.active: .*"ttl_ms":259200000/ })
  t.match(await net.as('sec3', 'override', 'end', 'spam-1', '--reason', 'gone'), { exit: 2, stderr: /no such override/ })
})

t.test('a dispute is filed from the template, listed, and resolved by another', async t => {
  const net = await MovedClock.start(t)
  await net.as('ops', 'propose', 'policy.profile=strict', '--reason', 'risk')
  const template = net.people.file('dispute.txt')
  writeFileSync(template, 'Dispute: proposal:1\nSummary: locks partners out\nEvidence: rejected_total\nEvidence: log of 09:00\nRequested Override: allow partner, 2 days\nImpact: SLA\nContacts: on-call\n')
  t.match(await net.as('auditor', 'dispute', 'file', '--template', template), { exit: 0 })
  const [dispute] = net.ledger.disputes.values()
  t.match(dispute?.dispute, { subject: `proposal:${[...net.ledger.proposals.keys()][0]}`, evidence: only('rejected_total', 'log of 09:00'), requested_override: 'allow partner, 2 days' })
  t.match(await net.ask(['governance', 'show', '1']), { stdout: /review, disputed/ })
  t.match(await net.ask(['governance', 'dispute', 'list']), { stdout: /open .*locks partners out/ })
  t.match(await net.as('auditor', 'dispute', 'resolve', dispute?.id ?? '', '--outcome', 'mine'), { exit: 77 })
  t.match(await net.as('owner', 'dispute', 'resolve', dispute?.id ?? '', '--outcome', 'partner is listed'), { exit: 0 })
  t.match(await net.as('auditor', 'dispute', 'file', '--subject', 'audit:3', '--summary', 'x'), { exit: 2, stderr: /no requested override/ })
  t.match(await net.as('auditor', 'dispute', 'file', '--subject', 'that one', '--summary', 'x', '--requested-override', 'x', '--impact', 'x', '--contacts', 'x'), { exit: 2, stderr: /nothing to dispute/ })
  writeFileSync(template, 'Dispute: 1\nNonsense: x\n')
  t.match(await net.as('auditor', 'dispute', 'file', '--template', template), { exit: 2, stderr: /none of the template/ })
})

t.test('the charter is shown, and changes by today’s signers and those to come', async t => {
  const net = await MovedClock.start(t)
  const { file, ids } = net.people
  t.match(await net.ask(['governance', 'charter']), { exit: 0, stdout: new RegExp(`quorum +2 of 3[^]*auditor +${ids.auditor}[^]*recovery +2 of 3`) })
  const key = file('new.key')
  await net.ask(['key', 'new', '--role', 'security', '--out', key, '--passphrase-file', file('passphrase')])
  t.match(await net.as('owner', 'charter', 'add-actor', `${key}.pub`, '--reason', 'a fourth signer'), { exit: 0 })
  await net.approve(1, 'sec1', 'sec2')
  t.match(await net.as('owner', 'execute', '1'), { exit: 0 })
  t.match(await net.ask(['governance', 'charter']), { stdout: /quorum +2 of 4/ })
  t.match(await net.as('owner', 'charter', 'revoke-actor', ids.sec3.slice(0, 12), '--reason', 'left'), { exit: 0 })
  await net.approve(2, 'sec1', 'sec2')
  await net.as('owner', 'execute', '2')
  t.match(await net.ask(['governance', 'charter']), { stdout: new RegExp(`${ids.sec3} +revoked`) })
  t.match(await net.as('owner', 'charter', 'set-quorum', '5', '--reason', 'more'), { exit: 2, stderr: /cannot be reached/ })
  t.match(await net.as('owner', 'charter', 'revoke-actor', 'abc', '--reason', 'x'), { exit: 2, stderr: /No actor/ })
  t.match(await net.as('owner', 'charter', 'set-windows', '--canary', '15m', '--reason', 'longer', '--dry-run'), { exit: 0, stdout: /- charter.windows.canary_ms: 600000\n +\+ charter.windows.canary_ms: 900000/ })
})

t.test('another quorum leaves the emergency quorum as it is, unless that is named too', async t => {
  const net = await MovedClock.start(t)
  const dry = async (...args: readonly string[]): Promise<string> => (await net.as('owner', 'charter', 'set-quorum', ...args, '--reason', 'numbers', '--dry-run')).stdout.split('after digest')[1] ?? ''
  const agree = async (number: number, ...args: readonly string[]): Promise<void> => {
    t.match(await net.as('owner', 'charter', 'set-quorum', ...args, '--reason', 'numbers'), { exit: 0 })
    await net.approve(number, 'sec1', 'sec2', 'sec3')
    t.match(await net.as('owner', 'execute', String(number)), { exit: 0 })
  }
  await agree(1, '2', '--emergency-quorum', '2')
  t.equal(net.ledger.state.sections.charter.emergency_quorum, 2)
  t.match(await dry('2', '--emergency-quorum', '3'), /- charter.emergency_quorum: 2\n +\+ charter.emergency_quorum: 3/)
  t.match(await net.as('owner', 'charter', 'set-quorum', '3', '--reason', 'more', '--dry-run'), { exit: 2, stderr: /emergency quorum must not be below/ }, 'it is not silently given up')
  await agree(2, '2', '--emergency-quorum', '3')
  await agree(3, '3')
  t.match(net.ledger.state.sections.charter, { quorum: 3, emergency_quorum: 3 })
  t.match(await dry('2', '--emergency-quorum', 'majority'), /- charter.quorum: 3\n +\+ charter.quorum: 2\n +- charter.emergency_quorum: 3\n/)
  t.match(await net.as('owner', 'charter', 'set-quorum', '2', '--emergency-quorum', 'some', '--reason', 'x'), { exit: 2 })
})

t.test('the recovery set sets a new charter when the quorum is lost', async t => {
  const net = await MovedClock.start(t)
  const { file } = net.people
  const actors: string[] = []
  for (const name of ['a', 'b']) {
    await net.ask(['key', 'new', '--role', 'security', '--out', file(`${name}.key`), '--passphrase-file', file('passphrase')])
    actors.push('--actor', file(`${name}.key.pub`))
  }
  t.match(await net.as('rec1', 'charter', 'reconstitute', ...actors, '--reason', 'keys lost'), { exit: 0 })
  await net.approve(1, 'rec1', 'rec2')
  t.match(await net.ask(['governance', 'show', '1']), { stdout: /2 of 2 recovery keys[^]*0 of 2 next signers/ })
  for (const name of ['a', 'b']) t.match(await net.ask(['governance', 'approve', '1', '--key', file(`${name}.key`), '--passphrase-file', file('passphrase'), '--yes']), { exit: 0 })
  t.match(await net.as('rec1', 'execute', '1'), { exit: 0 })
  t.equal(net.ledger.state.sections.charter.actors.length, 2)
})

t.test('a post-quantum downgrade shows from when it may be executed, and is refused until then', async t => {
  const net = await MovedClock.start(t)
  await net.as('sec1', 'propose', 'pq.require_on=false', '--reason', 'a bug in a library')
  await net.approve(1, 'sec1', 'sec2')
  t.match(await net.ask(['governance', 'show', '1']), { stdout: /may be executed +in 1d/ })
  t.match(await net.ask(['governance', 'status']), { stdout: /post-quantum +required; an approved downgrade may be executed in 1d/ })
  t.match(await net.as('ops', 'execute', '1'), { exit: 1, stderr: /waits until/ })
  net.pass(24 * HOUR)
  t.match(await net.as('ops', 'execute', '1'), { exit: 0, stdout: /canary/ })
})

t.test('a proposal without a quorum lapses, and is taken up again by naming it', async t => {
  const net = await MovedClock.start(t)
  await net.as('ops', 'propose', 'policy.profile=strict', '--reason', 'risk')
  const [id = ''] = net.ledger.proposals.keys()
  net.pass(24 * HOUR)
  t.match(await net.ask(['governance', 'list']), { stdout: /lapsed/ })
  t.match(await net.as('ops', 'propose', 'policy.profile=strict', '--reason', 'risk', '--escalates', id, '--instead-of', id), { exit: 0 })
})

t.test('what was signed and did not arrive is kept, and handed in as it is', async t => {
  const net = await MovedClock.start(t)
  const { folder } = net.people
  net.submit = async () => { throw new DhtError('Backpressure', 'too many statements wait to be judged') }
  const failed = await net.as('sec1', 'propose', 'policy.profile=strict', '--reason', 'risk')
  t.match(failed, { exit: 75, stderr: /It is signed, and kept: ronctl governance submit/ })
  Reflect.deleteProperty(net, 'submit')
  const unsent = readdirSync(folder).find(name => name.endsWith('.unsent')) ?? ''
  t.match(await net.ask(['governance', 'submit', net.people.file(unsent)]), { exit: 0, stdout: /review/ })
})

t.test('a stranger’s key, a public key and a file that is there already are refused before anything is signed', async t => {
  const net = await MovedClock.start(t)
  const { file } = net.people
  await net.ask(['key', 'new', '--role', 'security', '--out', file('stranger'), '--passphrase-file', file('passphrase')])
  const propose = async (key: string, ...more: readonly string[]) => await net.ask(['governance', 'propose', 'policy.profile=strict', '--reason', 'x', '--key', key, '--yes', ...more], { answers: [] })
  t.match(await propose(file('stranger')), { exit: 77, stderr: /not one of the network/, asked: only() })
  t.match(await propose(`${file('ops')}.pub`), { exit: 2, stderr: /public key cannot sign/, asked: only() })
  t.match(await propose(file('ops'), '--out', file('passphrase')), { exit: 2, stderr: /there already/, asked: only() })
})
