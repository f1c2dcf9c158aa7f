import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { tempDirectory } from '../http/admin/fake-daemon.ts'
import { ronctl } from './ronctl.ts'

const scriptFor = async (shell: string) => (await ronctl(['completion', shell])).stdout
const isMissing = (shell: string) => spawnSync(shell, ['--version']).error !== undefined && `${shell} is not installed`

/** Calls the completion as bash does when Tab is pressed at the end of its arguments. */
const HARNESS = `source ./script
  COMP_WORDS=("$@")
  COMP_CWORD=$(($# - 1))
  _ronctl
  printf '%s\n' "\${COMPREPLY[@]}"`

/** What bash offers for the last of these words, in a directory with a file, one with a blank in its name, and a folder. */
function completerFor (t: { teardown (fn: () => unknown): unknown }, script: string): (...words: string[]) => string[] {
  const directory = tempDirectory(t)
  for (const name of ['file.bin', 'two words']) writeFileSync(join(directory, name), '')
  mkdirSync(join(directory, 'folder'))
  writeFileSync(join(directory, 'script'), script)
  return (...words) => {
    const { stdout, stderr } = spawnSync('bash', ['--norc', '-c', HARNESS, 'bash', ...words], { cwd: directory, encoding: 'utf8' })
    if (stderr !== '') throw new Error(stderr)
    return stdout.split('\n').filter(line => line !== '').toSorted()
  }
}

t.test('bash completes commands, options, values and files', { skip: isMissing('bash') }, async t => {
  const complete = completerFor(t, await scriptFor('bash'))
  t.same(complete('ronctl', 'c'), ['cap', 'closest', 'completion', 'config'])
  t.same(complete('ronctl', 'config', ''), ['--cap', '--help', '--json', '--socket', '--version', 'check', 'get', 'hash', 'help'])
  t.same(complete('ronctl', 'config', 'check', '--f'), ['--file'])
  t.same(complete('ronctl', 'discv5', 't'), ['table', 'talk', 'topic'])
  t.same(complete('ronctl', 'discv5', 'topic', 'w'), ['withdraw'])
  t.same(complete('ronctl', 'bans', 'add', '--r'), ['--reason'])
  t.same(complete('ronctl', 'governance', 'dispute', 'r'), ['resolve'], 'a command of a command of a command')
  t.same(complete('ronctl', 'governance', 'approve', '--k'), ['--key'])
  t.same(complete('ronctl', 'governance', 'approve', '--key', 'f'), ['file.bin', 'folder'])
  t.same(complete('ronctl', 'governance', 'freeze', 'w'), ['writes'])
  t.same(complete('ronctl', 'find', '--l'), ['--limit'])
  t.same(complete('ronctl', '--json', 'find', '--l'), ['--limit'], 'options before the command')
  t.same(complete('ronctl', '--socket', 'find', 'st'), ['status'], 'a value that looks like a command is none')
  t.same(complete('ronctl', 'completion', ''), ['--cap', '--help', '--json', '--socket', '--version', 'bash', 'fish', 'zsh'])
  t.same(complete('ronctl', 'provide', 'f'), ['file.bin', 'folder'])
  t.same(complete('ronctl', 'provide', 'tw'), ['two words'], 'a blank does not split a name')
  t.same(complete('ronctl', '--socket', 'f'), ['file.bin', 'folder'])
  t.same(complete('ronctl', '--socket', '=', 'f'), ['file.bin', 'folder'], 'bash takes --socket=f apart')
  t.same(complete('ronctl', '--socket', '=', 'f', 'st'), ['status'])
  t.same(complete('ronctl', 'provide', '--ttl', ''), [], 'a duration cannot be guessed')
  t.same(complete('ronctl', 'records', 'f'), [], 'where a key is wanted no files are offered')
})

for (const shell of ['zsh', 'fish']) {
  t.test(`${shell} accepts its script`, { skip: isMissing(shell) }, async t => {
    const { status, stderr } = spawnSync(shell, ['-n', '-c', await scriptFor(shell)], { encoding: 'utf8' })
    t.same({ status, stderr }, { status: 0, stderr: '' })
  })
}

t.test('every script knows every command and option of the help page', async t => {
  const { stdout } = await ronctl(['--help'])
  const commands = [...stdout.matchAll(/^ {2}([a-z]+)[ [<]/gm)].map(([, name]) => name ?? '')
  t.ok(commands.length > 12)
  for (const shell of ['bash', 'zsh', 'fish']) {
    const script = await scriptFor(shell)
    for (const command of commands) t.match(script, new RegExp(`\\b${command}\\b`), `${shell}: ${command}`)
    for (const option of ['ttl', 'limit', 'file', 'socket', 'json']) t.match(script, new RegExp(`-l ${option}\\b|--${option}\\b`), `${shell}: --${option}`)
  }
})

t.test('fish is told what is a subcommand of what, which values are files, and what things are', async t => {
  const script = await scriptFor('fish')
  t.match(script, "complete -c ronctl -n '__fish_seen_subcommand_from config; and not __fish_seen_subcommand_from hash check get' -a 'check' -d 'find every mistake")
  t.match(script, "complete -c ronctl -n '__fish_seen_subcommand_from provide' -F")
  t.match(script, "complete -c ronctl -n '__fish_seen_subcommand_from status' -l socket -r -F -d 'the daemon’s admin socket'")
  t.match(script, "complete -c ronctl -n '__fish_seen_subcommand_from find' -l limit -x -d 'providers to find")
})

t.test('zsh is told what each word is for', async t => {
  t.match(await scriptFor('zsh'), /^#compdef ronctl\n[^]*'status:show what the daemon is/)
})
