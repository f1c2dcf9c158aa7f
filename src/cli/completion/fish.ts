import { quote, type CommandWords, type ProgramWords, type Word } from './words.ts'

/** A completion script for fish. */
export function renderFish ({ name, commands }: ProgramWords): string {
  const lines = commands.flatMap(command => {
    const start = `complete -c ${name} -n ${quote(toCondition(command, commands))}`
    return [
      ...command.words.map(word => `${start} ${toArguments(word)}`),
      ...(command.takesFiles ? [`${start} -F`] : []),
    ]
  })
  return [`# fish completion for ${name}: ${name} completion fish | source`, `complete -c ${name} -f`, ...lines].map(line => `${line}\n`).join('')
}

function toArguments ({ word, description, value }: Word): string {
  const what = word.startsWith('--') ? `-l ${word.slice(2)}` : `-a ${quote(word)}`
  const taken = value === undefined ? '' : value === 'file' ? ' -r -F' : ' -x'
  return `${what}${taken}${description === '' ? '' : ` -d ${quote(description)}`}`
}

/** True in fish when every word of the path was given and none of its subcommands. */
function toCondition ({ path }: CommandWords, commands: readonly CommandWords[]): string {
  const given = path.split(' ').slice(1).map(word => `__fish_seen_subcommand_from ${word}`)
  const below = commands.filter(command => command.path.startsWith(`${path} `)).map(command => command.path.slice(path.length + 1))
  const children = below.filter(rest => !rest.includes(' '))
  return [...given, ...(children.length > 0 ? [`not __fish_seen_subcommand_from ${children.join(' ')}`] : [])].join('; and ')
}
