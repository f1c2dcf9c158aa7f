import { cpSync, globSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { DaemonProcess, startReady, until } from '../../ops/drills/daemon-process.ts'
import { encodeMmdb } from '../policy/mmdb.ts'

// Whoever is on call asks two things: /readyz and `ronctl ready`. Each test breaks one thing, and both name it.

t.setTimeout(300_000)

type Condition = 'lifecycle' | 'policy' | 'store' | 'audit' | 'governance' | 'bootstrap' | 'routing_table' | 'self_lookup'

function tempFolder (t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'svc-dht-test-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Holds both surfaces to one sentence about the cause. */
async function isNamed (t: Test, daemon: DaemonProcess, condition: Condition, reason: RegExp): Promise<void> {
  const seen = async () => (await (await fetch(`${daemon.started.ops}/readyz`)).json() as { reasons: Array<{ condition: string, reason: string }> }).reasons
  await until(async () => (await seen()).some(cause => cause.condition === condition && reason.test(cause.reason)), `${condition} is named`)
  t.equal((await fetch(`${daemon.started.ops}/readyz`)).status, 503)
  const { code, stdout } = await daemon.ronctl('ready')
  t.equal(code, 1)
  const line = stdout.split('\n').find(text => text.startsWith(`  ${condition}: `)) ?? stdout
  t.match(line, reason)
}

/** The settings of a macronode that keeps everything in `folder`. */
function lasting (folder: string): Record<string, string> {
  writeFileSync(join(folder, 'passphrase'), 'a test on loopback\n', { mode: 0o600 })
  return {
    'node.profile': 'macronode',
    'node.dataDir': join(folder, 'data'),
    'providers.store': 'persistent',
    'identity.keyFile': join(folder, 'identity.sealed'),
    'identity.passphraseFile': join(folder, 'passphrase'),
  }
}

/** What `damage` did to the data of a daemon that had stopped, as its next start finds it. */
async function restarted (t: Test, stack: AsyncDisposableStack, damage: (data: string) => void): Promise<DaemonProcess> {
  const folder = tempFolder(t)
  const before = stack.use(await DaemonProcess.start(lasting(folder)))
  await before.stop()
  damage(join(folder, 'data'))
  return stack.use(await DaemonProcess.start(lasting(folder)))
}

/** Who may do what is in the log: where it is damaged nobody can be judged, and whoever asks is told that, and the cause. */
async function shutsOut (t: Test, daemon: DaemonProcess, reason: RegExp): Promise<void> {
  const report = await (await fetch(`${daemon.started.ops}/readyz`)).json() as { reasons: Array<{ condition: string, reason: string }> }
  const cause = report.reasons.find(({ condition }) => condition === 'audit')?.reason ?? 'not named'
  t.match(cause, reason)
  t.equal(await daemon.metric('svc_dht_not_ready{condition="audit"}'), 1)
  const { code, stderr } = await daemon.ronctl('ready')
  t.equal(code, 75)
  t.match(stderr.replaceAll(/\s+/g, ' '), cause)
  t.match(stderr, 'SvcDhtAuditStopped')
}

t.test('no bootstrap peer is configured', async t => {
  await using daemon = await DaemonProcess.start()
  await isNamed(t, daemon, 'bootstrap', /no bootstrap peer is configured: set kad\.bootstrap/)
})

t.test('the bootstrap peer is of another overlay', async t => {
  await using stranger = await DaemonProcess.start({ 'kad.protocol': '/other/kad/1.0.0' })
  await using daemon = await DaemonProcess.start({ 'kad.bootstrap': stranger.address })
  await isNamed(t, daemon, 'bootstrap', /none of 1 bootstrap peers answered/)
  await isNamed(t, daemon, 'self_lookup', /has not run yet/)
})

t.test('the bootstrap peers died', async t => {
  await using stack = new AsyncDisposableStack()
  const bootstrap = stack.use(await DaemonProcess.start())
  const daemon = stack.use(await DaemonProcess.start({ 'kad.bootstrap': bootstrap.address, 'kad.bootstrapProbeInterval': '200ms', 'kad.bootstrapLapse': '1s' }))
  await until(async () => await daemon.ready(), 'the daemon is ready')
  bootstrap.signal('SIGKILL')
  await isNamed(t, daemon, 'bootstrap', /none of 1 bootstrap peers answered in the last 1 s/)
})

t.test('nobody is in the routing table', async t => {
  await using daemon = await DaemonProcess.start()
  await isNamed(t, daemon, 'routing_table', /the routing table holds 0 of at least 1 peers/)
})

t.test('the database of a policy rule breaks', async t => {
  await using stack = new AsyncDisposableStack()
  const path = join(tempFolder(t), 'country.mmdb')
  writeFileSync(path, encodeMmdb('Test-Country', [{ prefix: '203.0.113.0/24', record: { country: { iso_code: 'CH' } } }]))
  const daemon = await startReady(stack, { 'policy.denyCountries': 'CH', 'policy.countryDatabase': path, 'policy.databaseInterval': '100ms' })
  writeFileSync(`${path}.new`, 'not a database')
  renameSync(`${path}.new`, path)
  const seen = async () => await (await fetch(`${daemon.started.ops}/readyz`)).text()
  await until(async () => (await seen()).includes('"condition":"policy"'), 'policy is named')
  const { code, stdout, stderr } = await daemon.ronctl('ready')
  t.not(code, 0, 'the admin API is refused as well: nobody can be judged')
  t.match(`${stdout}${stderr}`, /policy cannot be judged/i)
})

t.test('the file of provider records is none', async t => {
  await using stack = new AsyncDisposableStack()
  const daemon = await restarted(t, stack, data => writeFileSync(join(data, 'providers.db'), 'not a database at all'.repeat(1000)))
  await isNamed(t, daemon, 'store', /providers\.db/)
})

t.test('an entry of the log was altered', async t => {
  await using stack = new AsyncDisposableStack()
  const daemon = await restarted(t, stack, data => {
    const [file = ''] = globSync(join(data, 'audit', 'tile', 'entries', '**', '1')) // the first entry, in a tile of one
    const bytes = readFileSync(file)
    const at = bytes.indexOf('"actor"') + 2
    bytes[at] = (bytes[at] ?? 0) ^ 1
    writeFileSync(file, bytes)
  })
  await shutsOut(t, daemon, /entr|root|tile/)
})

t.test('the log was swapped with the one of another daemon', async t => {
  await using stack = new AsyncDisposableStack()
  const other = tempFolder(t)
  const stranger = stack.use(await DaemonProcess.start(lasting(other)))
  await stranger.stop()
  const daemon = await restarted(t, stack, data => {
    rmSync(join(data, 'audit'), { recursive: true })
    cpSync(join(other, 'data', 'audit'), join(data, 'audit'), { recursive: true })
  })
  await shutsOut(t, daemon, /./)
})

t.test('the log is gone', async t => {
  await using stack = new AsyncDisposableStack()
  const daemon = await restarted(t, stack, data => rmSync(join(data, 'audit'), { recursive: true }))
  await shutsOut(t, daemon, /./)
})

t.test('the genesis of governance cannot be read', async t => {
  await using daemon = await DaemonProcess.start({ 'governance.genesis': join(tempFolder(t), 'missing.json') })
  await isNamed(t, daemon, 'governance', /./)
})

t.test('an operator has stopped writes: the daemon is ready, and both say that it refuses them', async t => {
  await using stack = new AsyncDisposableStack()
  const daemon = await startReady(stack)
  t.equal((await daemon.ronctl('ops', 'degraded', 'on', '--reason', 'the disk is being replaced')).code, 0)
  t.match(await (await fetch(`${daemon.started.ops}/readyz`)).json(), { ready: true, degraded: 'the disk is being replaced' })
  t.match(await daemon.ronctl('ready'), { code: 0, stdout: /^ready\n.*writes are refused: the disk is being replaced\n$/ })
})
