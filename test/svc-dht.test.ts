import { execFileSync, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import t, { type Test } from 'tap'
import { only } from './patterns.ts'
import { start } from './process.ts'

const FREE_PORTS = ['kad.listen=/ip4/127.0.0.1/tcp/0', 'public.listen=127.0.0.1:0', 'ops.listen=127.0.0.1:0', 'discv5.listen=127.0.0.1:0'].flatMap(setting => ['--set', setting])

function tempFolder (t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'svc-dht-test-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

function parseLines (text: string): Array<Record<string, unknown>> {
  return text.trim().split('\n').map(line => JSON.parse(line) as Record<string, unknown>)
}

/** The line that says where it listens. Others may follow it at once. */
function findStarted (output: string): Record<string, unknown> | undefined {
  return parseLines(output.slice(0, output.lastIndexOf('\n'))).find(({ msg }) => msg === 'started')
}

t.test('SIGTERM ends the daemon in order, with exit code 0 and nothing left behind', async t => {
  const folder = tempFolder(t)
  const daemon = start(t, 'svc-dht', ['run', ...FREE_PORTS], { XDG_RUNTIME_DIR: folder })
  const started = findStarted(await daemon.printed(/"msg":"started".*\n/))
  t.same(readdirSync(join(folder, 'svc-dht')), ['admin.sock'])
  t.equal((await fetch(`${String(started?.['ops'])}/healthz`)).status, 200)
  t.equal((await fetch(`${String(started?.['ops'])}/readyz`)).status, 503, 'alone it is alive, not ready')

  daemon.child.kill('SIGTERM')
  const { code, signal, stdout, stderr } = await daemon.exit
  t.strictSame({ code, signal, stderr }, { code: 0, signal: null, stderr: '' })
  t.same(readdirSync(folder), [])
  const [shown, ...others] = parseLines(stdout).filter(line => 'owner_capability' in line)
  t.match(shown, { owner_capability: /^[\w-]{100,}=*$/ }, 'the owner’s capability is shown once')
  t.same(others, [])
  t.notMatch(stdout.split('\n').filter(line => !line.includes('owner_capability')).join('\n'), String(shown?.['owner_capability']), 'and never logged')
  t.ok(parseLines(stdout).filter(line => !('owner_capability' in line)).every(({ level, ts, service }) => typeof level === 'string' && typeof ts === 'string' && service === 'svc-dht'), 'every line of its log is JSON')
})

t.test('SIGHUP reads certificates again and drops nobody; without certificates it ends the daemon', { skip: hasOpenssl() ? false : 'the openssl program is not installed' }, async t => {
  const folder = tempFolder(t)
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  makeCertificate(cert, key)
  const flags = { 'admin.listen': '127.0.0.1:0', 'admin.tlsCert': cert, 'admin.tlsKey': key }
  const daemon = start(t, 'svc-dht', ['run', ...FREE_PORTS, ...Object.entries(flags).flatMap(([path, value]) => ['--set', `${path}=${value}`])], { XDG_RUNTIME_DIR: folder })
  const url = String(findStarted(await daemon.printed(/"msg":"started".*\n/))?.['admin_url'])
  t.match(url, /^https:\/\/127\.0\.0\.1:\d+$/)
  const client = connect({ host: '127.0.0.1', port: Number(new URL(url).port), rejectUnauthorized: false })
  t.teardown(() => client.destroy())
  await once(client, 'secureConnect')
  makeCertificate(cert, key)
  daemon.child.kill('SIGHUP')
  await daemon.printed(/"msg":"certificates reloaded"/)
  client.write('GET /v1/status HTTP/1.1\r\nhost: x\r\n\r\n')
  t.match(String(await once(client, 'data')), /^HTTP\/1\.1 403 /, 'the open connection is served, and asked for a capability')
  daemon.child.kill('SIGTERM')
  t.equal((await daemon.exit).code, 0)

  const plain = start(t, 'svc-dht', ['run', ...FREE_PORTS], { XDG_RUNTIME_DIR: folder })
  await plain.printed(/"msg":"started"/)
  plain.child.kill('SIGHUP')
  t.equal((await plain.exit).code, 0)
})

function hasOpenssl (): boolean {
  return spawnSync('openssl', ['version'], { stdio: 'ignore' }).status === 0
}

function makeCertificate (cert: string, key: string): void {
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ed25519', '-nodes', '-days', '1', '-subj', '/CN=svc-dht', '-keyout', key, '-out', cert], { stdio: 'ignore' })
}

t.test('a wrong configuration is reported whole, with exit code 78', async t => {
  const file = join(tempFolder(t), 'wrong.toml')
  writeFileSync(file, '[kad]\nbucketSize = 0\nbuckets = 7\n')
  const { code, stdout, stderr } = await start(t, 'svc-dht', ['run', '--config', file, '--set', 'providers.ttl=72h'], { SVC_DHT_LOG_LEVEL: 'loud' }).exit
  t.equal(code, 78)
  t.equal(stdout, '')
  for (const mistake of ['file kad.bucketSize: must be at least 1', 'file kad.buckets: no such setting', '--set providers.ttl: must be at most 48h', 'SVC_DHT_LOG_LEVEL: must be one of']) {
    t.match(stderr, mistake)
  }
})

t.test('a file that is not there is a mistake in the configuration', async t => {
  const { code, stderr } = await start(t, 'svc-dht', ['run', '--config', '/nonexistent.toml']).exit
  t.equal(code, 78)
  t.match(stderr, '/nonexistent.toml: cannot be read')
})

t.test('a port that is taken is named with the setting to change', async t => {
  const daemon = start(t, 'svc-dht', ['run', ...FREE_PORTS], { XDG_RUNTIME_DIR: tempFolder(t) })
  const started = findStarted(await daemon.printed(/"msg":"started".*\n/))
  const taken = new URL(String(started?.['public'])).host
  const { code, stderr } = await start(t, 'svc-dht', ['run', ...FREE_PORTS, '--set', `public.listen=${taken}`], { XDG_RUNTIME_DIR: tempFolder(t) }).exit
  t.equal(code, 1)
  t.match(stderr, `cannot listen on ${taken} (another program uses this port): change public.listen`)
})

t.test('with a sealed identity the peer ID survives a restart, and neither key nor passphrase is ever logged', async t => {
  const folder = tempFolder(t)
  writeFileSync(join(folder, 'passphrase'), 'correct horse battery staple\n', { mode: 0o600 })
  const args = ['run', ...FREE_PORTS, '--set', `identity.keyFile=${folder}/identity.sealed`, '--set', `identity.passphraseFile=${folder}/passphrase`, '--set', 'log.level=trace']
  const peerIds: unknown[] = []
  for (let run = 0; run < 2; run++) {
    const daemon = start(t, 'svc-dht', args, { XDG_RUNTIME_DIR: join(folder, 'run') })
    peerIds.push(/"peer_id":"(\w+)"/.exec(await daemon.printed(/"peer_id":"\w+"/))?.[1])
    daemon.child.kill('SIGTERM')
    t.notMatch((await daemon.exit).stdout, /correct horse|"sealed"/)
  }
  t.equal(peerIds[0], peerIds[1])
  t.match(peerIds[0], /^12D3KooW/)
})

t.test('an option that is wrong is explained', async t => {
  const { code, stderr } = await start(t, 'svc-dht', ['dev', '--nodes', '1']).exit
  t.equal(code, 1)
  t.match(stderr, 'must be a whole number from 2 to 50')
})

t.test('a fault of the program ends the daemon with one fatal line and exit code 70, for a supervisor to restart it', async t => {
  for (const [origin, provoke] of [['unhandledRejection', 'Promise.reject(fault)'], ['uncaughtException', 'setImmediate(() => { throw fault })']] as const) {
    const folder = tempFolder(t)
    const module = `process.on('SIGUSR2', () => { const fault = new Error('out of the blue'); ${provoke} })`
    const daemon = start(t, 'svc-dht', ['run', ...FREE_PORTS], { XDG_RUNTIME_DIR: folder, NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(module)}` })
    await daemon.printed(/"msg":"started"/)
    daemon.child.kill('SIGUSR2')
    const { code, stdout, stderr } = await daemon.exit
    t.strictSame({ code, stderr }, { code: 70, stderr: '' })
    const fatal = parseLines(stdout).filter(({ level }) => level === 'fatal')
    t.match(fatal, only({ event: 'fault', origin, err: { message: 'out of the blue', stack: /out of the blue/ }, msg: 'a fault of the program: the daemon ends' }))
    t.equal(fatal.length, 1)

    const next = start(t, 'svc-dht', ['run', ...FREE_PORTS], { XDG_RUNTIME_DIR: folder })
    await next.printed(/"msg":"started"/)
    next.child.kill('SIGTERM')
    t.equal((await next.exit).code, 0, 'what it left behind is in nobody\'s way')
  }
})
