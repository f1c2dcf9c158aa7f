import { cpSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { ronctl } from '../../cli/ronctl.ts'
import { only } from '../../patterns.ts'
import { macronode } from './macronode.ts'

t.setTimeout(120_000)

/** A macronode that was started once, and how to mint beside it. */
async function setUp (t: Test) {
  const node = macronode(t)
  await node.live(async () => {})
  const data = node.file('data')
  const mint = async (name: string, ...args: readonly string[]) =>
    await ronctl(['cap', 'mint', '--offline', data, '--passphrase-file', node.passphrase, '--memo', name, '--out', node.file(name), ...args])
  return { ...node, mint, waiting: join(data, 'waiting-grants') }
}

t.test('a capability that was minted while the daemon was stopped is in force from its next start on, and the log tells of it', async t => {
  const { live, mint, file, waiting } = await setUp(t)
  const minted = await mint('found', '--role', 'owner', '--json')
  t.match(minted, { exit: 0 })
  const token = readFileSync(file('found'), 'utf8').trim()
  t.equal(statSync(file('found')).mode & 0o777, 0o600)
  const [name = ''] = readdirSync(waiting)
  for (const text of [minted.stdout, minted.stderr, readFileSync(join(waiting, name), 'utf8')]) t.notOk(text.includes(token), 'it is in its file, and nowhere else')
  const { id } = JSON.parse(minted.stdout) as { readonly id: string }
  t.match(await mint('late', '--permission', 'status:read', '--expires', '2026-01-02T04:00Z'), { exit: 0 }, 'by the clock of ronctl it is to come; by that of the daemon it has passed')

  await live(async (run, daemon) => {
    t.match(await run('--cap', file('found'), 'cap', 'list'), { exit: 0, stdout: new RegExp(`${id} .*owner .*offline`) })
    t.match(await run('--cap', file('found'), 'audit', 'log', '--action', 'cap.mint', '--json'), { stdout: new RegExp(`"actor":"offline"[^]*${id}`) })
    t.match(await run('--cap', file('late'), 'status'), { exit: 77 })
    t.match(daemon.logs.filter(({ event }) => event === 'offline_capability_entered'), only({ capability: id }))
    t.match(daemon.logs.filter(({ event }) => event === 'offline_capability_refused'), only({ err: { message: 'Its expiry is not a time to come.' } }))
    t.equal(readdirSync(waiting).length, 1)
    t.match(await mint('beside', '--permission', 'status:read', '--caveat', 'rps<=5'), { exit: 0, stdout: /in force +from the daemon’s next start/ })
    t.match(await run('--cap', file('beside'), 'status'), { exit: 77 }, 'not before')
  })
  await live(async run => { t.match(await run('--cap', file('beside'), 'status'), { exit: 0 }) })
})

t.test('a waiting file that is put back does not bring back what was revoked', async t => {
  const { live, mint, file, waiting, folder } = await setUp(t)
  t.match(await mint('found', '--role', 'owner'), { exit: 0 })
  cpSync(waiting, join(folder, 'copy'), { recursive: true })
  await live(async run => { t.match(await run('--cap', file('found'), 'cap', 'revoke', '--before', '2100-01-01T00:00Z', '--reason', 'leaked'), { exit: 0 }) })
  cpSync(join(folder, 'copy'), waiting, { recursive: true })
  await live(async (run, { logs }) => {
    t.match(await run('--cap', file('found'), 'status'), { exit: 77 })
    t.match(logs.filter(({ event }) => event === 'offline_capability_refused'), only({ err: { message: /was entered before/ } }))
    t.same(readdirSync(waiting), [])
  })
})

t.test('without the passphrase, or with a file that somebody altered, nothing is in force; and the daemon starts', async t => {
  const { live, mint, file, waiting, folder } = await setUp(t)
  const wrong = file('wrong')
  writeFileSync(wrong, 'battery staple\n', { mode: 0o600 })
  const forged = await ronctl(['cap', 'mint', '--offline', file('data'), '--passphrase-file', wrong, '--memo', 'x', '--role', 'owner', '--out', file('x')])
  t.match(forged, { exit: 2, stderr: /Nothing was minted: the passphrase does not open/ })
  t.match(await ronctl(['cap', 'mint', '--offline', folder, '--passphrase-file', wrong, '--memo', 'x', '--role', 'owner', '--out', file('x')]), { exit: 2, stderr: /There are no keys in/ })
  t.notOk(existsSync(file('x')) || existsSync(waiting))
  t.match(await mint('two', '--role', 'nobody'), { exit: 2, stderr: /no such role/ })
  t.match(await mint('two', '--permission', 'cap:all'), { exit: 2, stderr: /no permission cap:all/ })
  t.match(await mint('two', '--role', 'ops', '--caveat', 'odd'), { exit: 2, stderr: /This is no caveat: odd/ })
  t.match(await ronctl(['cap', 'mint', '--offline', folder, '--memo', 'x', '--role', 'owner', '--out', file('x')]), { exit: 2, stderr: /go together/ })

  t.match(await mint('altered', '--role', 'owner'), { exit: 0 })
  const [name = ''] = readdirSync(waiting)
  const path = join(waiting, name)
  const sealed = JSON.parse(readFileSync(path, 'utf8')) as { sealed: string }
  const bytes = Buffer.from(sealed.sealed, 'base64')
  bytes[0] = (bytes[0] ?? 0) ^ 1
  writeFileSync(path, JSON.stringify({ ...sealed, sealed: bytes.toString('base64') }))
  writeFileSync(join(waiting, `${'0'.repeat(16)}.grant`), 'not sealed', { mode: 0o600 })
  await live(async (run, { logs }) => {
    t.match(await run('--cap', file('altered'), 'status'), { exit: 77 })
    t.equal(logs.filter(({ event }) => event === 'offline_capability_refused').length, 2)
  })
})

t.test('only so many wait', async t => {
  const { mint, waiting, file } = await setUp(t)
  t.match(await mint('first', '--role', 'auditor'), { exit: 0 })
  for (let number = 0; number < 15; number++) writeFileSync(join(waiting, `${String(number).padStart(16, '0')}.grant`), '', { mode: 0o600 })
  t.match(await mint('one more', '--role', 'auditor'), { exit: 1, stderr: /16 capabilities wait/ })
  t.notOk(existsSync(file('one more')))
})
