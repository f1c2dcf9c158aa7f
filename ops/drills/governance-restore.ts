import { execFileSync } from 'node:child_process'
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DaemonProcess } from './daemon-process.ts'
import type { Drill, Notes } from './drill.ts'
import { GovernedNetwork, mustSucceed } from './governed-network.ts'

const KEY = `b3:${'ba'.repeat(32)}`

/** What governance keeps is damaged, first the snapshot, then the log: writes stop, reads go on, and the backup brings back the same state. */
export const governanceRestore: Drill = async (notes, stack) => {
  const network = await GovernedNetwork.open(stack)
  const [data, backup] = [network.file('data'), network.file('backup')]
  const restart = async (stack: AsyncDisposableStack): Promise<DaemonProcess> =>
    await network.start(stack, 'fra-1', { ...network.governed, 'node.profile': 'macronode', 'node.dataDir': data })
  const root = await backUp(network, notes, restart)
  copy(data, backup) // the daemon is stopped

  alter(join(data, 'membership.snapshot'))
  await expectRestricted(network, notes, restart, 'an altered snapshot')
  rmSync(join(data, 'membership.snapshot'))
  await expectRestored(network, notes, restart, root, 'the log restores the snapshot')

  for (const folder of ['pending', 'tile']) alterAll(join(data, 'audit', folder))
  await expectRestricted(network, notes, restart, 'an altered log')
  rmSync(data, { recursive: true })
  copy(backup, data)
  await expectRestored(network, notes, restart, root, 'the backup restores all of it')
  network.expectOnPage(notes, 'governance-restore')
}

type Restart = (stack: AsyncDisposableStack) => Promise<DaemonProcess>

/** A member is revoked, the log is exported and verified elsewhere; the root of what is governed then. */
async function backUp (network: GovernedNetwork, notes: Notes, restart: Restart): Promise<string> {
  await using stack = new AsyncDisposableStack()
  const daemon = await restart(stack)
  await network.agree(daemon, ['sec1', 'sec2'], 'membership', 'propose-revoke', 'fra-3', '--reason', 'a drill')
  const { root } = await network.status(daemon)
  await network.untilPublished(daemon)
  const [keys, archive] = [network.file('log.keys'), network.file('log.tar')]
  writeFileSync(keys, mustSucceed(await network.follow(daemon, 'audit', 'head', '--keys')).stdout)
  mustSucceed(await network.follow(daemon, 'audit', 'export', archive))
  const verified = mustSucceed(await network.followAway('membership', 'verify-log', archive, '--key', keys, '--genesis', network.file('genesis.json'), '--json'))
  notes.expect('the exported log alone gives the state that the daemon stands at', verified.stdout.includes(`"root":"${root}"`), { verified, root })
  await daemon.stop()
  return root
}

async function expectRestricted (network: GovernedNetwork, notes: Notes, restart: Restart, what: string): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const daemon = await restart(stack)
  const ready = await fetch(`${daemon.started.ops}/readyz`)
  const reasons = await ready.text()
  notes.expect(`${what}: the daemon is not ready, and says why`, ready.status === 503 && reasons.includes('"governance"'), reasons)
  const restricted = await daemon.metric('svc_dht_governance_restricted')
  notes.expect(`${what}: what is kept is not trusted`, restricted === 1, restricted)
  const status = await network.follow(daemon, 'governance', 'status')
  notes.expect(`${what}: ronctl says so`, status.code !== 0 && /not trusted|was altered/.test(status.stdout + status.stderr), status)
  const written = await daemon.ronctl('provide', KEY)
  notes.expect(`${what}: writes are refused`, written.code === 75, written)
  const read = await fetch(`${daemon.started.public}/routing/v1/providers/${KEY}`)
  notes.expect(`${what}: lookups are answered`, read.status === 200, read.status)
  await daemon.stop()
}

async function expectRestored (network: GovernedNetwork, notes: Notes, restart: Restart, root: string, what: string): Promise<void> {
  const startedAt = performance.now()
  await using stack = new AsyncDisposableStack()
  const daemon = await restart(stack)
  const status = await network.status(daemon)
  notes.figure(`${what}: start until trusted, ms`, performance.now() - startedAt)
  notes.expect(`${what}: it stands at the root of before`, status.root === root, { status, root })
  const members = mustSucceed(await network.follow(daemon, 'membership', 'status'))
  notes.expect(`${what}: the revoked member is still out`, /fra-3 +revoked/.test(members.stdout), members)
  await daemon.stop()
}

/** With modes, as the page says: keys that others can read are refused. */
function copy (from: string, to: string): void {
  execFileSync('cp', ['-a', from, to])
}

function alterAll (folder: string): void {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) if (entry.isFile()) alter(join(entry.parentPath, entry.name))
}

/** One byte in the middle of it. */
function alter (path: string): void {
  const bytes = readFileSync(path)
  const at = bytes.byteLength >> 1
  bytes[at] = (bytes[at] ?? 0) ^ 1
  writeFileSync(path, bytes)
}
