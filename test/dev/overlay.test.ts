import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { start } from '../process.ts'

const FREE_PORTS = ['kad.listen=/ip4/127.0.0.1/tcp/0', 'public.listen=127.0.0.1:0', 'ops.listen=127.0.0.1:0', 'discv5.listen=127.0.0.1:0'].flatMap(setting => ['--set', setting])

t.test('the overlay becomes ready, says what to try, and leaves nothing behind', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'svc-dht-test-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const overlay = start(t, 'svc-dht', ['dev', '--nodes', '3', ...FREE_PORTS], { XDG_RUNTIME_DIR: folder, TMPDIR: folder })
  const printed = await overlay.printed(/Ctrl-C/)
  t.match(printed, /3 daemons ready after \d+\.\d s/)
  t.match(printed, 'npx ronctl provide')
  t.equal(printed.match(/12D3KooW\w+ {2}http:/g)?.length, 3, 'one row a daemon')
  t.match(await start(t, 'ronctl', ['ready'], { XDG_RUNTIME_DIR: folder }).exit, { code: 0 })

  overlay.child.kill('SIGINT')
  t.match(await overlay.exit, { code: 0, stderr: '' })
  t.same(readdirSync(folder), [])
})

t.test('an overlay that is stopped while it starts ends all the same', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'svc-dht-test-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const overlay = start(t, 'svc-dht', ['dev', '--nodes', '2', ...FREE_PORTS], { XDG_RUNTIME_DIR: folder, TMPDIR: folder })
  await overlay.printed(/Starting/)
  overlay.child.kill('SIGTERM')
  t.match(await overlay.exit, { code: 0 })
  t.same(readdirSync(folder), [])
})
