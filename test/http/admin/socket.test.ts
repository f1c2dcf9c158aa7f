import { once } from 'node:events'
import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, readdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { Agent } from 'node:http'
import { createServer } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { adminSocket, answerOf, fakePorts, fetchJson, KEY, open, provide, RECORD, tempDirectory } from './fake-daemon.ts'

const mode = (path: string) => (lstatSync(path).mode & 0o777).toString(8)
const status = { path: '/v1/status' }

t.test('directory and socket are for their owner alone, and gone after the stop', async t => {
  const directory = join(tempDirectory(t), 'deep', 'svc-dht')
  const path = join(directory, 'admin.sock')
  const before = process.umask()
  const daemon = adminSocket(path)
  await daemon.start()
  t.equal(mode(directory), '700')
  t.equal(mode(path), '600')
  t.ok(lstatSync(path).isSocket())
  t.equal(process.umask(), before, 'the process’s umask is as it was')
  t.match(await fetchJson(path, status), { status: 200 })
  await daemon.stop()
  await daemon.stop()
  t.notOk(existsSync(directory), 'nothing is left')
})

t.test('a directory that was there stays, and so does what else is in it', async t => {
  const directory = tempDirectory(t)
  writeFileSync(join(directory, 'mine'), '')
  const daemon = adminSocket(join(directory, 'admin.sock'))
  await daemon.start()
  await daemon.stop()
  t.same(readdirSync(directory), ['mine'])
})

t.test('a directory of ours that others put something into stays', async t => {
  const directory = join(tempDirectory(t), 'svc-dht')
  const daemon = adminSocket(join(directory, 'admin.sock'))
  await daemon.start()
  writeFileSync(join(directory, 'theirs'), '')
  await daemon.stop()
  t.same(readdirSync(directory), ['theirs'])
})

t.test('a directory that others may enter is refused', async t => {
  for (const open of [0o750, 0o701, 0o777]) {
    const directory = tempDirectory(t)
    chmodSync(directory, open)
    const refusal = { code: 'BadRequest', message: new RegExp(`open to other users \\(mode 0${open.toString(8)}\\): ${directory}`), hint: /0700/ }
    await t.rejects(adminSocket(join(directory, 'admin.sock')).start(), refusal)
    t.same(readdirSync(directory), [], 'nothing was put there')
  }
})

t.test('a symbolic link, or a file, in place of the directory is refused', async t => {
  const home = tempDirectory(t)
  mkdirSync(join(home, 'real'), { mode: 0o700 })
  symlinkSync(join(home, 'real'), join(home, 'link'))
  writeFileSync(join(home, 'file'), '')
  await t.rejects(adminSocket(join(home, 'link', 'admin.sock')).start(), { code: 'BadRequest', message: /is a symbolic link/ })
  await t.rejects(adminSocket(join(home, 'file', 'admin.sock')).start(), { code: 'BadRequest', message: /is not a directory/ })
})

t.test('a directory of another user is refused', async t => {
  const directory = process.getuid?.() === 0 ? tempDirectory(t) : '/'
  if (directory !== '/') chownSync(directory, 65_534, 65_534)
  await t.rejects(adminSocket(join(directory, 'admin.sock')).start(), { code: 'BadRequest', message: /belongs to user \d+/ })
})

t.test('a second daemon is refused and does the first no harm', async t => {
  const directory = tempDirectory(t)
  const path = join(directory, 'admin.sock')
  const first = adminSocket(path)
  await first.start()
  t.teardown(() => first.stop())
  await t.rejects(adminSocket(path).start(), { code: 'Conflict', message: `Another daemon answers on the admin socket: ${path}`, hint: /admin\.socket/ })
  t.match(await fetchJson(path, status), { status: 200 }, 'the first still answers')
})

t.test('a socket that nobody answers on is replaced', async t => {
  const path = join(tempDirectory(t), 'admin.sock')
  await leaveStaleSocket(path)
  const daemon = adminSocket(path)
  await daemon.start()
  t.teardown(() => daemon.stop())
  t.match(await fetchJson(path, status), { status: 200 })
  t.equal(mode(path), '600')
})

t.test('a file at the socket’s path is never removed', async t => {
  const path = join(tempDirectory(t), 'admin.sock')
  writeFileSync(path, 'precious')
  await t.rejects(adminSocket(path).start(), { code: 'BadRequest', message: /not a socket/ })
  t.ok(lstatSync(path).isFile())
})

t.test('a path that the system would cut is refused', async t => {
  const directory = tempDirectory(t)
  const longest = join(directory, 'a'.repeat(107 - directory.length - 1))
  const daemon = adminSocket(longest)
  await daemon.start()
  await daemon.stop()
  await t.rejects(adminSocket(`${longest}b`).start(), { code: 'BadRequest', message: /108 bytes; the system allows 107/, hint: /admin\.socket/ })
})

t.test('stop lets a request in flight finish', async t => {
  const path = join(tempDirectory(t), 'admin.sock')
  const begun = Promise.withResolvers<void>()
  const mayEnd = Promise.withResolvers<void>()
  const announce = async () => {
    begun.resolve()
    await mayEnd.promise
    return { created: true, expiresAt: 0, reached: 1, attempted: 1, trace: { messages: 0, answered: 0, failed: 0, hops: 0, path: [] } }
  }
  const daemon = adminSocket(path, fakePorts({ announcer: { ...fakePorts().announcer, announce } }), { drainTimeoutMs: 60_000 })
  await daemon.start()
  const agent = new Agent({ keepAlive: true })
  t.teardown(() => agent.destroy())
  const answer = open(path, { ...provide({ key: KEY }), agent })
  await begun.promise
  const stopped = daemon.stop()
  mayEnd.resolve()
  const response = await answer
  t.equal(response.statusCode, 200)
  response.resume()
  await stopped // although the client would keep its connection
})

t.test('stop cuts off what does not finish in time', async t => {
  const path = join(tempDirectory(t), 'admin.sock')
  const { lookup } = fakePorts()
  const providers: typeof lookup.providers = (_, { signal }) => answerOf((async function * () {
    yield RECORD
    await once(signal, 'abort')
  })())
  const daemon = adminSocket(path, fakePorts({ lookup: { ...lookup, providers } }), { drainTimeoutMs: 1 })
  await daemon.start()
  const response = await open(path, { path: `/v1/lookups/providers/${encodeURIComponent(KEY)}` })
  const cut = new Response(response).text()
  await Promise.all([t.rejects(cut, { code: 'ECONNRESET' }), daemon.stop()])
})

/** A socket whose owner has died without removing it. */
async function leaveStaleSocket (path: string): Promise<void> {
  const server = createServer().listen(path)
  await once(server, 'listening')
  // Closing removes the name that was bound, so the file hides under another one meanwhile.
  renameSync(path, `${path}.old`)
  server.close()
  renameSync(`${path}.old`, path)
}
