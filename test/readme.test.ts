import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { ROOT, start, startCommand } from './process.ts'

t.setTimeout(300_000) // many processes, one after the other, on a machine that may be busy

/** The commands of a chapter of the README, as somebody pastes them. */
function readTour (title: string): string {
  const tour = new RegExp(`## ${title}.*?\`\`\`sh\\n(.*?)\`\`\``, 's').exec(readFileSync(join(ROOT, 'README.md'), 'utf8'))?.[1]
  if (tour === undefined) throw new Error('the README has no such chapter')
  return tour
}

t.test('the tour works when pasted', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'svc-dht-test-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const overlay = start(t, 'svc-dht', ['dev'], { XDG_RUNTIME_DIR: folder, TMPDIR: folder })
  const peer = /1 {2}(12D3KooW\w+)/.exec(await overlay.printed(/Ctrl-C/))?.[1] ?? 'none'

  const { code, stdout, stderr } = await startCommand(t, 'bash', ['-euo', 'pipefail', '-c', readTour('Two minutes')], { XDG_RUNTIME_DIR: folder }).exit
  t.equal(code, 0, stderr)
  t.match(stdout, /^ready +yes/m, 'status')
  t.match(stdout, /^taken by +4 of 4 peers/m, 'provide')
  const key = /^key +(b3:[0-9a-f]{64})/m.exec(stdout)?.[1] ?? 'none'
  t.ok(stdout.split(peer).length > 4, 'find, records and curl name the daemon as provider')
  t.match(stdout, /"Providers":\[\{"Schema":"peer","ID":"12D3KooW\w+","Addrs":\["\/ip4\/127\.0\.0\.1\/tcp\/7460"/, 'the HTTP API gives its addresses')
  t.match(stdout, '{"ready":true,"reasons":[]}')
  t.match(stdout, `${key}  withdrawn`, 'the key is the same each time')

  const log = await startCommand(t, 'bash', ['-euo', 'pipefail', '-c', readTour('A log anyone can verify')], { XDG_RUNTIME_DIR: folder, TMPDIR: folder }).exit
  t.equal(log.code, 0, log.stderr)
  t.match(log.stdout, /provider\.write .*\n.*provider\.delete/s, 'what the tour did is in the log')
  t.equal([...log.stdout.matchAll(/^verified +yes/gm)].length, 4, 'online, exported, without the daemon, and going on from a head that was kept')
  t.match(log.stdout, /^c2sp\.org\/tlog-proof@v1\nindex 0\n/m)

  const caps = await startCommand(t, 'bash', ['-euo', 'pipefail', '-c', readTour('Capabilities')], { XDG_RUNTIME_DIR: folder, TMPDIR: folder }).exit
  t.equal(caps.code, 0, caps.stderr)
  t.match(caps.stdout, /^allows +auditor/m, 'minted')
  t.match(caps.stdout, /^ready +yes/m, 'the narrowed one still allows its one thing')
  t.match(caps.stdout, /no, and it says why/)
  t.match(caps.stdout, /nothing to revoke/)
})

t.test('a network is founded when pasted', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'svc-dht-test-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const { code, stdout, stderr } = await startCommand(t, 'bash', ['-euo', 'pipefail', '-c', readTour('Governance')], { TMPDIR: folder }).exit
  t.equal(code, 0, stderr)
  t.match(stdout, /^missing +nobody\n$/m)
})
