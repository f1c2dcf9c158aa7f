import type { Drill } from './drill.ts'
import { GovernedNetwork, mustSucceed } from './governed-network.ts'

/** Two of three signers are gone and the third is not to be trusted: the recovery set names new ones, and nobody can veto that. */
export const quorumReconstitution: Drill = async (notes, stack) => {
  const network = await GovernedNetwork.open(stack)
  const daemon = await network.start(stack, 'fra-1', network.governed)
  const lost = await network.propose('ops', daemon, 'membership', 'propose-mode', 'observe', '--reason', 'is there a quorum')
  await network.approve(daemon, lost, ['sec3'])
  const executed = await network.followAs('ops', daemon, 'governance', 'execute', lost)
  notes.expect('without a quorum nothing changes, and it says what is missing', executed.code === 77 && executed.stderr.includes('1 of 2 signers'), executed)
  const kept = network.file('kept.json')
  mustSucceed(await network.tryAs('sec3', daemon, 'governance', 'propose', 'providers.ttl_ms=1h', '--reason', 'for later', '--out', kept))

  const beganAt = performance.now()
  await Promise.all(['new1', 'new2'].map(async name => await network.newKey(name, 'security')))
  const actors = ['new1', 'new2', 'ops'].flatMap(name => ['--actor', network.file(`${name}.key.pub`)])
  const number = await network.propose('rec1', daemon, 'governance', 'charter', 'reconstitute', ...actors, '--quorum', '2', '--reason', 'the quorum is lost')
  await network.approve(daemon, number, ['rec1', 'new1', 'new2'])
  const early = await network.tryAs('rec1', daemon, 'governance', 'execute', number)
  notes.expect('one of two recovery keys reconstitutes nothing', early.code === 77 && early.stderr.includes('1 of 2 recovery keys'), early)
  const vetoed = await network.tryAs('sec3', daemon, 'governance', 'veto', number, '--reason', 'I am the signer')
  notes.expect('the signer who is left cannot veto it', vetoed.code === 77 && vetoed.stderr.includes('cannot veto the recovery set'), vetoed)
  await network.approve(daemon, number, ['rec2'])
  const approvedAt = performance.now()
  mustSucceed(await network.followAs('rec1', daemon, 'governance', 'execute', number))
  notes.figure('last approval until the new charter was in force, ms', performance.now() - approvedAt)
  notes.figure('the first new key until the new charter was in force, ms', performance.now() - beganAt)

  const charter = mustSucceed(await network.follow(daemon, 'governance', 'charter'))
  const [old, anew] = await Promise.all([network.idOf('sec3'), network.idOf('new1')])
  notes.expect('the charter has the new signers and none of the old', charter.stdout.includes(anew) && !charter.stdout.includes(old), charter)
  const late = await daemon.ronctl('governance', 'submit', kept)
  notes.expect('what an old signer hands in is refused by the daemon', late.code === 77, late)
  const { executed: works } = await network.agree(daemon, ['new1', 'new2'], 'membership', 'propose-mode', 'observe', '--reason', 'to see that it works')
  notes.expect('the new signers are a quorum', works.code === 0, works)
  await network.untilPublished(daemon)
  const verified = mustSucceed(await network.follow(daemon, 'membership', 'verify-log', '--genesis', network.file('genesis.json')))
  notes.expect('the log alone proves it, from the genesis on', verified.stdout.includes('observe'), verified)
  network.expectOnPage(notes, 'quorum-reconstitution')
}
