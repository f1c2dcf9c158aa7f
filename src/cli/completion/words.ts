import type { Command, Option } from 'commander'

/** One thing that may be typed. */
export interface Word {
  readonly word: string
  /** Empty where the word says it all. */
  readonly description: string
  /** What an option takes as the next word; absent for everything else. */
  readonly value?: 'file' | 'text'
}

/** What may follow a command. */
export interface CommandWords {
  /** The words that lead to the command: `ronctl config get`. */
  readonly path: string
  /** Subcommands, fixed values of arguments, and long options. */
  readonly words: readonly Word[]
  readonly takesFiles: boolean
}

export interface ProgramWords {
  readonly name: string
  /** The program itself first. */
  readonly commands: readonly CommandWords[]
}

/** Read from the program itself, so that a script never offers what there is not. */
export function describeWords (program: Command): ProgramWords {
  return { name: program.name(), commands: describeCommand(program, program.name()) }
}

/** The options, of any command, that take such a value. */
export function optionsTaking (value: 'file' | 'text', { commands }: ProgramWords): string[] {
  return [...new Set(commands.flatMap(({ words }) => words).filter(word => word.value === value).map(({ word }) => word))]
}

/** Text as one word of any of the three shells. */
export function quote (text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}

function describeCommand (command: Command, path: string): CommandWords[] {
  const takesFiles = command.registeredArguments.some(argument => argument.name().includes('file'))
  return [{ path, words: wordsOf(command), takesFiles }, ...command.commands.flatMap(child => describeCommand(child, `${path} ${child.name()}`))]
}

function wordsOf (command: Command): Word[] {
  const help = command.createHelp()
  return [
    ...help.visibleCommands(command).map(child => ({ word: child.name(), description: child.description() })),
    ...command.registeredArguments.flatMap(argument => argument.argChoices ?? []).map(word => ({ word, description: '' })),
    ...[...help.visibleOptions(command), ...help.visibleGlobalOptions(command)].map(describeOption),
  ]
}

function describeOption ({ long, flags, description, required }: Option): Word {
  return { word: long ?? flags, description, ...(required && { value: flags.includes('<path>') ? 'file' : 'text' }) }
}
