import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { dirname, join } from 'node:path'
import t from 'tap'
import { ROUTES } from '../../src/policy/permissions.ts'
import { startTestDaemon } from '../daemon.ts'

type Where = { readonly socketPath: string } | { readonly host: string, readonly port: string }

/** The status; what streams on is left. */
async function statusOf (where: Where, method: string, path: string, token?: string): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const sent = request({ ...where, method, path, agent: false, headers: token === undefined ? {} : { authorization: `Bearer ${token}` } }, response => {
    resolve(response.statusCode ?? 0)
    response.on('error', () => {}).destroy()
  })
  sent.on('error', reject).end()
  return await promise
}

t.test('every route of a running daemon: the listed public ones for all, the others for nobody without the right capability; the log has none of it', async t => {
  const daemon = await startTestDaemon(t, { flags: { 'admin.listen': '127.0.0.1:0' } })
  const owner = readFileSync(join(dirname(daemon.adminSocket), 'admin.cap'), 'utf8').trim()
  const wrong = `${owner.slice(0, -6)}AAAAAA`
  const at = (url: string | undefined): Where => ({ host: '127.0.0.1', port: new URL(url ?? '').port })
  const pathOf = (pattern: string) => pattern.replaceAll(/:\w+/g, 'x').replace('*', 'x')
  const admin: Record<string, Where> = { socket: { socketPath: daemon.adminSocket }, tcp: at(daemon.adminUrl) }
  let refused = 0
  for (const [listener, where] of Object.entries(admin)) {
    for (const row of Object.keys(ROUTES.admin)) {
      const [method = '', pattern = ''] = row.split(' ')
      const path = pathOf(pattern)
      for (const token of [undefined, '', wrong, 'x']) {
        t.equal(await statusOf(where, method, path, token), 403, `${listener} ${row} ${token === undefined ? 'without' : 'with a wrong one'}`)
        refused++
      }
      const status = await statusOf(where, method, path, owner)
      t.notOk([401, 403, 405].includes(status), `${listener} ${row}: ${status}`)
    }
  }
  t.equal(await daemon.metric('rejected_total{reason="unauth"}'), refused)
  for (const [surface, url] of [['public', daemon.publicUrl], ['ops', daemon.opsUrl]] as const) {
    for (const row of Object.keys(ROUTES[surface])) {
      const [method = '', pattern = ''] = row.split(' ')
      t.notOk([401, 403].includes(await statusOf(at(url), method, pattern === '*' ? '/' : pathOf(pattern))), `${surface} ${row}`)
    }
  }
  const logged = JSON.stringify(daemon.logs)
  t.ok(logged.length > 1000, 'there is a log, at level debug')
  for (const secret of [owner, wrong, owner.slice(40, 90)]) t.notMatch(logged, secret)
})
