import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import t from 'tap'
import type { Host } from '../../src/cli/host.ts'
import { createProgram } from '../../src/cli/program.ts'

const README = readFileSync(new URL('../../src/cli/README.md', import.meta.url), 'utf8')
const silent = { write: () => {}, isTerminal: false, columns: 80 }
const program = createProgram({ stdout: silent, stderr: silent, version: '0.0.0' } as unknown as Host, () => async () => {})

/** Every command that does something, as the words that lead to it. */
function commandsOf (command: Command, path: readonly string[] = []): Array<readonly string[]> {
  return command.commands.flatMap(child => {
    const words = [...path, child.name()]
    return child.commands.length > 0 ? commandsOf(child, words) : [words]
  })
}

const COMMANDS = commandsOf(program)
const hasWord = (text: string, word: string): boolean => text.split(/[^\w-]+/).includes(word)

t.test('the page of ronctl names every command, and none that there is not', async t => {
  t.ok(COMMANDS.length > 70, `${COMMANDS.length} commands`)
  const lines = README.split('\n').filter(line => line.startsWith('ronctl '))
  for (const words of COMMANDS) {
    const group = `ronctl ${words.slice(0, -1).map(word => `${word} `).join('')}`
    t.ok(lines.some(line => line.startsWith(group) && hasWord(line.slice(group.length), words.at(-1) ?? '')), words.join(' '))
  }
  const first = new Set(COMMANDS.map(([word]) => word))
  for (const line of lines) t.ok(first.has(line.split(' ')[1]), line)
})

/** Whether a cell such as `governance override list`, `charter …` is about the command. */
function isAbout (codes: readonly string[], words: readonly string[]): boolean {
  const [first, group, last = ''] = [words[0], words.at(-2), words.at(-1)]
  if (words.length > 1 && codes[0]?.split(' ')[0] !== first) return false
  return codes.some(code => {
    const parts = code.replace(/ <\w+>$/, '').split(' ')
    const [before, end = ''] = [parts.at(-2), parts.at(-1)]
    return end === '…' ? before === group : end.endsWith('…') ? last.startsWith(end.slice(0, -1)) : end === last
  })
}

t.test('the page says what --json prints of every command that answers', async t => {
  const cells = [...README.matchAll(/^\| (`[^|]+`) \|/gm)].map(([, cell = '']) => [...cell.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code))
  for (const words of COMMANDS.filter(([word]) => word !== 'completion')) t.ok(cells.some(codes => isAbout(codes, words)), words.join(' '))
})
