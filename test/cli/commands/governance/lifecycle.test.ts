import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { startTestDaemon, type TestDaemon } from '../../../daemon.ts'
import { only } from '../../../patterns.ts'
import type { Ended } from '../../ronctl.ts'
import { jsonLines } from '../../ronctl.ts'
import { copyPeople, foundNetwork, makePeople, type People, type Person } from './people.ts'

// Real daemons that are governed, and nothing but ronctl to steer them.

t.setTimeout(120_000)

const SEED = '/ip4/127.0.0.1/tcp/1/p2p/12D3KooWGzxzKZYveHXtpG6AsrUJBcWxHBFS2HsEoGTxrMLvKXtf'

interface Governed {
  readonly people: People
  readonly daemon: TestDaemon
  /** As somebody whose key is named, on this daemon or on another. */
  as (person: Person, ...args: readonly string[]): Promise<Ended>
  ask (...args: readonly string[]): Promise<Ended>
}

const founded = await makePeople(t)
await foundNetwork(founded, '--set', `bootstrap.add=${SEED}`)

async function start (t: Test, people?: People): Promise<Governed> {
  const own = people ?? copyPeople(t, founded)
  const genesis = own.file('genesis.json')
  const daemon = await startTestDaemon(t, { flags: { 'governance.genesis': genesis } })
  const on = ['--socket', daemon.adminSocket]
  return {
    people: own,
    daemon,
    as: async (person, ...args) => await own.as(person, ...on, 'governance', ...args),
    ask: async (...args) => await own.run([...on, 'governance', ...args]),
  }
}

t.test('a change goes from its proposal to its canary by the quorum’s signatures, and back', async t => {
  const { people: { ids }, daemon, as, ask } = await start(t)
  t.match(await ask('status'), { exit: 0, stdout: /governed +yes[^]*quorum +2 of 3\nemergency +3 of 3/ })
  const proposed = await as('ops', 'propose', 'policy.profile=strict', '--reason', 'eclipse risk')
  t.match(proposed, { exit: 0, stdout: /stage +review[^]*next +approvals: ronctl governance approve 1/ })
  t.match(await as('sec1', 'approve', '1'), { exit: 0, stdout: /stage +review/ })
  t.match(await ask('show', '1'), { exit: 0, stdout: new RegExp(`approved by +security ${ids.sec1.slice(0, 12)}[^]*signed +1 of 2 signers: 1 more of security ${ids.sec2.slice(0, 12)}, security ${ids.sec3.slice(0, 12)}\nlapses +in 23h 59m[^]*- policy.profile: "standard"\n +\\+ policy.profile: "strict"`) })
  t.match(await as('ops', 'execute', '1'), { exit: 77, stderr: /1 of 2 signers/ }, 'one approval is not enough')
  t.match(await as('sec1', 'approve', '1'), { exit: 1, stderr: /counts once/ })
  t.match(await as('sec2', 'approve', '1'), { exit: 0, stdout: /stage +approved/ })
  t.match(await as('ops', 'execute', '1'), { exit: 0, stdout: /stage +canary/ })
  t.equal(await daemon.metric('policy_profile_active{profile="strict"}'), 1)
  t.match(await as('ops', 'promote', '1'), { exit: 1, stderr: /not green yet/ })
  t.match(await as('ops', 'rollback', '1', '--reason', 'too strict'), { exit: 0, stdout: /rolled-back/ })
  t.equal(await daemon.metric('policy_profile_active{profile="standard"}'), 1)
  t.match(await ask('list'), { exit: 0, stdout: /1 +[0-9a-f]{12} +rolled-back +policy +2/ })
  t.match(await ask('list', '--open'), { exit: 0, stdout: 'no proposals\n' })
  t.match(await ask('log'), { exit: 0, stdout: /governance\.found[^]*proposal\.propose[^]*proposal\.execute[^]*proposal\.rollback/ })
})

t.test('a veto stops a proposal; the same change is then proposed instead of it, by name', async t => {
  const { as, ask } = await start(t)
  const [{ id }] = jsonLines((await as('sec1', 'propose', 'policy.profile=strict', '--reason', 'one', '--json')).stdout) as [{ id: string }]
  t.match(await as('sec3', 'veto', id, '--reason', 'not on a Friday'), { exit: 0, stdout: /vetoed/ })
  t.match(await as('sec1', 'propose', 'policy.profile=strict', '--reason', 'two'), { exit: 1, stderr: new RegExp(`another proposal on the same base of policy: ${id}[^]*--instead-of ${id}`) })
  t.match(await as('sec1', 'propose', 'policy.profile=strict', '--reason', 'two', '--instead-of', id), { exit: 0 })
  t.match(await ask('show', '2', '--json'), { exit: 0, stdout: /"stage":"review"/ })
})

t.test('a file is carried to the signers, signed there without a daemon, and brought back to every daemon', async t => {
  const first = await start(t)
  const { people } = first
  const second = await start(t, people)
  const { file, run } = people
  const carried = file('carried.json')
  t.match(await run(['--socket', first.daemon.adminSocket, 'governance', 'propose', 'providers.ttl_ms=12h', '--reason', 'churn', '--key', `${file('ops')}.pub`, '--out', carried]), { exit: 0, stdout: /to be signed/ })
  t.match(await first.ask('submit', carried), { exit: 2, stderr: /not signed yet/ })
  const sign = async (person: Person, ...more: readonly string[]) => await run(['--socket', '/nowhere', 'governance', 'sign', carried, '--key', file(person), '--passphrase-file', file('passphrase'), ...more])
  t.match(await sign('ops'), { exit: 2, stderr: /nobody to ask/ })
  t.match(await run(['governance', 'sign', carried, '--key', file('ops')], { answers: ['n'] }), { exit: 1, stderr: /- providers.ttl_ms: 86400000\n +\+ providers.ttl_ms: 43200000[^]*Nothing was signed/ })
  t.match(await run(['governance', 'sign', carried, '--key', file('ops')], { answers: ['y', 'correct horse'] }), { exit: 0, stdout: /signed: proposal/, asked: only(/Sign this\?/, /Passphrase .*\(hidden\)/) })
  for (const person of ['sec1', 'sec2'] as const) t.match(await sign(person, '--yes'), { exit: 0, stdout: /signed: approval/ })
  t.match(await sign('sec1', '--yes'), { exit: 1, stderr: /Nothing in the file waits/ })
  t.match(await first.ask('submit', carried, '--dry-run'), { exit: 0, stdout: /would be taken/ })
  for (const governed of [first, second]) {
    t.match(await governed.ask('submit', carried), { exit: 0, stdout: /stage +approved/ })
    t.match(await governed.ask('show', '1', '--json'), { exit: 0, stdout: /"stage":"approved"/ })
    t.match(await governed.ask('submit', carried), { exit: 1, stderr: /has it already[^]*Nothing in the file is new/ })
  }
})

t.test('what a carried file shows is what it signs: another state, other words and another’s signature are refused', async t => {
  const { people: { file, run }, daemon, ask } = await start(t)
  const carried = file('carried.json')
  await run(['--socket', daemon.adminSocket, 'governance', 'propose', 'providers.ttl_ms=12h', '--reason', 'churn', '--key', `${file('ops')}.pub`, '--out', carried])
  const text = readFileSync(carried, 'utf8')
  const dry = async () => await run(['governance', 'sign', carried, '--key', file('ops'), '--dry-run'])
  t.match(await dry(), { exit: 0, stdout: /\+ providers.ttl_ms: 43200000/ })
  writeFileSync(carried, text.replace('"ttl_ms": 86400000', '"ttl_ms": 43200000'))
  t.match(await dry(), { exit: 0, stdout: /does not fit what is agreed/ }, 'the state is not the one that the base digest names')
  t.match(await run(['governance', 'sign', carried, '--key', file('ops'), '--passphrase-file', file('passphrase'), '--yes']), { exit: 1, stderr: /does not fit what is agreed/ })
  writeFileSync(carried, text.replace('"schema": "svc-dht/governance/carried/1"', '"schema": "svc-dht/governance/carried/2"'))
  t.match(await dry(), { exit: 2 })
  writeFileSync(carried, text)
  t.match(await run(['governance', 'sign', carried, '--key', file('ops'), '--passphrase-file', file('passphrase'), '--yes']), { exit: 0 })
  writeFileSync(carried, readFileSync(carried, 'utf8').replace(/"sig": "...../, '"sig": "AAAAA'))
  t.match(await ask('submit', carried), { exit: 77 })
})

t.test('an approval is signed only of what its author signed, and a file that was altered on its way spoils no key', async t => {
  const { people: { file, run }, daemon, as, ask } = await start(t)
  const carried = file('carried.json')
  t.match(await as('ops', 'propose', 'network.concurrency=5', '--reason', 'churn', '--out', carried), { exit: 0, stdout: /signed/ })
  const text = readFileSync(carried, 'utf8')
  const { statements: [proposal] } = JSON.parse(text) as { readonly statements: ReadonlyArray<{ readonly payload: string }> }
  const payload = proposal?.payload ?? ''
  const altered = Buffer.from(Buffer.from(payload, 'base64').toString().replace('"concurrency":5', '"concurrency":1')).toString('base64')
  writeFileSync(carried, text.replace(payload, altered))
  const sign = async (person: Person) => await run(['governance', 'sign', carried, '--key', file(person), '--passphrase-file', file('passphrase'), '--yes'])
  t.match(await sign('sec1'), { exit: 1, stderr: /not as its author signed it[^]*sent to you again/ })
  writeFileSync(carried, text)
  t.match(await sign('sec1'), { exit: 0, stdout: /signed: approval/ }, 'the key has not spoken for anything else')
  t.match(await ask('submit', carried), { exit: 0, stdout: /stage +review/ })
  t.match(await run(['--socket', daemon.adminSocket, 'governance', 'show', '1']), { stdout: /1 of 2 signers/ })
})

t.test('who may not say something is told so before any passphrase, and their key remembers nothing of it', async t => {
  const { people: { file, run }, daemon, as } = await start(t)
  t.match(await as('ops', 'propose', 'policy.profile=strict', '--reason', 'one'), { exit: 0 })
  const carried = file('carried.json')
  t.match(await as('sec3', 'propose', 'providers.ttl_ms=12h', '--reason', 'two', '--out', carried), { exit: 0 })
  const attempt = async (person: Person, ...args: readonly string[]): Promise<Ended> => await run([...args, '--key', file(person)], { answers: [] })
  const on = ['--socket', daemon.adminSocket, 'governance']
  for (const [person, args, stderr] of [
    ['ops', [...on, 'approve', '1'], /Only security may sign an approval here, and this key is ops[^]*governance charter/],
    ['rec1', [...on, 'approve', '1'], /this key is recovery/],
    ['owner', [...on, 'veto', '1', '--reason', 'no'], /Only security may sign a veto here, and this key is owner/],
    ['auditor', [...on, 'execute', '1'], /may sign an execution here, and this key is auditor/],
    ['auditor', [...on, 'propose', 'policy.profile=strict', '--reason', 'three'], /may sign a proposal here, and this key is auditor/],
    ['ops', [...on, 'charter', 'reconstitute', '--actor', `${file('sec1')}.pub`, '--actor', `${file('sec2')}.pub`, '--reason', 'four'], /Only recovery may sign a proposal here/],
    ['ops', ['governance', 'sign', carried], /Only security may sign an approval here/],
  ] as const) {
    const before = readFileSync(file(person), 'utf8')
    const { asked, ...ended } = await attempt(person, ...args)
    t.match(ended, { exit: 77, stderr }, `${person} ${args.join(' ')}`)
    t.strictSame(asked, [], 'nobody was asked for anything')
    t.equal(readFileSync(file(person), 'utf8'), before)
  }
})

t.test('a dry run signs nothing, remembers nothing and asks for nothing', async t => {
  const { people: { file, run }, daemon, as, ask } = await start(t)
  copyFileSync(file('ops'), file('before'))
  const dry = ['--socket', daemon.adminSocket, 'governance', 'propose', 'policy.profile=strict', '--reason', 'one', '--key', file('ops'), '--dry-run']
  t.match(await run(dry), { exit: 0, stdout: /\+ policy.profile: "strict"/, stderr: /Nothing was signed/ })
  t.match(jsonLines((await run([...dry, '--json'])).stdout), only({ dry_run: true, kind: 'proposal', body: { section: 'policy' } }))
  t.match(await ask('list'), { stdout: 'no proposals\n' })
  t.equal(readFileSync(file('ops'), 'utf8'), readFileSync(file('before'), 'utf8'))
  t.match(await as('ops', 'propose', 'policy.profile=strict', '--reason', 'one'), { exit: 0 })
  t.match(await as('sec1', 'approve', '1', '--dry-run'), { exit: 0, stdout: /0 of 2/ })
  t.match(await ask('show', '1'), { stdout: /0 of 2/ })
})

t.test('what says no change, another’s service, or nothing why is refused before anything is signed', async t => {
  const { as, ask } = await start(t)
  const propose = async (...args: readonly string[]) => await as('ops', 'propose', ...args)
  for (const [args, stderr] of [
    [['policy.profile=strict'], /does not say why/],
    [['policy.profile=strict', '--reason', 'x', '--service', 'other'], /no other/],
    [['--reason', 'x'], /what to change/],
    [['nothing.profile=strict', '--reason', 'x'], /no section/],
    [['policy.profile=lax', '--reason', 'x'], /profile must be one of/],
    [['providers.ttl_ms=72h', '--reason', 'x'], /over 48 h/],
    [['policy.profile=strict', 'pq.require_on=true', '--reason', 'x'], /one change of one section/],
    [['/nonexistent/file', '--reason', 'x'], /neither a change nor a file/],
  ] as const) t.match(await propose(...args), { exit: 2, stderr }, args.join(' '))
  t.match(await ask('show'), { exit: 2, stderr: /Name one proposal/ })
  t.match(await ask('show', '9'), { exit: 1, stderr: /no such proposal/ })
  t.match(await ask('approve', '9', '--yes'), { exit: 2, stderr: /with which key/ })
})

t.test('a daemon that nobody governs says so', async t => {
  const daemon = await startTestDaemon(t)
  const people = copyPeople(t, founded)
  t.match(await people.run(['--socket', daemon.adminSocket, 'governance', 'status']), { exit: 1, stdout: /governed +no/ })
  t.match(await people.as('ops', '--socket', daemon.adminSocket, 'governance', 'propose', 'policy.profile=strict', '--reason', 'x'), { exit: 1, stderr: /not governed/ })
})
