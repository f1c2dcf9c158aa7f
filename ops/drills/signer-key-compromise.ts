import type { Drill } from './drill.ts'
import { GovernedNetwork, mustSucceed } from './governed-network.ts'

/** A thief has a signer’s key and its passphrase: alone it changes nothing, the two others replace it, and what it signed before is void. */
export const signerKeyCompromise: Drill = async (notes, stack) => {
  const network = await GovernedNetwork.open(stack)
  const daemon = await network.start(stack, 'fra-1', network.governed)
  const thief = 'sec3'

  mustSucceed(await network.tryAs(thief, daemon, 'governance', 'propose', 'policy.profile=open', '--reason', 'trust me'))
  mustSucceed(await network.tryAs(thief, daemon, 'governance', 'approve', '1'))
  const executed = await network.tryAs(thief, daemon, 'governance', 'execute', '1')
  notes.expect('with one key the thief executes nothing', executed.code === 77 && executed.stderr.includes('1 of 2 signers'), executed)
  const kept = network.file('kept.json')
  mustSucceed(await network.tryAs(thief, daemon, 'governance', 'propose', 'providers.ttl_ms=1h', '--reason', 'for later', '--out', kept))

  const signed = mustSucceed(await network.follow(daemon, 'key', 'show', network.file(`${thief}.key`)))
  notes.expect('the key’s own copy shows what it signed', signed.stdout.includes('proposal'), signed)
  const open = mustSucceed(await network.follow(daemon, 'governance', 'list', '--open'))
  notes.expect('what the thief proposed is listed', open.stdout.includes('trust me'), open)
  const foundAt = performance.now()
  mustSucceed(await network.followAs('sec1', daemon, 'governance', 'veto', '1', '--reason', 'a stolen key'))

  await network.newKey('sec3-new', 'security')
  const id = await network.idOf(thief)
  const rotation = await network.agree(daemon, ['sec1', 'sec2'], 'governance', 'charter', 'rotate-actor', id, network.file('sec3-new.key.pub'), '--reason', 'a stolen key')
  notes.figure('last approval until the key was void, ms', performance.now() - rotation.approvedAt)
  notes.figure('found out until the key was void, ms', performance.now() - foundAt)
  const charter = mustSucceed(await network.follow(daemon, 'governance', 'charter'))
  notes.expect('the charter lists the old key as revoked', charter.stdout.includes(`${id}  revoked`), charter)

  const late = await daemon.ronctl('governance', 'submit', kept)
  notes.expect('what the thief signed before and hands in now is refused by the daemon', late.code === 77, late)
  const before = (await network.status(daemon)).epoch
  const anew = await network.propose('ops', daemon, 'membership', 'propose-mode', 'observe', '--reason', 'to see that it works')
  const stolen = await network.tryAs(thief, daemon, 'governance', 'approve', anew)
  notes.expect('the thief approves nothing any more', stolen.code === 77, stolen)
  await network.approve(daemon, anew, ['sec1', 'sec3-new'])
  mustSucceed(await network.followAs('ops', daemon, 'governance', 'execute', anew))
  notes.expect('with the new key there is a quorum', (await network.status(daemon)).epoch === before + 1, before)
  const log = mustSucceed(await network.follow(daemon, 'audit', 'log', '--since', '1h', '--action', 'governance', '--json'))
  notes.expect('the log has what was refused', log.stdout.includes('governance.refuse'), log)
  network.expectOnPage(notes, 'signer-key-compromise')
}
