import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DaemonProcess, until } from './daemon-process.ts'
import type { Drill } from './drill.ts'
import { Prometheus } from './prometheus.ts'

const ALERT = 'SvcDhtBootstrapLost'
/** An address of its own: nobody takes the port of a peer while it is down. */
const LISTEN = '/ip4/127.0.44.1/tcp/0'

/** All bootstrap peers die: the alert, its page, what the page says to do, and the recovery, as whoever is on call lives it. */
export const bootstrapsKilled: Drill = async (notes, stack) => {
  const folder = mkdtempSync(join(tmpdir(), 'svc-dht-drill-'))
  stack.defer(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, 'passphrase'), 'a drill on loopback\n', { mode: 0o600 })
  const lasting = (name: string) => ({ 'identity.keyFile': join(folder, name), 'identity.passphraseFile': join(folder, 'passphrase'), 'kad.listen': LISTEN })
  const first = stack.use(await DaemonProcess.start(lasting('first')))
  const second = stack.use(await DaemonProcess.start(lasting('second')))
  const daemon = stack.use(await DaemonProcess.start({
    'kad.bootstrap': `${first.address},${second.address}`, 'kad.bootstrapProbeInterval': '200ms', 'kad.bootstrapLapse': '1s',
  }))
  await until(async () => await daemon.ready(), 'the daemon is ready')
  const prometheus = Prometheus.isInstalled() ? await Prometheus.start(stack, daemon.started.ops) : undefined
  await until(async () => prometheus === undefined || await prometheus.query('up{job="svc-dht"}') === '1', 'the daemon is scraped')

  const killedAt = performance.now()
  for (const peer of [first, second]) peer.signal('SIGKILL')
  await until(async () => !await daemon.ready(), 'the daemon is not ready')
  notes.figure('not ready after ms', performance.now() - killedAt)
  const lookup = await fetch(`${daemon.started.public}/routing/v1/providers/b3:${'00'.repeat(32)}`)
  notes.expect('lookups of what it holds are answered meanwhile', lookup.status === 200, lookup.status)
  if (prometheus !== undefined) await expectAlert(prometheus, killedAt, notes)
  notes.expect('the metric of the alert is 0', await daemon.metric('svc_dht_kad_bootstrap_alive') === 0, await daemon.metric('svc_dht_kad_bootstrap_alive'))

  const asked = await daemon.ronctl('ready')
  notes.expect('the page’s `ronctl ready` names the cause', asked.code === 1 && asked.stdout.includes('bootstrap:'), asked)
  const whom = await daemon.ronctl('config', 'get', 'kad.bootstrap')
  notes.expect('the page’s `ronctl config get` names whom it asks', whom.stdout.includes(first.address) && whom.stdout.includes(second.address), whom)

  // What the page says: bring the peers back, with the key files that they had.
  const listen = first.address.replace(/\/p2p\/.*/, '')
  const mendedAt = performance.now()
  const back = stack.use(await DaemonProcess.start({ ...lasting('first'), 'kad.listen': listen }))
  notes.expect('a peer that kept its key file has its peer ID back', back.address === first.address, { before: first.address, after: back.address })
  await until(async () => await daemon.ready(), 'the daemon is ready again')
  notes.figure('ready again after ms, the peer’s own start included', performance.now() - mendedAt)
  notes.expect('`ronctl ready` says so', (await daemon.ronctl('ready')).code === 0, 'not ready')
  if (prometheus === undefined) return
  await until(async () => (await prometheus.alert(ALERT))?.state === 'inactive', 'the alert ends')
  notes.figure('alert over after ms', performance.now() - mendedAt)
}

async function expectAlert (prometheus: Prometheus, killedAt: number, notes: Parameters<Drill>[0]): Promise<void> {
  await until(async () => (await prometheus.alert(ALERT))?.state === 'firing', 'the alert fires')
  notes.figure('alert firing after ms, its minute of patience left out', performance.now() - killedAt)
  const page = (await prometheus.alert(ALERT))?.annotations?.['runbook'] ?? ''
  const text = readFileSync(join(import.meta.dirname, '../..', page), 'utf8')
  notes.expect('the alert names its page, which has the commands', text.includes('ronctl ready') && text.includes('ronctl config get kad.bootstrap'), page)
}
