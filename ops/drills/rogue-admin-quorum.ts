import { readFileSync, writeFileSync } from 'node:fs'
import type { Drill } from './drill.ts'
import { GovernedNetwork, mustSucceed } from './governed-network.ts'

interface Carried { readonly statements: ReadonlyArray<{ payload: string, signatures: Array<{ keyid: string }> }> }

/** An admin has the owner’s capability, the executor’s key and one signer’s: whatever is tried, what the quorum guards stays as it is. */
export const rogueAdminQuorum: Drill = async (notes, stack) => {
  const network = await GovernedNetwork.open(stack)
  const daemon = await network.start(stack, 'fra-1', network.governed)
  const { root } = await network.status(daemon)
  const as = async (person: string, ...args: string[]) => await network.tryAs(person, daemon, 'governance', ...args)
  const refused = async (what: string, code: number, said: RegExp, ended: Promise<{ readonly code: number, readonly stderr: string }>): Promise<void> => {
    const { code: seen, stderr } = await ended
    notes.expect(`refused: ${what}`, seen === code && said.test(stderr), { seen, stderr })
  }

  mustSucceed(await as('ops', 'propose', 'policy.profile=open', '--reason', 'urgent'))
  mustSucceed(await as('sec3', 'approve', '1'))
  await refused('to execute with one signature', 77, /1 of 2 signers/, as('ops', 'execute', '1'))
  await refused('to approve twice with one key', 1, /counts once/, as('sec3', 'approve', '1'))
  await refused('to approve as the executor', 77, /./, as('ops', 'approve', '1'))
  await refused('to promote what was not executed', 1, /review/, as('ops', 'promote', '1'))

  const forged = network.file('forged.json')
  mustSucceed(await as('sec3', 'propose', 'providers.ttl_ms=1h', '--reason', 'urgent', '--out', forged))
  const [mine, other] = await Promise.all([network.idOf('sec3'), network.idOf('sec1')])
  const carried = JSON.parse(readFileSync(forged, 'utf8')) as Carried
  for (const statement of carried.statements) {
    statement.payload = Buffer.from(Buffer.from(statement.payload, 'base64').toString().replaceAll(mine, other)).toString('base64')
    for (const signature of statement.signatures) signature.keyid = signature.keyid.replaceAll(mine, other)
  }
  writeFileSync(forged, JSON.stringify(carried))
  await refused('to hand in what another signer is said to have signed', 77, /signature/, daemon.ronctl('governance', 'submit', forged))

  await network.newKey('friend', 'security')
  await refused('to reconstitute the charter without the recovery set', 77, /./, as('ops', 'charter', 'reconstitute', '--actor', network.file('friend.key.pub'), '--actor', network.file('sec3.key.pub'), '--reason', 'urgent'))
  mustSucceed(await as('sec3', 'charter', 'add-actor', network.file('friend.key.pub'), '--reason', 'a new colleague'))
  for (const person of ['sec3', 'friend']) mustSucceed(await as(person, 'approve', '2'))
  await refused('to make a friend a signer, with the friend’s signature', 77, /1 of 2 signers/, as('ops', 'execute', '2'))
  await refused('to lower the quorum', 2, /micronode/, as('ops', 'charter', 'set-quorum', '1', '--reason', 'urgent'))
  mustSucceed(await as('ops', 'freeze', 'writes', '--reason', 'urgent'))
  mustSucceed(await as('sec3', 'approve', '3'))
  await refused('to freeze alone', 77, /1 of 3 signers/, as('ops', 'execute', '3'))

  const after = await network.status(daemon)
  notes.expect('what is governed is as it was', after.root === root && after.epoch === 0, after)
  const log = mustSucceed(await network.follow(daemon, 'audit', 'log', '--since', '1h', '--action', 'governance', '--json'))
  const told = log.stdout.split('\n').filter(line => line.includes('"governance.refuse"')).length
  notes.expect('each refusal of the daemon is in the log', told >= 4, log)
  notes.figure('refusals in the log', told)

  mustSucceed(await network.follow(daemon, 'governance', 'list', '--open'))
  for (const number of ['1', '2', '3']) mustSucceed(await network.followAs('sec1', daemon, 'governance', 'veto', number, '--reason', 'a rogue admin'))
  const { open } = await network.status(daemon)
  notes.expect('one signer vetoes all that the admin began', open.proposals === 0, open)
  const out = await network.agree(daemon, ['sec1', 'sec2'], 'governance', 'charter', 'revoke-actor', await network.idOf('ops'), '--reason', 'a rogue admin')
  notes.figure('last approval until the admin’s key was void, ms', performance.now() - out.approvedAt)
  await refused('anything of the admin, from then on', 77, /./, as('ops', 'propose', 'policy.profile=open', '--reason', 'urgent'))
  network.expectOnPage(notes, 'rogue-admin')
}
