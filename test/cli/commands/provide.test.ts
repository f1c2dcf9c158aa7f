import { mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import { basename, join, relative } from 'node:path'
import { blake3 } from '@noble/hashes/blake3.js'
import t from 'tap'
import { hashFile } from '../../../src/cli/targets.ts'
import { blake3Key, toCidText, toKeyText } from '../../../src/core/key.ts'
import { emptyTrace } from '../../../src/core/peer.ts'
import type { AdminPorts } from '../../../src/http/admin/ports.ts'
import { CID, fakePorts, KEY, NOW, startDaemon, tempDirectory, type TempTest } from '../../http/admin/fake-daemon.ts'
import { only } from '../../patterns.ts'
import { jsonLines, ronctl } from '../ronctl.ts'

/** A daemon that keeps what it was asked to announce. */
async function startAnnouncer (t: TempTest): Promise<{ socket: string, announced: Array<{ key: string, ttlMs: number | undefined }> }> {
  const announced: Array<{ key: string, ttlMs: number | undefined }> = []
  const announcer: AdminPorts['announcer'] = {
    ...fakePorts().announcer,
    announce: async (key, { ttlMs }) => {
      announced.push({ key: toKeyText(key), ttlMs })
      return { created: false, expiresAt: NOW + (ttlMs ?? 86_399_000), reached: 17, attempted: 20, trace: emptyTrace() }
    },
  }
  return { socket: await startDaemon(t, { announcer }), announced }
}

function writeTemp (t: TempTest, bytes: Uint8Array): { path: string, key: string, cid: string } {
  const path = join(tempDirectory(t), 'file.bin')
  writeFileSync(path, bytes)
  const key = blake3Key(blake3(bytes))
  return { path, key: toKeyText(key), cid: toCidText(key) }
}

t.test('a file is published under the BLAKE3 of its bytes', async t => {
  const { socket, announced } = await startAnnouncer(t)
  const { path, key, cid } = writeTemp(t, Buffer.alloc(3 * 1024 * 1024 + 17, 'content'))
  const { exit, stdout, stderr } = await ronctl(['provide', path, '--socket', socket])
  t.equal(exit, 0)
  t.equal(stderr, '')
  t.same(announced, [{ key, ttlMs: undefined }])
  t.match(stdout, key)
  t.match(stdout, cid)
  t.match(stdout, `${path} (3.0 MiB)`)
  t.match(stdout, 'in 23h 59m (2026-01-03T03:04:04.000Z); extended')
  t.match(stdout, '17 of 20 peers')
})

t.test('an empty file has a key too', async t => {
  const { socket, announced } = await startAnnouncer(t)
  const { path } = writeTemp(t, new Uint8Array())
  t.match(await ronctl(['provide', path, '--socket', socket]), { exit: 0 })
  t.equal(announced[0]?.key, 'b3:af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262', 'the digest that the BLAKE3 authors publish')
})

t.test('keys are published as they are, with the TTL asked for', async t => {
  const { socket, announced } = await startAnnouncer(t)
  const { exit, stdout } = await ronctl(['provide', KEY, 'QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWKU1NH', '--ttl', '1h30m', '--socket', socket])
  t.equal(exit, 0)
  t.same(announced.map(({ ttlMs }) => ttlMs), [5_400_000, 5_400_000])
  t.match(stdout, `key       ${KEY}`)
  t.match(stdout, 'in 1h 30m')
})

t.test('--json prints the daemon’s answer for each target, one a line', async t => {
  const { socket } = await startAnnouncer(t)
  const { path, key, cid } = writeTemp(t, Buffer.from('x'))
  const { stdout } = await ronctl(['provide', KEY, path, '--json', '--socket', socket])
  const common = { expires_at: '2026-01-03T03:04:04.000Z', created: false, reached: 17, attempted: 20, trace: emptyTrace() }
  t.same(jsonLines(stdout), [{ key: KEY, cid: CID, ...common }, { key, cid, ...common }])
})

t.test('a file whose name is a key must be written as a path', async t => {
  const { socket, announced } = await startAnnouncer(t)
  const directory = tempDirectory(t)
  writeFileSync(join(directory, CID), 'content')
  const from = process.cwd()
  process.chdir(directory)
  t.teardown(() => process.chdir(from))

  const asKey = await ronctl(['provide', CID, '--socket', socket])
  t.match(asKey.stderr, `${CID} is taken as a key; for the file of that name write ./${CID}`)
  const asFile = await ronctl(['provide', `./${CID}`, '--socket', socket])
  t.equal(asFile.stderr, '')
  t.match(announced, only({ key: KEY }, { key: toKeyText(blake3Key(blake3(Buffer.from('content')))) }))
  t.match((await ronctl(['provide', CID, '--json', '--socket', socket])).stderr, /^$/, 'machines are not told')
})

t.test('nothing is published unless every argument makes sense', async t => {
  const { socket, announced } = await startAnnouncer(t)
  const directory = tempDirectory(t)
  mkdirSync(join(directory, 'folder'))
  const wrong = {
    [join(directory, 'missing')]: /neither a key nor a file here/,
    [join(directory, 'folder')]: /not a regular file/,
    'b3:abc': /64 hex digits/,
    [join(process.execPath, 'x')]: /neither a key nor a file here/,
    ['a'.repeat(5000)]: /cannot be read \(ENAMETOOLONG\)/,
  }
  for (const [text, message] of Object.entries(wrong)) {
    const { exit, stdout, stderr } = await ronctl(['provide', KEY, text, '--socket', socket])
    t.equal(exit, 2, basename(text).slice(0, 40))
    t.equal(stdout, '')
    t.match(stderr, message)
  }
  t.same(announced, [])
})

t.test('a TTL that is none is a wrong command line', async t => {
  for (const ttl of ['', '12', 'h', '0s', '1h x', '-1h', '1.5h', '12H']) {
    t.match(await ronctl(['provide', KEY, `--ttl=${ttl}`]), { exit: 2, stderr: /duration such as/ }, ttl)
  }
})

t.test('on a terminal a large file shows how far its hashing is, on a line that goes away', async t => {
  const { socket } = await startAnnouncer(t)
  const path = join(tempDirectory(t), 'large')
  writeFileSync(path, '')
  truncateSync(path, 64 * 1024 * 1024) // a hole: nothing is stored
  const { stderr, stdout } = await ronctl(['provide', path, '--socket', socket], { columns: 200 })
  t.match(stderr, `hashing ${path}: 50 % of 64.0 MiB`)
  t.match(stderr, /announcing b3:/)
  t.ok(stderr.endsWith('\r\u001b[2K'), 'the last thing written erases the line')
  t.match(stdout, '64.0 MiB')
  t.equal((await ronctl(['provide', relative('.', path), '--socket', socket])).stderr, '', 'a pipe gets none of it')
})

t.test('a file that cannot be read to its end is a failure that names it', async t => {
  const directory = tempDirectory(t)
  const hashed = hashFile(directory, 1, { progress: () => {}, clearProgress: () => {} })
  await t.rejects(hashed, { exit: 'usage', message: `${directory} cannot be read (EISDIR).` })
})
