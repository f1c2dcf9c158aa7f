import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, readFileSync, renameSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { tempDirectory, type TempTest } from './http/admin/fake-daemon.ts'

const ROOT = join(import.meta.dirname, '..')

/** Makes a Node say that it is older than it is. */
const AGED = ['--import', 'data:text/javascript,Object.defineProperty(process.versions,"node",{value:"20.1.0"});Object.defineProperty(process,"version",{value:"v20.1.0"})']

/** What runs: it tells its arguments, then waits for SIGTERM or SIGINT and ends with 7. */
const ENTRY = `
  process.stdout.write(JSON.stringify(process.argv.slice(2)))
  const waiting = process.argv.includes('wait') ? setInterval(() => {}, 1000) : undefined
  if (!process.argv.includes('frail')) for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => { clearInterval(waiting); process.exitCode = 7 })
  if (process.argv.includes('fail')) process.exitCode = 3
`

interface Package { readonly entry?: string, readonly hasNode?: boolean }

/** The published package as npm installs it, with or without the Node that a checkout has. */
function installPackage (t: TempTest, { entry = ENTRY, hasNode = false }: Package = {}): string {
  const root = tempDirectory(t)
  cpSync(join(ROOT, 'src/bin'), join(root, 'src/bin'), { recursive: true })
  mkdirSync(join(root, 'dist'))
  writeFileSync(join(root, 'package.json'), '{"type":"module"}')
  writeFileSync(join(root, 'dist/svc-dht.js'), entry)
  if (hasNode) {
    mkdirSync(join(root, 'node_modules/node/bin'), { recursive: true })
    writeFileSync(join(root, 'node_modules/node/package.json'), '{}')
    symlinkSync(process.execPath, join(root, 'node_modules/node/bin/node'))
  }
  return join(root, 'src/bin/svc-dht.js')
}

async function run (args: readonly string[]): Promise<{ code: number, stdout: string, stderr: string }> {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const [stdout, stderr, [code]] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), once(child, 'close') as Promise<[number]>])
  return { code, stdout, stderr }
}

t.test('both programs start from a checkout, in this Node and from an older one', async t => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }
  for (const name of ['ronctl', 'svc-dht']) {
    const bin = join(ROOT, `src/bin/${name}.js`)
    t.same(await run([bin, '--version']), { code: 0, stdout: `${version}\n`, stderr: '' }, name)
    t.same(await run([...AGED, bin, '--version']), { code: 0, stdout: `${version}\n`, stderr: '' }, `${name} from Node 20`)
    t.ok((statSync(bin).mode & 0o111) !== 0 && readFileSync(bin, 'utf8').startsWith('#!/usr/bin/env node\n'), `${name} can be executed`)
  }
})

t.test('the published package starts from dist', async t => {
  t.same(await run([installPackage(t), 'a', '--b=c d']), { code: 0, stdout: '["a","--b=c d"]', stderr: '' })
})

t.test('an older Node hands over to the one that was installed, arguments, exit code and all', async t => {
  const bin = installPackage(t, { hasNode: true })
  t.same(await run([...AGED, bin, 'fail', '--b=c d']), { code: 3, stdout: '["fail","--b=c d"]', stderr: '' })
})

t.test('an older Node without another says in one sentence what is needed', async t => {
  const { code, stdout, stderr } = await run([...AGED, installPackage(t)])
  t.same({ code, stdout }, { code: 1, stdout: '' })
  t.match(stderr, /^svc-dht needs Node 24 or newer; this is v20\.1\.0; .*npm ci.*\n$/)
})

t.test('an installed Node that does not run is an error', async t => {
  const bin = installPackage(t, { hasNode: true })
  const node = join(bin, '../../../node_modules/node/bin')
  mkdirSync(join(node, 'empty'))
  renameSync(join(node, 'node'), join(node, 'other'))
  renameSync(join(node, 'empty'), join(node, 'node'))
  t.match(await run([...AGED, bin]), { code: 1, stderr: /did not start: .*EACCES/ })
})

t.test('an entry that cannot be loaded is an error with its cause', async t => {
  t.match(await run([installPackage(t, { entry: 'throw new Error("broken")' })]), { code: 1, stdout: '', stderr: /^svc-dht did not start: Error: broken/ })
})

t.test('signals reach the program, and its end is ours', async t => {
  const bin = installPackage(t, { hasNode: true })
  for (const args of [[bin], [...AGED, bin]]) {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
      const child = spawn(process.execPath, [...args, 'wait'], { stdio: ['ignore', 'pipe', 'inherit'] })
      await once(child.stdout, 'data')
      child.kill(signal)
      t.same(await once(child, 'exit'), [7, null], `${signal} ${args.length > 1 ? 'through an older Node' : ''}`)
    }
  }
})

t.test('a program killed by a signal takes us along', async t => {
  const child = spawn(process.execPath, [...AGED, installPackage(t, { hasNode: true }), 'wait', 'frail'], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  child.kill('SIGTERM')
  const [code, signal] = await once(child, 'exit') as [number | null, 'SIGTERM' | null]
  t.equal(code ?? 128 + constants.signals[signal ?? 'SIGKILL'], 143, 'what a shell sees')
})
