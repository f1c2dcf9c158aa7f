import { spawnSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import t from 'tap'
import type { Host } from '../../src/cli/host.ts'
import { createProgram } from '../../src/cli/program.ts'
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

t.test('a command that ronctl has not is found out', async t => {
  await t.rejects(parse(['repair', '--all']))
})
