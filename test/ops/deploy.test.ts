import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { DaemonProcess, until } from '../../ops/drills/daemon-process.ts'
import { ROOT, start } from '../process.ts'

// What ops/README.md says, done on loopback.

t.setTimeout(300_000)

const NAMES = ['dht1', 'dht2', 'dht3']
const KEY = `b3:${'5a'.repeat(32)}`

/** Settings of one of the three that hold on every machine; the rest is the example's. */
function here (folder: string, name: string): Record<string, string> {
  const file = readFileSync(join(ROOT, 'ops', 'example', `${name}.toml`), 'utf8')
  const store = /^store = "(\w+)"$/m.exec(file)?.[1] ?? 'none'
  return {
    'node.profile': 'macronode',
    'providers.store': store,
    'node.dataDir': join(folder, name, 'data'),
    'identity.keyFile': join(folder, name, 'identity.sealed'),
    'discv5.keyFile': join(folder, name, 'discv5.sealed'),
    'identity.passphraseFile': join(folder, 'passphrase'),
    'kad.bootstrapProbeInterval': '200ms',
    'kad.listen': '/ip4/127.0.43.1/tcp/0', // an address of its own: nobody takes the port while a daemon is down
  }
}

function tempFolder (t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'svc-dht-test-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  for (const name of NAMES) mkdirSync(join(folder, name), { mode: 0o700 })
  writeFileSync(join(folder, 'passphrase'), 'a test on loopback\n', { mode: 0o600 })
  return folder
}

for (const name of NAMES) {
  t.test(`the example of ${name} is a valid configuration`, async t => {
    const { code, stdout, stderr } = await start(t, 'ronctl', ['config', 'check', '--file', join(ROOT, 'ops', 'example', `${name}.toml`)]).exit
    t.equal(code, 0, stdout + stderr)
  })
}

t.test('the first block of the guide can be pasted on a new machine', async t => {
  const [block = ''] = /```sh\n([^]*?)\n```/.exec(readFileSync(join(ROOT, 'ops', 'README.md'), 'utf8'))?.slice(1) ?? []
  const machine = tempFolder(t)
  for (const folder of ['bin', 'lib', 'etc/systemd/system', 'etc/sysctl.d']) mkdirSync(join(machine, folder), { recursive: true })
  symlinkSync(ROOT, join(machine, 'lib', 'svc-dht'))
  for (const name of ['npm', 'sysctl', 'systemctl']) writeFileSync(join(machine, 'bin', name), `#!/bin/sh\n[ "$*" = 'root --global' ] && echo ${machine}/lib || echo "${name} $*" >> ${machine}/asked\n`, { mode: 0o755 })
  execFileSync('bash', ['-e', '-c', block.replaceAll('/etc/', `${machine}/etc/`)], { cwd: machine, env: { PATH: `${join(machine, 'bin')}:${process.env.PATH ?? ''}` }, stdio: 'pipe' })
  t.equal(readFileSync(join(machine, 'asked'), 'utf8'), 'npm install --global svc-dht\nsysctl --system\nsystemctl daemon-reload\n')
  t.strictSame(readdirSync(join(machine, 'etc', 'svc-dht')).toSorted(), ['macronode.toml', 'passphrase'])
  t.equal(statSync(join(machine, 'etc', 'svc-dht', 'passphrase')).mode & 0o777, 0o600)
  t.ok(readdirSync(join(machine, 'etc', 'systemd', 'system')).includes('svc-dht.service'))
})

t.test('an overlay of three comes up as the guide says, outlives an upgrade of each, and a machine that is lost', async t => {
  const folder = tempFolder(t)
  await using stack = new AsyncDisposableStack()

  // The first start makes the keys; a lone daemon says that it is not ready.
  const listen: string[] = []
  for (const name of NAMES) {
    const first = stack.use(await DaemonProcess.start(here(folder, name)))
    t.match((await first.ronctl('ready')).stdout, /no bootstrap peer is configured/)
    listen.push(first.address)
    await first.stop()
  }
  const begin = async (index: number): Promise<DaemonProcess> => stack.use(await DaemonProcess.start({
    ...here(folder, NAMES[index] ?? ''), 'kad.listen': listen[index]?.replace(/\/p2p\/.*/, '') ?? '', 'kad.bootstrap': listen.filter((_, other) => other !== index).join(),
  }))
  const isReady = async (daemon: DaemonProcess): Promise<boolean> => (await daemon.ronctl('ready')).code === 0
  const daemons = await Promise.all(NAMES.map(async (_, index) => await begin(index)))
  t.strictSame(daemons.map(({ address }) => address), listen, 'each is who it was')
  for (const daemon of daemons) await until(async () => await isReady(daemon), 'all are ready')

  const [first] = daemons as [DaemonProcess, DaemonProcess, DaemonProcess]
  t.equal((await first.ronctl('provide', KEY)).code, 0)

  // An upgrade: one after the other, the next when the last is ready.
  for (const [index, daemon] of daemons.entries()) {
    await daemon.stop()
    const upgraded = await begin(index)
    await until(async () => await isReady(upgraded), 'it is ready again')
    t.equal((await upgraded.ronctl('audit', 'verify')).code, 0, 'its log went on where it was')
    daemons[index] = upgraded
  }
  t.match((await (daemons[1] as DaemonProcess).ronctl('find', KEY)).stdout, first.address.split('/').at(-1) ?? '', 'what was announced is found')

  // A machine is lost, and its folder restored from a copy.
  const lost = daemons[2] as DaemonProcess
  const log = join(folder, 'log.tar')
  t.equal((await lost.ronctl('audit', 'export', log)).code, 0)
  const keys = join(folder, 'log.keys')
  writeFileSync(keys, (await lost.ronctl('audit', 'head', '--keys')).stdout)
  t.equal((await lost.ronctl('audit', 'verify', log, '--key', keys, '--max-age', '2h')).code, 0, 'the copy of the log verifies by itself')
  await lost.stop()
  execFileSync('cp', ['-a', join(folder, 'dht3'), join(folder, 'copy')])
  rmSync(join(folder, 'dht3'), { recursive: true })
  execFileSync('cp', ['-a', join(folder, 'copy'), join(folder, 'dht3')])
  const restored = await begin(2)
  t.equal(restored.address, listen[2])
  await until(async () => await isReady(restored), 'the restored one is ready')
  t.equal((await restored.ronctl('audit', 'verify')).code, 0)
  t.match((await restored.ronctl('find', KEY)).stdout, first.address.split('/').at(-1) ?? '')
})

t.test('every folder that the guide names is there', async t => {
  const named = [...readFileSync(join(ROOT, 'ops', 'README.md'), 'utf8').matchAll(/\]\(([\w-]+)\/\)/g)].map(([, folder]) => folder)
  t.strictSame(named.toSorted(), readdirSync(join(ROOT, 'ops'), { withFileTypes: true }).filter(entry => entry.isDirectory()).map(({ name }) => name).toSorted())
})
