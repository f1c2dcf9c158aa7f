import { readFileSync, writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { startTestDaemon, type TestDaemon } from '../../daemon.ts'
import { only } from '../../patterns.ts'
import { jsonLines, type Ended } from '../ronctl.ts'
import { copyPeople, foundNetwork, makePeople, type People, type Person } from './governance/people.ts'

// Members come and go by signatures alone; nothing but ronctl touches the daemon, and nobody edits a file.

t.setTimeout(120_000)

const SEED = '12D3KooWGzxzKZYveHXtpG6AsrUJBcWxHBFS2HsEoGTxrMLvKXtf'
const PEER = '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp'
const NODE = 'ab'.repeat(32)
const WHY = ['--reason', 'a new site']

const founded = await makePeople(t)
await foundNetwork(founded, '--set', `bootstrap.add=/ip4/127.0.0.1/tcp/1/p2p/${SEED}`)

interface Governed {
  readonly people: People
  readonly daemon: TestDaemon
  as (person: Person, ...args: readonly string[]): Promise<Ended>
  ask (...args: readonly string[]): Promise<Ended>
  /** Proposed, approved by two and executed. */
  agree (...args: readonly string[]): Promise<Ended>
}

async function start (t: Test): Promise<Governed> {
  const people = copyPeople(t, founded)
  const daemon = await startTestDaemon(t, { flags: { 'governance.genesis': people.file('genesis.json') } })
  const on = ['--socket', daemon.adminSocket]
  const as: Governed['as'] = async (person, ...args) => await people.as(person, ...on, ...args)
  return {
    people,
    daemon,
    as,
    ask: async (...args) => await people.run([...on, ...args]),
    agree: async (...args) => {
      const [proposed] = jsonLines((await as('ops', 'membership', ...args, ...WHY, '--json')).stdout) as [{ proposal: { number: number } }]
      const number = String(proposed.proposal.number)
      for (const person of ['sec1', 'sec2'] as const) await as(person, 'governance', 'approve', number)
      return await as('ops', 'governance', 'execute', number)
    },
  }
}

t.test('a node is let in, changes its keys, is shut out and forgotten, each by a quorum', async t => {
  const { ask, agree, as } = await start(t)
  t.match(await ask('membership', 'status'), { exit: 0, stdout: /^mode +off: nobody asks\nmembers +0 active, 0 revoked$/m })
  t.match(await agree('propose-add', 'fra-1', '--peer-id', PEER, '--role', 'server', 'bootstrap'), { exit: 0, stdout: /stage +promoted/ })
  t.match(await ask('membership', 'status'), { exit: 0, stdout: new RegExp(`^fra-1 +active +server,bootstrap +${PEER} +-$`, 'm') })
  t.match(await as('ops', 'membership', 'propose-add', 'fra-1', '--peer-id', SEED, ...WHY), { exit: 2, stderr: /listed already/ }, 'twice is refused before anybody signs')
  t.match(await agree('propose-rotate', 'fra-1', '--peer-id', SEED, '--node-id', NODE), { exit: 0 })
  t.match(await ask('membership', 'status'), { stdout: new RegExp(`^fra-1 +active +server,bootstrap +${SEED} +${NODE}$`, 'm') })
  t.match(await agree('propose-mode', 'observe'), { exit: 0 })
  t.match(await agree('propose-revoke', 'fra-1'), { exit: 0 })
  t.match(await ask('membership', 'status'), { stdout: /^mode +observe[^]*members +0 active, 1 revoked/m })
  t.match(await as('ops', 'membership', 'propose-mode', 'enforce', ...WHY), { exit: 2, stderr: /cut everyone off/ })
  t.match(await agree('propose-remove', 'fra-1'), { exit: 0 })
  t.match((jsonLines((await ask('membership', 'status', '--json')).stdout)), only({ status: { active: 0, revoked: 0 }, members: only() }))
})

t.test('an update is carried from signer to signer, judged away from any daemon, and applied', async t => {
  const { people: { file, run }, ask, daemon } = await start(t)
  const update = file('update.json')
  t.match(await run(['--socket', daemon.adminSocket, 'membership', 'propose-add', 'fra-1', '--peer-id', PEER, ...WHY, '--key', `${file('ops')}.pub`, '--out', update]), { exit: 0 })
  const sign = async (person: Person): Promise<Ended> => await run(['membership', 'sign-update', update, '--key', file(person), '--passphrase-file', file('passphrase'), '--yes'])
  t.match(await run(['membership', 'verify-update', update]), { exit: 1, stdout: /verified +no[^]*fault +unsigned/ })
  t.match(await sign('ops'), { exit: 0, stdout: /signed: proposal/ })
  t.match(await sign('sec1'), { exit: 0, stdout: /signed: approval/ })
  t.match(await run(['membership', 'verify-update', update]), { exit: 1, stdout: /verified +yes[^]*\+ members\.nodes[^]*stage +review\nsigned +1 of 2 signers/ }, 'good so far, and not enough')
  t.match(await sign('sec2'), { exit: 0 })
  t.match(await run(['membership', 'verify-update', update, '--json']), { exit: 0, stdout: /"valid":true.*"stage":"approved"/ })

  const text = readFileSync(update, 'utf8')
  const carried = JSON.parse(text) as { statements: Array<{ payload: string }> }
  const [proposal] = carried.statements
  if (proposal === undefined) throw new Error('unreachable')
  proposal.payload = Buffer.from(Buffer.from(proposal.payload, 'base64').toString().replace('fra-1', 'fra-2')).toString('base64')
  writeFileSync(file('forged.json'), JSON.stringify(carried))
  t.match(await run(['membership', 'verify-update', file('forged.json')]), { exit: 1, stdout: /verified +no[^]*fault +gov_signature/ })
  t.match(await ask('membership', 'apply-update', file('forged.json')), { exit: 77 })
  t.match(await ask('membership', 'status'), { stdout: /0 active/ })

  t.match(await ask('membership', 'apply-update', update, '--dry-run'), { exit: 0, stdout: /would be taken/ })
  const applied = await ask('membership', 'apply-update', update, '--key', file('ops'), '--passphrase-file', file('passphrase'), '--yes')
  t.match(applied, { exit: 0, stdout: /stage +promoted/ })
  t.match(await ask('membership', 'status'), { stdout: /1 active/ })
  t.match(await ask('membership', 'apply-update', update), { exit: 1, stderr: /Nothing in the file is new/ })
})

t.test('who is a member is worked out from the log alone, and a log or a genesis of somebody else says nothing', async t => {
  const { people, ask, agree } = await start(t)
  const { file, run } = people
  await agree('propose-add', 'fra-1', '--peer-id', PEER)
  const genesis = ['--genesis', file('genesis.json')]
  await until(async () => (jsonLines((await ask('audit', 'head', '--json')).stdout)[0] as { size: number, published: number }), ({ size, published }) => size === published)
  t.match(await ask('membership', 'verify-log', ...genesis), { exit: 0, stdout: /^verified +yes\n[^]*members +1 active, off/ })

  writeFileSync(file('keys'), (await ask('audit', 'head', '--keys')).stdout)
  t.equal((await ask('audit', 'export', file('log.tar'))).exit, 0)
  t.match(await run(['membership', 'verify-log', file('log.tar'), '--key', file('keys'), ...genesis, '--json']), { exit: 0, stdout: /"inputs":4.*"active":1/ })
  t.match(await run(['membership', 'verify-log', file('log.tar'), ...genesis]), { exit: 2, stderr: /needs a key to trust/ })
  t.match(await run(['membership', 'verify-log', file('log.tar'), '--key', file('keys'), '--genesis', file('keys')]), { exit: 2, stderr: /not JSON/ })

  const strangers = await makePeople(t)
  await foundNetwork(strangers)
  t.match(await run(['membership', 'verify-log', file('log.tar'), '--key', file('keys'), '--genesis', strangers.file('genesis.json')]), { exit: 1, stdout: /fault +genesis/ })
})

/** Polls what the daemon brings about in the background. */
async function until<T> (look: () => Promise<T>, holds: (seen: T) => boolean): Promise<void> {
  for (let looks = 0; looks < 1000; looks++) if (holds(await look())) return
  throw new Error('waited in vain')
}
