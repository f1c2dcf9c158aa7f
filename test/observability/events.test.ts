import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { COMMON_FIELDS, EVENTS } from '../../src/observability/events.ts'
import { renderEventReference } from '../../src/observability/reference.ts'
import { only } from '../patterns.ts'
import { ROOT, start } from '../process.ts'

t.setTimeout(60_000)

type Line = Readonly<Record<string, unknown>>

const FREE_PORTS = ['kad.listen=/ip4/127.0.0.1/tcp/0', 'public.listen=127.0.0.1:0', 'ops.listen=127.0.0.1:0', 'discv5.listen=127.0.0.1:0']
const KINDS: Readonly<Record<string, { readonly level: string, readonly fields: readonly string[] }>> = EVENTS

/** What a line has that the catalogue does not allow it. */
function faultsOf (line: Line): string[] {
  const kind = KINDS[String(line['event'])]
  if (kind === undefined) return [`${String(line['msg'])}: no event`]
  const odd = Object.keys(line).filter(field => !(field in COMMON_FIELDS) && !kind.fields.includes(field))
  return [...odd.map(field => `${String(line['event'])}: ${field}`), ...(line['level'] !== kind.level && line['event'] !== 'library' ? [`${String(line['event'])} at ${String(line['level'])}`] : [])]
}

async function askAdmin (socketPath: string, path: string, token?: string): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  request({ socketPath, path, headers: token === undefined ? {} : { authorization: `Bearer ${token}` } }, response => { response.resume().on('end', () => resolve(response.statusCode ?? 0)) }).on('error', reject).end()
  return await promise
}

/** A daemon from its start through requests and refusals to its stop; all it wrote. */
async function lifeOf (t: Test, ...settings: readonly string[]): Promise<{ readonly lines: readonly Line[], readonly token: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'svc-dht-test-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const daemon = start(t, 'svc-dht', ['run', ...[...FREE_PORTS, ...settings].flatMap(setting => ['--set', setting])], { XDG_RUNTIME_DIR: folder })
  await daemon.printed(/"owner_capability"[^]*\n/)
  const printed = await daemon.printed(/"event":"started".*\n/) // either may come first: the logger writes by itself
  const parse = (text: string): Line[] => text.trim().split('\n').map(line => JSON.parse(line) as Line)
  const started = parse(printed.slice(0, printed.lastIndexOf('\n'))).find(({ event }) => event === 'started')
  const token = String(/"owner_capability":"([^"]+)"/.exec(printed)?.[1])

  const socket = String(started?.['admin'])
  t.equal(await askAdmin(socket, '/v1/status', token), 200)
  t.equal(await askAdmin(socket, '/v1/status'), 403)
  t.equal(await askAdmin(socket, '/v1/records/nonsense', token), 400)
  t.equal(await askAdmin(socket, `/v1/nothing/${token}`, token), 404)
  for (const path of ['/routing/v1/providers/nonsense', `/${token}`, '/openapi.json']) await (await fetch(`${String(started?.['public'])}${path}`)).text()
  await (await fetch(`${String(started?.['ops'])}/metrics`)).text()
  daemon.child.kill('SIGTERM')
  const { code, stdout } = await daemon.exit
  t.equal(code, 0)
  return { lines: parse(stdout).filter(line => !('owner_capability' in line)), token }
}

t.test('every line that a daemon writes from its start to its stop is one of the catalogue', async t => {
  const { lines, token } = await lifeOf(t)
  t.strictSame(lines.flatMap(faultsOf), [])
  const of = (event: string): readonly Line[] => lines.filter(line => line['event'] === event)
  t.equal(of('started').length, 1)
  t.equal(of('listening').length, 3, 'public, ops and the admin socket')
  t.match(of('stopping'), only({ signal: 'SIGTERM' }))
  t.notMatch(JSON.stringify(lines), token, 'no line holds the capability, not even a path that did')

  const requests = of('request')
  t.equal(requests.length, 4, 'each of the admin API, and of the public API none that was served or refused')
  for (const line of requests) t.match(line, { surface: 'admin', method: 'GET', request_id: /^[0-9a-f-]{36}$/, latency_ms: Number })
  const [served, refused, malformed, nothing] = requests
  t.match(served, { route: '/v1/status', status: '200', principal: /^\w+/ })
  t.match(refused, { route: '/v1/status', status: '403', reason: /\w/ })
  t.notOk(refused?.['principal'])
  t.match(malformed, { status: '400', reason: 'key', principal: served?.['principal'] })
  t.match(nothing, { route: 'unmatched', status: '404', reason: 'http_path' })
})

t.test('lines at debug have no event, and hold no capability either', async t => {
  const { lines, token } = await lifeOf(t, 'log.level=debug')
  const debug = lines.filter(({ level }) => level === 'debug')
  t.ok(debug.some(({ surface, status }) => surface === 'public' && status === '400'), 'a request of the public API')
  for (const line of debug) t.notOk('event' in line)
  t.strictSame(lines.filter(({ level }) => level !== 'debug').flatMap(faultsOf), [])
  t.notMatch(JSON.stringify(lines), token)
})

t.test('the check of a line sees what is wrong with it', async t => {
  t.strictSame(faultsOf({ event: 'stopping', level: 'info', signal: 'SIGTERM' }), [])
  t.strictSame(faultsOf({ event: 'stopping', level: 'warn', token: 'x' }), ['stopping: token', 'stopping at warn'])
  t.strictSame(faultsOf({ msg: 'x', level: 'info' }), ['x: no event'])
})

t.test('every event of the catalogue happens somewhere, and says so in a sentence', async t => {
  const source = globSync('src/**/*.ts', { cwd: ROOT }).filter(file => !file.endsWith('observability/events.ts')).map(file => readFileSync(join(ROOT, file), 'utf8')).join('\n')
  for (const [name, { when }] of Object.entries(EVENTS)) {
    t.ok(source.includes(`event: '${name}'`), name)
    t.match(name, /^[a-z0-9]+(_[a-z0-9]+)*$/)
    t.match(when, /^\S.+\.$/, name)
  }
})

t.test('the page of the catalogue names every event and every field', async t => {
  const page = renderEventReference()
  for (const name of [...Object.keys(EVENTS), ...Object.keys(COMMON_FIELDS)]) t.match(page, `| \`${name}\` |`)
})
