import t from 'tap'
import { startTestOverlay, until } from '../../../daemon.ts'
import { jsonLines, type Ended } from '../../ronctl.ts'
import { foundNetwork, makePeople, type Person } from './people.ts'

// Two daemons that route to each other, a canary of the shortest time that a charter allows, and nothing but ronctl. It takes a
// minute of real time: GOVERNANCE_TOUR=1 runs it.

t.setTimeout(300_000)

t.test('a change that two daemons tried for a minute is promoted on both, and holds', { skip: process.env['GOVERNANCE_TOUR'] === undefined && 'set GOVERNANCE_TOUR=1' }, async t => {
  const people = await makePeople(t)
  const { file, run, as } = people
  const genesis = await foundNetwork(people, '--canary', '1m')
  const daemons = await startTestOverlay(t, 2, { flags: { 'governance.genesis': genesis } })
  const [first, second] = daemons.map(({ adminSocket }) => ['--socket', adminSocket, 'governance'])
  if (first === undefined || second === undefined) return t.fail('there are no two')

  /** A statement made once, signed once, and handed to both daemons. */
  const everywhere = async (name: string, person: Person, ...args: readonly string[]): Promise<readonly Ended[]> => {
    const made = await as(person, ...first, ...args, '--out', file(name))
    if (made.exit !== 0) throw new Error(made.stderr)
    return [await run([...first, 'submit', file(name)]), await run([...second, 'submit', file(name)])]
  }
  const all = (answers: readonly Ended[], expected: object, what: string): void => { for (const answer of answers) t.match(answer, expected, what) }
  const body = async (on: readonly string[]) => jsonLines((await run([...on, 'show', '1', '--json'])).stdout)[0] as { readonly stage?: string, readonly canary_green?: boolean }

  all(await everywhere('propose', 'ops', 'propose', 'policy.profile=strict', '--reason', 'eclipse risk'), { exit: 0, stdout: /review/ }, 'proposed')
  all(await everywhere('one', 'sec1', 'approve', '1'), { exit: 0, stdout: /review/ }, 'one approval')
  all(await everywhere('two', 'sec2', 'approve', '1'), { exit: 0, stdout: /approved/ }, 'two approvals')
  all(await everywhere('execute', 'ops', 'execute', '1'), { exit: 0, stdout: /canary/ }, 'executed')
  const deadline = Date.now() + 150_000
  while (Date.now() < deadline) {
    const shown = [await body(first), await body(second)]
    if (shown.some(({ stage }) => stage !== 'canary')) return t.fail(`a canary went red: ${JSON.stringify(shown)}`)
    if (shown.every(({ canary_green: isGreen }) => isGreen === true)) break
    await new Promise(resolve => setTimeout(resolve, 1000))
  }
  all(await everywhere('promote', 'ops', 'promote', '1'), { exit: 0, stdout: /promoted/ }, 'promoted')
  for (const daemon of daemons) await until(async () => await daemon.metric('policy_profile_active{profile="strict"}') === 1, 'the profile holds')

  all(await everywhere('freeze', 'sec1', 'freeze', '--for', '1m', '--reason', 'flood'), { exit: 0 }, 'a freeze is proposed')
  for (const person of ['sec1', 'sec2', 'sec3'] as const) all(await everywhere(`freeze-${person}`, person, 'approve', '2'), { exit: 0 }, 'by all signers')
  all(await everywhere('freeze-now', 'sec1', 'execute', '2'), { exit: 0, stdout: /in force/ }, 'frozen')
  for (const daemon of daemons) t.match(await run(['--socket', daemon.adminSocket, 'provide', `b3:${'aa'.repeat(32)}`]), { exit: 75, stderr: /frozen/ })
  t.match(await run([...first, 'status', '--json']), { stdout: /"epoch":2,/ })
  for (const daemon of daemons) t.match(await run(['--socket', daemon.adminSocket, 'audit', 'verify']), { exit: 0 })
})
