import { until, type DaemonProcess } from './daemon-process.ts'
import type { Drill } from './drill.ts'
import { GovernedNetwork, mustSucceed } from './governed-network.ts'

const KEY = `b3:${'e1'.repeat(32)}`

/** A member is hostile: two signers carry a revocation from one to the other, two daemons take it, and it is cut off from both. */
export const emergencyRevocation: Drill = async (notes, stack) => {
  const network = await GovernedNetwork.open(stack)
  const first = await network.start(stack, 'fra-1', network.governed)
  const second = await network.start(stack, 'fra-2', { ...network.governed, 'kad.bootstrap': first.address })
  const hostile = await network.start(stack, 'fra-3', { 'kad.bootstrap': `${first.address},${second.address}` })
  const both = [first, second]
  await until(async () => await hostile.ready(), 'the hostile node is in')
  await hostile.ronctl('provide', KEY)
  for (const daemon of both) await until(async () => await records(daemon) === 1, 'both hold its record')

  const update = network.file('revoke.json')
  mustSucceed(await network.followAs('sec1', first, 'membership', 'propose-revoke', 'fra-3', '--reason', 'hostile', '--out', update))
  mustSucceed(await network.followAway('membership', 'sign-update', update, ...network.keyOf('sec1')))
  const half = await network.followAway('membership', 'verify-update', update)
  notes.expect('with one approval the file is no update yet', half.code === 1 && half.stdout.includes('1 of 2 signers'), half)
  const early = await network.tryAs('ops', first, 'membership', 'apply-update', update)
  notes.expect('and no daemon executes it', early.code === 77 && await records(first) === 1, early)
  mustSucceed(await network.followAway('membership', 'sign-update', update, ...network.keyOf('sec2')))
  const signedAt = performance.now()
  mustSucceed(await network.followAway('membership', 'verify-update', update))

  for (const daemon of both) {
    const handedInAt = performance.now()
    mustSucceed(await network.followAs('ops', daemon, 'membership', 'apply-update', update))
    await until(async () => await records(daemon) === 0, 'its record is gone')
    const name = daemon === first ? 'first' : 'second'
    notes.figure(`hand-in at the ${name} daemon until its record was gone, ms`, performance.now() - handedInAt)
    const measured = await daemon.metric('governance_propagate_ms_sum') / await daemon.metric('governance_propagate_ms_count')
    notes.figure(`agreed until in force, as the ${name} daemon measured, ms`, measured)
    notes.expect(`at the ${name} daemon it took effect within a second of being agreed`, measured <= 1000, measured)
  }
  await until(async () => !await hostile.ready(), 'it has nobody left')
  notes.figure('last approval until it was cut off from both, verifying included, ms', performance.now() - signedAt)
  for (const daemon of both) {
    const before = await refusals(daemon)
    await until(async () => await refusals(daemon) > before, 'it knocks again')
    notes.expect('it knocks again, is refused, and leaves no record', await records(daemon) === 0, await records(daemon))
  }
  const status = mustSucceed(await network.follow(first, 'membership', 'status'))
  notes.expect('it is listed as revoked', /fra-3 +revoked/.test(status.stdout), status)

  const readd = await network.propose('ops', first, 'membership', 'propose-add', 'fra-3', '--peer-id', network.peerIds['fra-3'], '--reason', 'x').catch((err: unknown) => String(err))
  notes.expect('nobody lists it again under its name', readd.includes('listed already'), readd)
  const other = await network.propose('ops', first, 'membership', 'propose-add', 'fra-9', '--peer-id', network.peerIds['fra-3'], '--reason', 'x').catch((err: unknown) => String(err))
  notes.expect('nor its key under another', other.includes('distinct'), other)
  await network.untilPublished(first)
  const verified = await network.follow(first, 'membership', 'verify-log', '--genesis', network.file('genesis.json'))
  notes.expect('the log alone says who is a member', verified.code === 0 && verified.stdout.includes('2 active'), verified)
  network.expectOnPage(notes, 'emergency-revocation')
}

async function records (daemon: DaemonProcess): Promise<number> {
  return await daemon.metric('svc_dht_provider_records')
}

async function refusals (daemon: DaemonProcess): Promise<number> {
  return await daemon.metric('svc_dht_kad_outsiders_total{place="connection",effect="refused"}')
}
