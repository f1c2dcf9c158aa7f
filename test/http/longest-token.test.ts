import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { parseCaveat } from '../../src/auth/caveats.ts'
import { decodeToken, encodeToken, encodeV2 } from '../../src/auth/macaroon/codec.ts'
import { attenuate, type Macaroon } from '../../src/auth/macaroon/macaroon.ts'
import { MAX_BEARER_HEADER_BYTES, MAX_TOKEN_BYTES } from '../../src/core/limits.ts'
import { ronctl } from '../cli/ronctl.ts'
import { startTestDaemon } from '../daemon.ts'
import { getRaw, sendBytes } from './support/raw.ts'

const MAX_BYTES = MAX_TOKEN_BYTES / 4 * 3 // base64 without padding
const FRAMING_BYTES = 4 // of one more caveat: its type, two bytes of length, its end

/** The macaroon with caveats that hold, until its token cannot be longer. */
function lengthen (macaroon: Macaroon): Macaroon {
  const room = MAX_BYTES - encodeV2(macaroon).byteLength - FRAMING_BYTES
  if (room < 0) return macaroon
  const size = room > 1900 ? 1000 : room > 1000 ? Math.floor(room / 2) : room // no rest that is too small for a caveat
  const values = `verbs in read,${'a'.repeat(250)},${'b'.repeat(250)},${'c'.repeat(250)},`.slice(0, Math.max(0, size - 200))
  const caveat = (values || 'verbs in read,').padEnd(size, 'd')
  if (parseCaveat(caveat) === undefined) throw new Error(`no caveat: ${caveat}`)
  return lengthen(attenuate(macaroon, Buffer.from(caveat)))
}

t.test('the longest capability is served on every admin listener; a header beyond the limit is refused, hinted and counted', async t => {
  const daemon = await startTestDaemon(t, { flags: { 'admin.listen': '127.0.0.1:0' } })
  const url = daemon.adminUrl ?? ''
  const folder = dirname(daemon.adminSocket)
  const short = readFileSync(join(folder, 'admin.cap'), 'utf8').trim()
  const longest = encodeToken(lengthen(decodeToken(short)))
  t.equal(longest.length, MAX_TOKEN_BYTES)

  const file = join(folder, 'longest.cap')
  writeFileSync(file, `${longest}\n`, { mode: 0o600 })
  t.match(await ronctl(['--socket', daemon.adminSocket, '--cap', file, 'status']), { exit: 0 }, 'over the socket')
  const ask = async (token: string) => await getRaw(`${url}/v1/status`, { headers: { authorization: `Bearer ${token}`, 'user-agent': 'a program with a long name'.repeat(10), accept: 'application/json' } })
  t.equal((await ask(longest)).status, 200, 'over TCP, with what other clients send')

  const before = await daemon.metric('rejected_total{reason="unauth"}')
  const longer = await ask(`${longest}A`)
  t.equal(longer.status, 403)
  t.match(JSON.parse(longer.body), { error: { code: 'NoCapability', message: /longer than 8 KiB/, hint: /fewer or shorter/ } })
  t.equal(await daemon.metric('rejected_total{reason="unauth"}'), before + 1)

  for (const name of ['Authorization: Bearer ', 'X-Other: ']) {
    const said = await sendBytes(url, `GET /v1/status HTTP/1.1\r\nHost: x\r\n${name}${'x'.repeat(MAX_BEARER_HEADER_BYTES)}\r\n\r\n`)
    t.match(said, /^HTTP\/1\.1 431 /)
    t.match(JSON.parse(said.slice(said.indexOf('\r\n\r\n'))), { error: { code: 'BadRequest', message: /larger than 9 KiB/, hint: /at most 8 KiB/ } })
  }
  t.equal(await daemon.metric('rejected_total{reason="http_header"}'), 2)
  t.equal((await ask(short)).status, 200, 'the next good request is served')
  t.notMatch(JSON.stringify(daemon.logs), longest.slice(0, 100))
})
