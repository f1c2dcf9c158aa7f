import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { decodeToken, encodeToken } from '../../../../src/auth/macaroon/codec.ts'
import { attenuate, mintMacaroon, verifyMacaroon } from '../../../../src/auth/macaroon/macaroon.ts'
import { tempDirectory } from '../../../http/admin/fake-daemon.ts'
import { jsonLines, ronctl } from '../../ronctl.ts'

const KEY = Buffer.alloc(32, 1)
const token = encodeToken(attenuate(mintMacaroon(KEY, Buffer.from('v1:00:11'), 'svc-dht'), Buffer.from('odd thing')))

function files (t: Parameters<typeof tempDirectory>[0]) {
  const directory = tempDirectory(t)
  const file = join(directory, 'a.cap')
  writeFileSync(file, token, { mode: 0o600 })
  return { file, out: join(directory, 'narrow.cap') }
}

t.test('a capability is decoded without a daemon, and its signature is not shown', async t => {
  const { file } = files(t)
  const { exit, stdout } = await ronctl(['cap', 'show', file])
  t.equal(exit, 0)
  t.match(stdout, /v1:00:11[^]*odd thing {2}\(unknown: denies everything\)/)
  t.same(jsonLines((await ronctl(['cap', 'show', token, '--json'])).stdout), [{ location: 'svc-dht', identifier: 'v1:00:11', caveats: [{ caveat: 'odd thing', known: false }] }])
})

t.test('a narrowed capability still verifies, is in a file for its owner alone, and nowhere in the output', async t => {
  const { file, out } = files(t)
  const { exit, stdout, stderr } = await ronctl(['cap', 'constrain', file, '--out', out, '--ip', '10.0.0.0/8', '--permission', 'provider:write', '--rps', '5'])
  t.equal(exit, 0)
  const written = readFileSync(out, 'utf8').trim()
  t.equal(verifyMacaroon(decodeToken(written), KEY).length, 4)
  t.equal(statSync(out).mode & 0o777, 0o600)
  t.notOk(`${stdout}${stderr}`.includes(written))
  t.match(await ronctl(['cap', 'constrain', file, '--out', out, '--rps', '1']), { exit: 2, stderr: /EEXIST/ }, 'nothing is overwritten')
})

t.test('a file that others can read, no capability, and a caveat that nobody understands are refused', async t => {
  const { file, out } = files(t)
  t.match(await ronctl(['cap', 'constrain', file, '--out', out, '--expires', 'tomorrow']), { exit: 2, stderr: /This is no caveat: expires<=tomorrow/ })
  t.match(await ronctl(['cap', 'constrain', file, '--out', out]), { exit: 2, stderr: /how the capability is narrowed/ })
  t.match(await ronctl(['cap', 'show', 'c2VjcmV0']), { exit: 2, stderr: /neither a capability/ })
  chmodSync(file, 0o644)
  t.match(await ronctl(['cap', 'show', file]), { exit: 2, stderr: /Others can read/ })
})
