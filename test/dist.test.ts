import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { ROOT, startCommand } from './process.ts'

t.setTimeout(240_000)

t.test('the built package runs with a store on disk: its thread is found there too', { timeout: 120_000 }, async t => {
  const folder = mkdtempSync(join(tmpdir(), 'svc-dht-test-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const { files } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { readonly files: readonly string[] }
  t.ok(files.some(file => file.startsWith('dist')), 'what is built is published')

  // As installed: no sources beside it but what `bin` needs. Types are checked elsewhere.
  const root = join(folder, 'package')
  mkdirSync(root)
  execFileSync(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', join(ROOT, '.tsconfig.build.json'), '--outDir', join(root, 'dist'), '--noCheck', '--declaration', 'false'])
  cpSync(join(ROOT, 'package.json'), join(root, 'package.json'))
  cpSync(join(ROOT, 'src/bin'), join(root, 'src/bin'), { recursive: true })
  symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'))

  writeFileSync(join(folder, 'passphrase'), 'of a test\n', { mode: 0o600 })
  const settings = ['node.profile=macronode', `node.dataDir=${folder}/data`, `identity.keyFile=${folder}/identity.sealed`, `identity.passphraseFile=${folder}/passphrase`, 'providers.store=persistent', 'kad.listen=/ip4/127.0.0.1/tcp/0', 'public.listen=127.0.0.1:0', 'ops.listen=127.0.0.1:0', 'discv5.listen=127.0.0.1:0']
  const daemon = startCommand(t, process.execPath, [join(root, 'src/bin/svc-dht.js'), 'run', ...settings.flatMap(setting => ['--set', setting])], { XDG_RUNTIME_DIR: folder })
  await daemon.printed(/"msg":"provider records replayed"/)
  await daemon.printed(/"msg":"started"/)
  daemon.child.kill('SIGTERM')
  t.match(await daemon.exit, { code: 0, stderr: '' })
  t.ok(readdirSync(join(folder, 'data')).includes('providers.db-commits'))
})
