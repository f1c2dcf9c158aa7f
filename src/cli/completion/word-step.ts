import { optionsTaking, quote, type ProgramWords } from './words.ts'

/** What bash and zsh do with each word before the cursor: skip the values of options, and follow the subcommands. */
export function renderWordStep (program: ProgramWords): string {
  return `    if [[ -n $value ]]; then value=; continue; fi
    case "$word" in
      ${optionsTaking('file', program).join('|')}) value=file; continue ;;
      ${optionsTaking('text', program).join('|')}) value=text; continue ;;
    esac
    case "$command $word" in
      ${program.commands.slice(1).map(({ path }) => quote(path)).join('|')}) command="$command $word" ;;
    esac`
}
