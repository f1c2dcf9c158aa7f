import { spawnSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import t from 'tap'
import type { Host } from '../../src/cli/host.ts'
import { parseChange } from '../../src/cli/governance/change.ts'
import { createProgram } from '../../src/cli/program.ts'
import { REJECT_REASONS } from '../../src/core/errors.ts'
import { liveSettings } from '../../src/governance/live-values.ts'
import { Network, PEER } from '../governance/fixtures.ts'
import { commandsOf } from './commands.ts'

const FOLDER = join(import.meta.dirname, '../../ops/runbooks')

const DRILL_FOLDER = join(import.meta.dirname, '../../ops/drills')
/** Which drill follows which page of governance. */
const DRILLED: Readonly<Record<string, string>> = {
  'emergency-revocation': 'emergency-revocation',
  'freeze-and-thaw': 'freeze-and-thaw',
  'governance-restore': 'governance-restore',
  'node-key-compromise': 'node-key-compromise',
  'pq-toggle': 'pq-toggle',
  'quorum-reconstitution': 'quorum-reconstitution',
  'rogue-admin-quorum': 'rogue-admin',
  'signer-key-compromise': 'signer-key-compromise',
}

/** Throws what the command line would say; nothing is run. */
async function parse (args: readonly string[]): Promise<void> {
  const silent = { write: () => {}, isTerminal: false, columns: 80 }
  const host = { stdout: silent, stderr: silent, version: '0.0.0' } as unknown as Host
  await createProgram(host, () => async () => {}).parseAsync(args, { from: 'user' })
}

for (const page of [...globSync(join(FOLDER, '*.md')), join(FOLDER, '../README.md')]) {
  t.test(`the commands of ${basename(page)} can be pasted`, async t => {
    const commands = commandsOf(page)
    t.ok(commands.length > 0)
    for (const command of commands) {
      const { status, stderr } = spawnSync('bash', ['-n', '-c', command], { encoding: 'utf8' })
      t.equal(status, 0, `${command}\n${stderr}`)
      if (!command.startsWith('ronctl ')) continue
      const args = command.replace(/ > .*/, '').split(' ').slice(1).map(arg => arg === '$KEY' ? `b3:${'00'.repeat(32)}` : arg)
      await t.resolves(parse(args.filter(arg => arg !== '')), command)
    }
  })
}

t.test('a page of governance has the same five parts as one of an alert, and a drill that follows it', async t => {
  const pages = globSync(join(FOLDER, '*.md')).filter(path => !basename(path).startsWith('SvcDht'))
  t.ok(pages.length > 0)
  for (const path of pages) {
    const name = basename(path, '.md')
    t.match(readFileSync(path, 'utf8'), new RegExp(`^# ${name}\\n\\n\\*\\*Symptom\\.\\*\\* .+\\n\\n\\*\\*Why\\.\\*\\* .+\\n\\n## Check\\n\\n\`\`\`sh\\n(.*\\n)+\`\`\`\\n(.*\\n)*\\n## Fix\\n\\n(.*\\n)+\\n## Escalate\\n\\n.+`), name)
    t.ok(Object.values(DRILLED).includes(name), name)
  }
  for (const drill of Object.keys(DRILLED)) t.match(readFileSync(join(DRILL_FOLDER, `${drill}.ts`), 'utf8'), `expectOnPage(notes, '${DRILLED[drill]}')`)
})

const ALERTS = globSync(join(FOLDER, 'SvcDht*.md'))
const fixOf = (page: string): string => readFileSync(page, 'utf8').split('## Fix')[1]?.split('## Escalate')[0] ?? ''

t.test('what a fix says to propose is a change that ronctl understands', async t => {
  const proposals = ALERTS.flatMap(page => [...fixOf(page).matchAll(/`ronctl (governance propose (\S+) [^`]+)`/g)])
  t.ok(proposals.length > 3)
  for (const [, command = '', change = ''] of proposals) {
    await t.resolves(parse(command.replace(/ --reason [^-]+/, ' --reason because ').trim().split(' ')), command)
    const address = `/ip4/192.0.2.1/tcp/7460/p2p/${PEER}`
    t.ok(parseChange(change.replace('$ADDRESS', address)).section, change)
  }
})

t.test('a fix that changes what a governed network agrees on says how it is agreed, for there the file does not count', async t => {
  const { sections } = new Network().ledger.state
  const agreed = Object.entries(liveSettings(sections).changes).flatMap(([section, values]) => Object.keys(values).map(name => `${section}.${name}`))
  t.ok(agreed.includes('providers.records'))
  const changing = new RegExp(`(?:raise|lower|put [^.]* into) \`(?:${['kad.bootstrap', ...agreed].join('|')})\``, 'i')
  const pages = ALERTS.filter(page => changing.test(fixOf(page)))
  t.ok(pages.length > 2)
  for (const page of pages) t.match(fixOf(page), /`ronctl governance propose /, basename(page))
})

t.test('whoever is told of refusals finds each reason explained', async t => {
  const page = readFileSync(join(FOLDER, 'SvcDhtAbused.md'), 'utf8')
  const named = [...page.matchAll(/^\| (`[^|]+) \|/gm)].flatMap(([, cell = '']) => [...cell.matchAll(/`(\w+\*?)`/g)].map(([, name = '']) => name))
  const isNamed = (reason: string): boolean => named.some(name => name.endsWith('*') ? reason.startsWith(name.slice(0, -1)) : reason === name)
  t.strictSame(REJECT_REASONS.filter(reason => !isNamed(reason)), [])
  t.strictSame(named.filter(name => !REJECT_REASONS.some(reason => name.endsWith('*') ? reason.startsWith(name.slice(0, -1)) : reason === name)), [], 'none that is gone')
})

t.test('a page asks the ops listener where its first line says that it is, as the example has it elsewhere', async t => {
  for (const page of globSync(join(FOLDER, '*.md'))) {
    const commands = commandsOf(page)
    if (!commands.some(command => command.includes('$OPS'))) t.notMatch(commands.join('\n'), '9909', basename(page))
    else t.equal(commands.findIndex(command => command.startsWith('OPS=')) <= commands.findIndex(command => command.includes('$OPS')), true, basename(page))
    t.equal(commands.filter(command => command.includes('9909')).length <= 1, true, basename(page))
  }
})

t.test('a command that ronctl has not is found out', async t => {
  await t.rejects(parse(['repair', '--all']), { code: 'commander.unknownCommand' })
})
