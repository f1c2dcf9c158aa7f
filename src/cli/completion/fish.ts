import { quote, type CommandWords, type ProgramWords } from './words.ts'

/** A completion script for fish. */
export function renderFish ({ name, commands, valueOptions }: ProgramWords): string {
  return [
    `# fish completion for ${name}: ${name} completion fish | source`,
    `complete -c ${name} -f`,
    ...commands.flatMap(command => renderCommand(name, command, commands)),
    ...valueOptions.map(({ flag, isFile }) => `complete -c ${name} -l ${flag.slice(2)} -x${isFile ? "a '(__fish_complete_path)'" : ''}`),
  ].join('\n') + '\n'
}

function renderCommand (name: string, { path, words, takesFiles }: CommandWords, commands: readonly CommandWords[]): string[] {
  const condition = quote(toCondition(path, commands))
  return [
    ...words.map(({ word, description }) => {
      const what = word.startsWith('--') ? `-l ${word.slice(2)}` : `-a ${quote(word)}`
      return `complete -c ${name} -n ${condition} ${what}${description === '' ? '' : ` -d ${quote(description)}`}`
    }),
    ...(takesFiles ? [`complete -c ${name} -n ${condition} -F`] : []),
  ]
}

/** True in fish when every word of the path was given and none of its subcommands. */
function toCondition (path: string, commands: readonly CommandWords[]): string {
  const seen = path.split(' ').slice(1).map(word => `__fish_seen_subcommand_from ${word}`)
  const children = commands.filter(command => command.path.startsWith(`${path} `)).map(command => command.path.slice(path.length + 1)).filter(word => !word.includes(' '))
  const unseen = children.length > 0 ? [`not __fish_seen_subcommand_from ${children.join(' ')}`] : []
  return [...seen, ...unseen].join('; and ')
}
