import { copyFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import type { Ended } from '../../ronctl.ts'
import { MovedClock } from './moved-clock.ts'
import type { Person } from './people.ts'

/** svc-dht-governance.md §4, "Example CLI (normative)", and ron-kms-governance.md §4.y where it means this daemon too: as printed there. */
const FORMS: ReadonlyArray<readonly [line: string, person: Person, expected: object]> = [
  ['ronctl governance propose --service svc-dht --change policy.profile=strict --reason "Eclipse risk; tighten for 48h"', 'ops', { exit: 0, stdout: /proposal +42 / }],
  ['ronctl config hash --file /etc/ron/svc-dht.toml', 'ops', { exit: 0, stdout: 'b3:digest\n' }],
  ['ronctl governance approve --proposal-id 42 --cap macaroon.txt', 'sec1', { exit: 0, stdout: /stage +review/ }],
  ['ronctl governance show 42', 'sec1', { exit: 0, stdout: /Eclipse risk; tighten for 48h/ }],
  ['ronctl governance approve 42 --role security-officer', 'sec2', { exit: 0, stdout: /stage +approved/ }],
  ['ronctl governance execute 42', 'ops', { exit: 0, stdout: /stage +canary/ }],
  ['ronctl governance log --since 7d', 'auditor', { exit: 0 }],
  ["ronctl governance propose --change 'providers.ttl_ms=12h' --rationale 'churn' --expires 24h", 'ops', { exit: 0, stdout: /proposal +43 / }],
]

/** The words of a line as a shell takes it apart. */
function words (line: string): readonly string[] {
  return [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, double, single, bare]) => double ?? single ?? bare ?? '').slice(1)
}

t.test('every literal form of the requirements does what it says', async t => {
  const net = await MovedClock.start(t, ledger => ({ ...ledger, nextAlias: 42 }))
  const { file, folder } = net.people
  writeFileSync(file('macaroon.txt'), 'token\n', { mode: 0o600 })
  const home = process.cwd()
  process.chdir(folder) // the form names a file in the folder that one is in
  t.teardown(() => process.chdir(home))
  for (const [line, person, expected] of FORMS) {
    const ended: Ended = await net.ask(words(line), {
      env: { RONCTL_KEY: file(person), RONCTL_SOCKET: net.socket }, answers: ['y', 'correct horse'], checkFile: path => path === '/etc/ron/svc-dht.toml' ? { digest: 'b3:digest' } : { mistakes: ['another file'] },
    })
    t.match(ended, expected, line)
  }
})

t.test('a key that was copied while it was empty is caught by the daemon, not by its memory', async t => {
  const net = await MovedClock.start(t)
  const { file } = net.people
  copyFileSync(file('sec1'), file('copy'))
  await net.as('ops', 'propose', 'policy.profile=strict', '--reason', 'x')
  await net.approve(1, 'sec1')
  t.match(await net.ask(['governance', 'approve', '1', '--key', file('copy'), '--passphrase-file', file('passphrase'), '--yes']), { exit: 1, stderr: /counts once/ })
})
