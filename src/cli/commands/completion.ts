import { Argument, type Command } from 'commander'
import { describeWords } from '../completion/words.ts'
import { renderBash } from '../completion/bash.ts'
import { renderFish } from '../completion/fish.ts'
import { renderZsh } from '../completion/zsh.ts'
import type { Run } from '../session.ts'

const SHELLS = { bash: renderBash, zsh: renderZsh, fish: renderFish }

const NOTES = `
  bash   source <(ronctl completion bash)
  zsh    source <(ronctl completion zsh)
  fish   ronctl completion fish | source
Put the line into the shell's startup file to have it in every session.`

export function addCompletion (program: Command, run: Run): void {
  program.command('completion')
    .description('print a script that completes ronctl’s commands and options in a shell')
    .addArgument(new Argument('<shell>', 'the shell').choices(Object.keys(SHELLS)))
    .addHelpText('after', NOTES)
    .action(run(async ({ host }, shell: keyof typeof SHELLS) => {
      host.stdout.write(SHELLS[shell](describeWords(program)))
      return 'ok'
    }))
}
