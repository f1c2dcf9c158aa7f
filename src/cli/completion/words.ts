import type { Command, Option } from 'commander'

/** What may follow a command, read from the program itself, so that a script never offers what there is not. */
export interface CommandWords {
  /** The words that lead to the command: `ronctl config get`. */
  readonly path: string
  /** Subcommands, long options and the fixed values of arguments. */
  readonly words: ReadonlyArray<{ readonly word: string, readonly description: string }>
  readonly takesFiles: boolean
}

export interface ProgramWords {
  readonly name: string
  readonly commands: readonly CommandWords[]
  /** Options that take the next word as their value, of any command. */
  readonly valueOptions: ReadonlyArray<{ readonly flag: string, readonly isFile: boolean }>
}

export function describeWords (program: Command): ProgramWords {
  const commands = eachCommand(program, program.name())
  const options = new Map(commands.flatMap(({ command }) => optionsOf(command)).map(option => [option.long, option]))
  return {
    name: program.name(),
    commands: commands.map(({ command, path }) => ({ path, words: wordsOf(command), takesFiles: command.registeredArguments.some(argument => argument.name().includes('file')) })),
    valueOptions: [...options.values()].filter(option => option.required || option.optional).map(option => ({ flag: option.long ?? '', isFile: option.flags.includes('<path>') })),
  }
}

/** Text as one word of any of the three shells. */
export function quote (text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}

function eachCommand (command: Command, path: string): Array<{ command: Command, path: string }> {
  return [{ command, path }, ...command.commands.flatMap(child => eachCommand(child, `${path} ${child.name()}`))]
}

function wordsOf (command: Command): CommandWords['words'] {
  const help = command.createHelp()
  return [
    ...help.visibleCommands(command).map(child => ({ word: child.name(), description: child.description() })),
    ...command.registeredArguments.flatMap(argument => argument.argChoices ?? []).map(word => ({ word, description: '' })),
    ...optionsOf(command).map(option => ({ word: option.long ?? '', description: option.description })),
  ]
}

/** The command's own options and those that every command inherits. */
function optionsOf (command: Command): Option[] {
  const help = command.createHelp()
  return [...help.visibleOptions(command), ...help.visibleGlobalOptions(command)].filter(option => option.long !== undefined)
}
