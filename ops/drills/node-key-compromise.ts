import { until } from './daemon-process.ts'
import type { Drill } from './drill.ts'
import { GovernedNetwork, makeIdentity, mustSucceed } from './governed-network.ts'

const KEY = `b3:${'4e'.repeat(32)}`

/** A thief runs a daemon with a member’s key: the quorum gives the member another one, which ends the thief’s and lets the owner’s in. */
export const nodeKeyCompromise: Drill = async (notes, stack) => {
  const network = await GovernedNetwork.open(stack)
  const peerId = await makeIdentity(network.folder, 'fra-3-new')
  const daemon = await network.start(stack, 'fra-1', network.governed)
  const thief = await network.start(stack, 'fra-3', { 'kad.bootstrap': daemon.address })
  const owner = await network.start(stack, 'fra-3-new', { 'kad.bootstrap': daemon.address })
  const records = async () => await daemon.metric('svc_dht_provider_records')
  const refused = async () => await daemon.metric('svc_dht_kad_outsiders_total{place="connection",effect="refused"}')
  await until(async () => await thief.ready(), 'the thief is in')
  await thief.ronctl('provide', KEY)
  await until(async () => await records() === 1, 'the thief’s record is held')
  await until(async () => await refused() > 0, 'the new key knocks')
  notes.expect('the new key is no member yet', !await owner.ready(), 'ready')

  const before = mustSucceed(await network.follow(daemon, 'membership', 'status'))
  notes.expect('the page’s `membership status` shows the stolen key', before.stdout.includes(network.peerIds['fra-3']), before)
  const rotation = await network.agree(daemon, ['sec1', 'sec2'], 'membership', 'propose-rotate', 'fra-3', '--peer-id', peerId, '--reason', 'its disk was stolen')
  await until(async () => await records() === 0, 'the thief’s record is gone')
  notes.figure('last approval until the stolen key’s record was gone, ms', performance.now() - rotation.approvedAt)
  notes.figure('agreed until in force, as the daemon measured, ms', await daemon.metric('governance_propagate_ms_sum'))
  await until(async () => await owner.ready(), 'the owner is in')
  notes.figure('last approval until the new key was ready, ms', performance.now() - rotation.approvedAt)
  await until(async () => !await thief.ready(), 'the thief is out')
  notes.figure('last approval until the stolen key was out, ms', performance.now() - rotation.approvedAt)

  await owner.ronctl('provide', KEY)
  await until(async () => await records() === 1, 'the owner’s record is held')
  const answer = await (await fetch(`${daemon.started.public}/routing/v1/providers/${KEY}`, { headers: { accept: 'application/json' } })).text()
  notes.expect('lookups name the new key and not the stolen one', answer.includes(peerId) && !answer.includes(network.peerIds['fra-3']), answer)
  const knocked = await refused()
  await until(async () => await refused() > knocked, 'the thief knocks again')
  const status = mustSucceed(await network.follow(daemon, 'membership', 'status'))
  notes.expect('the member keeps its name, with the new key', status.stdout.includes(peerId) && !status.stdout.includes(network.peerIds['fra-3']), status)
  network.expectOnPage(notes, 'node-key-compromise')
}
