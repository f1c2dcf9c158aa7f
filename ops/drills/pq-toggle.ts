import { readFileSync, writeFileSync } from 'node:fs'
import { until } from './daemon-process.ts'
import type { Drill, Notes } from './drill.ts'
import { foundGenesis, GovernedNetwork, mustSucceed } from './governed-network.ts'

const DAY_MS = 86_400_000
const SIGNERS = ['sec1', 'sec2'] as const

interface Carried { readonly statements: ReadonlyArray<{ readonly signatures: ReadonlyArray<{ readonly sig: string }> }> }

/** Post-quantum signatures: on by way of a canary that can be taken back; off only a day after a quorum agreed, also across a restart. */
export const pqToggle: Drill = async (notes, stack) => {
  const network = await GovernedNetwork.open(stack)
  await Promise.all([tryOn(network, notes, stack), foundGenesis(network, 'pq.json', [...SIGNERS, 'ops'], ['rec1'], '--set', 'pq.require_on=true')])
  await giveUp(network, notes)
  network.expectOnPage(notes, 'pq-toggle')
}

/** The minute of the canary is waited for in the tour of the tests; here it begins, and is taken back. */
async function tryOn (network: GovernedNetwork, notes: Notes, stack: AsyncDisposableStack): Promise<void> {
  const bootstrap = await network.start(stack, 'fra-2')
  const daemon = await network.start(stack, 'fra-1', { ...network.governed, 'kad.bootstrap': bootstrap.address })
  await until(async () => await daemon.ready(), 'the daemon is ready')
  const { number, executed, approvedAt } = await network.agree(daemon, SIGNERS, 'governance', 'propose', 'pq.require_on=true', '--reason', 'in case')
  notes.figure('last approval until the canary had begun, ms', performance.now() - approvedAt)
  notes.expect('executed, it is a canary first', executed.stdout.includes('canary'), executed)
  const early = await network.followAs('ops', daemon, 'governance', 'promote', number)
  notes.expect('it is not promoted before the canary was watched', early.code !== 0 && early.stderr.includes('not green yet'), early)
  const back = mustSucceed(await network.followAs('ops', daemon, 'governance', 'rollback', number, '--reason', 'a drill'))
  notes.expect('it is taken back at once', back.stdout.includes('rolled-back') && await daemon.metric('pq_enforced') === 0, back)
}

async function giveUp (network: GovernedNetwork, notes: Notes): Promise<void> {
  const settings = { 'governance.genesis': network.file('pq.json'), 'node.profile': 'macronode', 'node.dataDir': network.file('data') }
  let opensAt: string | undefined
  let number: string
  {
    await using stack = new AsyncDisposableStack()
    const daemon = await network.start(stack, 'fra-1', settings)
    notes.expect('every signature must carry ML-DSA-87', await daemon.metric('pq_enforced') === 1, await daemon.metric('pq_enforced'))
    number = await network.propose('ops', daemon, 'governance', 'propose', 'pq.require_on=false', '--reason', 'too large')
    const classical = network.file('classical.json')
    mustSucceed(await network.tryAs('sec1', daemon, 'governance', 'approve', number, '--out', classical))
    const carried = JSON.parse(readFileSync(classical, 'utf8')) as Carried
    const stripped = carried.statements.map(statement => ({ ...statement, signatures: statement.signatures.filter(({ sig }) => sig.length < 200) }))
    writeFileSync(classical, JSON.stringify({ ...carried, statements: stripped }))
    const refused = await daemon.ronctl('governance', 'submit', classical)
    notes.expect('a signature without it is refused', refused.code === 77 && /ML-DSA-87|post-quantum/i.test(refused.stderr), refused)

    await network.approve(daemon, number, SIGNERS)
    const approvedAt = Date.now()
    const early = await network.followAs('ops', daemon, 'governance', 'execute', number)
    notes.expect('with its quorum it still waits for a day', early.code !== 0 && early.stderr.includes('a post-quantum downgrade waits until'), early)
    const { pq } = await network.status(daemon)
    opensAt = pq.downgrade_opens_at
    const left = Date.parse(opensAt ?? '') - approvedAt
    notes.expect('it says until when, 24 h from the last approval', pq.required && left > DAY_MS - 60_000 && left <= DAY_MS, pq)
    notes.figure('left of the window as the status says, h', left / 3_600_000)
    const counted = await daemon.metric('pq_downgrade_attempt_total')
    notes.expect('each attempt is counted: the proposal, the signature, the execution', counted === 3, counted)
    await daemon.stop()
  }
  await using stack = new AsyncDisposableStack()
  const daemon = await network.start(stack, 'fra-1', settings)
  const { pq } = await network.status(daemon)
  notes.expect('a restart does not shorten it', pq.required && pq.downgrade_opens_at === opensAt, pq)
  const again = await network.followAs('ops', daemon, 'governance', 'execute', number)
  notes.expect('and still it is refused', again.stderr.includes('waits until'), again)
  mustSucceed(await network.followAs('sec1', daemon, 'governance', 'veto', number, '--reason', 'we keep it'))
  const { pq: kept } = await network.status(daemon)
  notes.expect('until it opens, one signer stops it', kept.required && kept.downgrade_opens_at === undefined, kept)
}
