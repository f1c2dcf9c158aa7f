import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { openCheckpoint } from '../../../src/audit/format/checkpoint.ts'
import { formatVerifierKey } from '../../../src/audit/format/note.ts'
import { newBundles, newTiles, parseTilePath, tilePath } from '../../../src/audit/format/tile.ts'
import { equal } from '../../../src/audit/format/tree.ts'
import { scan } from '../../../src/audit/scan.ts'
import { MemoryLogStorage } from '../../../src/audit/storage/memory.ts'
import { createLog, diskStorage, fill, KEYS, ORIGIN, tempFolder, type Teardown } from '../../audit/logs.ts'
import { startPublicServer } from '../support/public-server.ts'

t.setTimeout(300_000) // Go builds its judge anew

const GOPATH = '/usr/share/gocode'

async function serve (t: Teardown & Parameters<typeof startPublicServer>[0], storage = diskStorage(tempFolder(t)) as Parameters<typeof createLog>[0]) {
  const { log } = createLog(storage)
  await log.start()
  t.teardown(async () => await log.stop())
  return { log, ...await startPublicServer(t, { audit: log }) }
}

async function fetchFile (url: string, path: string): Promise<Uint8Array | undefined> {
  const response = await fetch(`${url}/audit/${path}`)
  const bytes = new Uint8Array(await response.arrayBuffer())
  return response.status === 200 ? bytes : undefined
}

t.test('whoever has only the URL and a key verifies the whole log over HTTP', async t => {
  const { log, url } = await serve(t)
  await fill(log, 700)
  await log.publish()
  const checkpoint = openCheckpoint(await fetchFile(url, 'checkpoint') ?? new Uint8Array(), ORIGIN, KEYS)
  t.equal(checkpoint.size, 700)
  const tail = await scan(checkpoint.size, async path => await fetchFile(url, path))
  t.ok(equal(tail.root(), checkpoint.root))
})

t.test('whoever holds an older checkpoint still finds the tiles it needs, also when they are full by now', async t => {
  for (const storage of [diskStorage(tempFolder(t)), new MemoryLogStorage({ limitBytes: 1e8 })]) {
    const { log, url } = await serve(t, storage)
    const seen = []
    for (const count of [3, 250, 10, 300]) {
      await fill(log, count)
      await log.publish()
      seen.push(openCheckpoint(await fetchFile(url, 'checkpoint') ?? new Uint8Array(), ORIGIN, KEYS))
    }
    for (const { size, root } of seen) t.ok(equal((await scan(size, async path => await fetchFile(url, path))).root(), root), `at ${size}`)
  }
})

t.test('Go\'s sumdb verifies what the public listener serves', { skip: hasGo() ? false : 'Go or golang-golang-x-mod-dev is not installed: the judge did not run', timeout: 300_000 }, async t => {
  const { log, url } = await serve(t)
  await fill(log, 700)
  await log.publish()
  const folder = tempFolder(t)
  const files = ['checkpoint', ...[...newBundles(0, 700), ...newTiles(0, 700)].map(tilePath)]
  for (const path of files) {
    mkdirSync(dirname(join(folder, 'log', path)), { recursive: true })
    writeFileSync(join(folder, 'log', path), await fetchFile(url, path) ?? '')
  }
  const [ed25519] = KEYS
  const judged = spawnSync('go', ['run', join(import.meta.dirname, '../../audit/judge/main.go'), join(folder, 'log'), ed25519 === undefined ? '' : formatVerifierKey(ed25519)], {
    encoding: 'utf8', cwd: folder, env: { ...process.env, GO111MODULE: 'off', GOPATH, GOFLAGS: '', GOCACHE: join(folder, 'cache') },
  })
  t.equal(judged.stdout.trim(), 'OK size=700 verified=1 unverified=1 inclusion=6 consistency=4', judged.stderr)
})

t.test('tiles may be kept for ever, the checkpoint for a moment, and a refusal not at all; any page may read them', async t => {
  const { log, url } = await serve(t)
  await fill(log, 5)
  await log.publish()
  const expected = [
    ['checkpoint', 200, 'public, max-age=1', 'text/plain; charset=utf-8'],
    ['tile/0/000.p/5', 200, 'public, max-age=31536000, immutable', 'application/octet-stream'],
    ['tile/entries/000.p/5', 200, 'public, max-age=31536000, immutable', 'application/octet-stream'],
    ['tile/entries/000', 404, 'no-store', 'application/json; charset=utf-8'],
    ['tile/entries/000.p/6', 404, 'no-store', 'application/json; charset=utf-8'],
  ] as const
  for (const [path, status, cache, type] of expected) {
    for (const method of ['GET', 'HEAD']) {
      const response = await fetch(`${url}/audit/${path}`, { method })
      const { headers } = response
      t.strictSame([response.status, headers.get('cache-control'), headers.get('content-type'), headers.get('access-control-allow-origin')], [status, cache, type, '*'], `${method} ${path}`)
      const bytes = await response.arrayBuffer()
      if (method === 'HEAD') t.equal(bytes.byteLength, 0)
    }
  }
})

t.test('other methods are not allowed, and what is no file of the log is not found, each in our envelope', async t => {
  const { log, url } = await serve(t)
  await fill(log, 5)
  await log.publish()
  const answer = async (method: string, path: string) => {
    const response = await fetch(`${url}/audit/${path}`, { method })
    const { error } = await response.json() as { error: { code: string, hint?: string, request_id: string } }
    t.ok(error.request_id)
    return [response.status, error.code, error.hint]
  }
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
    for (const path of ['checkpoint', 'tile/0/000.p/5', 'tile/entries/000', 'tile/nonsense']) t.strictSame(await answer(method, path), [405, 'Unsupported', 'Supported: GET, HEAD.'], `${method} ${path}`)
    t.strictSame((await answer(method, 'nowhere')).slice(0, 2), [404, 'NotFound'])
  }
  t.strictSame((await answer('GET', 'nowhere')).slice(0, 2), [404, 'NotFound'])
  t.equal((await fetch(`${url}/audit/tile/0/000`, { method: 'OPTIONS' })).status, 204, 'browsers may ask')
})

t.test('a log without a checkpoint has nothing to show', async t => {
  const { url } = await startPublicServer(t)
  t.equal((await fetch(`${url}/audit/checkpoint`)).status, 404)
})

t.test('nothing is read of a path that is not one of the log', async t => {
  const read: string[] = []
  const { url } = await startPublicServer(t, {
    audit: {
      file: async path => { read.push(path); return undefined },
    },
  })
  const paths = ['tile/0/..%2f..%2fpasswd', 'tile/%30/000', 'tile/0/0', 'tile/00/000', 'tile/0/x000/000', 'tile/0/000.p/0', 'tile/0/000.p/256', 'tile/', 'tile/entries/', 'tile/0/000/', 'tile/99/000', '../log.mark']
  for (const path of paths) {
    const { status } = await fetch(`${url}/audit/${path}`)
    t.ok(status === 404 || status === 400, `${path}: ${status}`)
  }
  await fc.assert(fc.asyncProperty(fc.string({ maxLength: 40, unit: 'grapheme-ascii' }), async text => {
    await (await fetch(`${url}/audit/tile/${text}`)).arrayBuffer()
  }), { numRuns: 200 })
  for (const path of read) t.ok(parseTilePath(path), `${path} was read`)
  t.notOk(read.includes('tile/0/0'))
})

function hasGo (): boolean {
  return spawnSync('go', ['version']).status === 0 && existsSync('/usr/share/gocode/src/golang.org/x/mod/sumdb')
}
