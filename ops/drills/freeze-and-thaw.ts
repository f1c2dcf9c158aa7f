import { until } from './daemon-process.ts'
import type { Drill } from './drill.ts'
import { GovernedNetwork, mustSucceed } from './governed-network.ts'

const SIGNERS = ['sec1', 'sec2', 'sec3'] as const
const KEY = `b3:${'f0'.repeat(32)}`

/** A flood of writes: the emergency quorum freezes them, reads go on, a quorum thaws, and what the emergency leaves to do is done. */
export const freezeAndThaw: Drill = async (notes, stack) => {
  const network = await GovernedNetwork.open(stack)
  const bootstrap = await network.start(stack, 'fra-2')
  const daemon = await network.start(stack, 'fra-1', { ...network.governed, 'kad.bootstrap': bootstrap.address })
  await until(async () => await daemon.ready(), 'the daemon is ready')
  const write = async () => await daemon.ronctl('provide', KEY)
  notes.expect('before it writes are taken', (await write()).code === 0, 'refused')

  const number = await network.propose('sec1', daemon, 'governance', 'freeze', 'writes', '--for', '30m', '--reason', 'flood')
  await network.approve(daemon, number, ['sec1', 'sec2'])
  const early = await network.tryAs('ops', daemon, 'governance', 'execute', number)
  notes.expect('two of three signatures freeze nothing', early.code === 77 && early.stderr.includes('2 of 3 signers'), early)
  await network.approve(daemon, number, ['sec3'])
  const approvedAt = performance.now()
  mustSucceed(await network.followAs('ops', daemon, 'governance', 'execute', number))
  const frozen = await write()
  notes.figure('last approval until a write was refused, ms', performance.now() - approvedAt)
  notes.expect('a write is refused, and may be tried later', frozen.code === 75 && frozen.stderr.includes('frozen'), frozen)
  const read = await fetch(`${daemon.started.public}/routing/v1/providers/${KEY}`)
  notes.expect('reads go on', read.status === 200 && (await read.text()).includes(network.peerIds['fra-1']), read.status)
  const { freezes } = await network.status(daemon)
  const left = Date.parse(freezes[0]?.ends_at ?? '') - Date.now()
  notes.expect('it says when it ends by itself, within half an hour', freezes.length === 1 && left > 29 * 60_000 && left <= 30 * 60_000, freezes)

  const thaw = await network.agree(daemon, ['sec1', 'sec2'], 'governance', 'unfreeze', 'writes', '--reason', 'over')
  await until(async () => await daemon.metric('svc_dht_governance_freezes') === 0, 'the freeze has ended')
  notes.figure('execution of the thaw until it was in force, ms', performance.now() - thaw.executedAt)
  notes.expect('writes are taken again', (await write()).code === 0, 'refused')

  const owed = JSON.parse((await network.follow(daemon, 'governance', 'obligations', '--json')).stdout) as { readonly obligations: ReadonlyArray<{ readonly id: string, readonly kind: string, readonly dueAt: number, readonly fulfilledAt?: number }> }
  const hours = owed.obligations.map(({ dueAt }) => Math.ceil((dueAt - Date.now()) / 3_600_000)).toSorted((a, b) => a - b)
  notes.expect('a public event within 24 h and a post-mortem within 72 h are left to do', JSON.stringify(hours) === '[24,72]', owed)
  for (const { id } of owed.obligations) mustSucceed(await network.followAs('sec1', daemon, 'governance', 'fulfil', id, '--link', 'https://status.example/1'))
  notes.expect('once fulfilled, nothing is', (await network.status(daemon)).open.obligations_due === 0, await network.status(daemon))
  const told = await network.follow(daemon, 'audit', 'log', '--action', 'governance', '--json')
  notes.expect('the log has the attempt that was refused, and why', told.stdout.includes('governance.refuse') && told.stdout.includes('2 of 3 signers'), told)
  const executions = (await network.follow(daemon, 'audit', 'log', '--action', 'proposal.execute', '--json')).stdout.split('\n').filter(line => line !== '').map(line => JSON.parse(line) as { readonly signers: readonly string[] })
  notes.expect('and the freeze with all who signed it', executions[0]?.signers.length === SIGNERS.length + 1, executions)
  network.expectOnPage(notes, 'freeze-and-thaw')
}
