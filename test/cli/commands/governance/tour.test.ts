import t from 'tap'
import { joinAddress, startTestDaemon, until, type TestDaemon } from '../../../daemon.ts'
import { jsonLines, type Ended } from '../../ronctl.ts'
import { foundNetwork, makePeople, type Person } from './people.ts'

// Three signers, two daemons, and nothing but ronctl. Time passes in our hands, on both clocks of both daemons.

t.setTimeout(300_000)

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const KEY = `b3:${'5a'.repeat(32)}`

interface Proposal { readonly stage: string, readonly canary_green?: boolean, readonly disputed: boolean }

t.test('a network is founded, changed, frozen, made post-quantum and back, and loses a member, by the signatures of its people', async t => {
  /** How far both clocks of the daemons are ahead of ours. */
  const ahead = { wallMs: 0, monotonicMs: 0 }
  const people = await makePeople(t)
  const genesis = await foundNetwork(people, '--canary', '1m')
  const { file, run } = people
  const now = (): number => Date.now() + ahead.wallMs
  const ask = async (daemon: TestDaemon, ...args: readonly string[]): Promise<Ended> => await run(['--socket', daemon.adminSocket, ...args], { now })
  const options = { now, monotonic: () => performance.now() + ahead.monotonicMs }
  const governed = { 'governance.genesis': genesis, 'public.requestsPerPrefixPerSecond': '1' }
  const one = await startTestDaemon(t, { ...options, flags: governed })
  const two = await startTestDaemon(t, { ...options, flags: governed })
  const third = await startTestDaemon(t, { ...options, flags: { 'kad.bootstrap': joinAddress(one) } }) // the member that is to go
  const daemons = [one, two]
  one.bootstrapFrom([joinAddress(two)])
  two.bootstrapFrom([joinAddress(one)])
  await until(() => [...daemons, third].every(daemon => daemon.readiness().ready), 'all are ready')
  const areReady = (): boolean => daemons.every(daemon => daemon.readiness().ready)
  /** Time passes. Nobody has been heard meanwhile, so they must be heard again before anything is asked of the daemons. */
  const pass = async (ms: number): Promise<void> => {
    ahead.wallMs = ahead.monotonicMs = Math.max(ahead.wallMs, ahead.monotonicMs) + ms
    await until(areReady, 'both are ready after the time that has passed')
  }

  let files = 0
  /** A statement made and signed once, and handed to both daemons: what they answer. */
  const everywhere = async (person: Person, ...args: readonly string[]): Promise<readonly Ended[]> => {
    const carried = file(`${++files}.json`)
    const made = await ask(one, ...args, '--key', file(person), '--passphrase-file', file('passphrase'), '--yes', '--out', carried)
    if (made.exit !== 0) throw new Error(made.stderr)
    return await Promise.all(daemons.map(async daemon => await ask(daemon, 'governance', 'submit', carried)))
  }
  const all = (answers: readonly Ended[], expected: object, what: string): void => { for (const answer of answers) t.match(answer, expected, what) }
  const show = async (daemon: TestDaemon, number: number): Promise<Proposal> => jsonLines((await ask(daemon, 'governance', 'show', String(number), '--json')).stdout)[0] as Proposal
  const inForce = async (name: string, value: unknown): Promise<boolean> => (await Promise.all(daemons.map(async daemon => JSON.stringify((jsonLines((await ask(daemon, 'governance', 'status', '--json')).stdout)[0] as Record<string, unknown>)[name]) === JSON.stringify(value)))).every(Boolean)
  let number = 0
  /** Proposed, approved by so many signers, and executed. */
  const agree = async (signers: readonly Person[], ...args: readonly string[]): Promise<readonly Ended[]> => {
    all(await everywhere('sec1', ...args, '--reason', 'the tour'), { exit: 0, stdout: /review/ }, 'proposed')
    number++
    for (const person of signers) all(await everywhere(person, 'governance', 'approve', String(number)), { exit: 0 }, 'approved')
    return await everywhere('sec1', 'governance', 'execute', String(number))
  }
  /**
   * Lets the time of the last proposal's canary pass, and promotes it. The wall clock goes first, while the canary is too young to be judged:
   * bootstrap peers are heard again before the monotonic clock, by which it is watched, goes too. It is looked at each five seconds.
   */
  const promote = async (person: Person): Promise<void> => {
    ahead.wallMs += MINUTE
    await until(areReady, 'both are ready while the canary is young')
    let passedAt = performance.now()
    await until(async () => {
      if (performance.now() - passedAt > 6000) {
        passedAt = performance.now()
        ahead.monotonicMs += MINUTE
      }
      return (await Promise.all(daemons.map(async daemon => (await show(daemon, number)).canary_green))).every(isGreen => isGreen === true)
    }, 'its canary is green on both')
    await pass(0)
    all(await everywhere(person, 'governance', 'promote', String(number)), { exit: 0, stdout: /promoted/ }, 'promoted')
  }
  /** How long whoever asked too often is told to wait. Seconds. */
  const patience = async (): Promise<number> => {
    for (;;) {
      const answers = await Promise.all(Array.from({ length: 8 }, async () => await fetch(`${one.publicUrl}/routing/v1/providers/${KEY}`)))
      const seconds = answers.filter(({ status }) => status === 429).map(answer => Number(answer.headers.get('retry-after')))
      if (seconds.length > 0) return Math.max(...seconds)
    }
  }

  // A change, from its proposal to its effect on traffic.
  t.equal(await patience(), 1)
  all(await everywhere('ops', 'governance', 'propose', 'policy.profile=strict', '--reason', 'eclipse risk'), { exit: 0, stdout: /review/ }, 'proposed')
  number++
  all(await everywhere('sec1', 'governance', 'approve', '1'), { exit: 0, stdout: /review/ }, 'one approval is not enough')
  all(await everywhere('ops', 'governance', 'execute', '1'), { exit: 77, stderr: /1 of 2 signers/ }, 'nor may it be executed')
  all(await everywhere('sec2', 'governance', 'approve', '1'), { exit: 0, stdout: /approved/ }, 'two approvals')
  all(await everywhere('ops', 'governance', 'execute', '1'), { exit: 0, stdout: /canary/ }, 'executed')
  await promote('ops')
  t.equal(await patience(), 2, 'strict halves the rate')

  // What was decided may be disputed, and stays in force meanwhile.
  const { id } = (jsonLines((await ask(one, 'governance', 'show', '1', '--json')).stdout) as [{ id: string }])[0]
  all(await everywhere('auditor', 'governance', 'dispute', 'file', '--subject', `proposal:${id}`, '--summary', 'too strict for us', '--evidence', 'https://example.org/1', '--requested-override', 'none', '--impact', 'half the rate', '--contacts', 'auditor@example.org'), { exit: 0 }, 'disputed')
  t.equal((await show(one, 1)).disputed, true)

  // An exception and an emergency, which end by themselves.
  all(await agree(['sec1', 'sec2'], 'governance', 'override', 'deny-peer', third.peerId, '--id', 'noisy', '--for', '2h'), { exit: 0 }, 'an override')
  all(await agree(['sec1', 'sec2', 'sec3'], 'governance', 'freeze', '--for', '30m'), { exit: 0, stdout: /in force/ }, 'a freeze')
  for (const daemon of daemons) t.match(await ask(daemon, 'provide', KEY), { exit: 75, stderr: /frozen/ }, 'writes are refused')
  await pass(31 * MINUTE)
  await until(async () => (await Promise.all(daemons.map(async daemon => (await ask(daemon, 'provide', KEY)).exit))).every(exit => exit === 0), 'the freeze has ended by itself')
  await pass(2 * HOUR)

  // Post-quantum signatures are asked for, and not given up within a day.
  all(await agree(['sec1', 'sec2'], 'governance', 'propose', 'pq.require_on=true'), { exit: 0, stdout: /canary/ }, 'post-quantum')
  await promote('sec1')
  await until(async () => await inForce('overrides', []) && await inForce('freezes', []), 'nothing is left of the exceptions')
  all(await agree(['sec1', 'sec2'], 'governance', 'propose', 'pq.require_on=false'), { exit: 1, stderr: /downgrade waits until/ }, 'not off at once')
  await pass(24 * HOUR + MINUTE)
  all(await everywhere('sec1', 'governance', 'execute', String(number)), { exit: 0, stdout: /canary/ }, 'but after a day')
  await promote('sec1')

  // Members: three are let in and the list is enforced; then one is shut out.
  const members = { one, two, third }
  for (const [name, daemon] of Object.entries(members)) all(await agree(['sec1', 'sec2'], 'membership', 'propose-add', name, '--peer-id', daemon.peerId), { exit: 0 }, `${name} is let in`)
  all(await agree(['sec1', 'sec2'], 'membership', 'propose-mode', 'enforce'), { exit: 0 }, 'enforced')
  await until(() => third.readiness().ready, 'the third is ready too')
  t.match(await ask(third, 'provide', KEY), { exit: 0 })
  const holds = async (daemon: TestDaemon): Promise<boolean> => (await ask(daemon, 'records', KEY)).stdout.includes(third.peerId)
  await until(async () => await holds(one), 'its record is held')
  all(await agree(['sec1', 'sec2'], 'membership', 'propose-revoke', 'third'), { exit: 0, stdout: /in force/ }, 'revoked')
  await until(async () => !(await holds(one)) && !(await holds(two)), 'its records are gone')
  await until(() => !third.readiness().ready, 'nobody answers it any more')
  await until(async () => await one.metric('rejected_total{reason="member"}') > 0, 'and it is refused when it comes back')

  // Whoever doubts it works it out from the logs.
  for (const daemon of daemons) {
    await until(async () => {
      const { size, published } = jsonLines((await ask(daemon, 'audit', 'head', '--json')).stdout)[0] as { readonly size: number, readonly published: number }
      return size === published
    }, 'a checkpoint covers all')
    t.match(await ask(daemon, 'audit', 'verify'), { exit: 0, stdout: /verified +yes/ })
    t.match(await ask(daemon, 'membership', 'verify-log', '--genesis', genesis), { exit: 0, stdout: /members +2 active, enforce/ })
  }
})
