import { renderWordStep } from './word-step.ts'
import { quote, type ProgramWords } from './words.ts'

/** A completion script for bash 3.2 and newer. */
export function renderBash (program: ProgramWords): string {
  const { name, commands } = program
  const offers = commands.map(({ path, words, takesFiles }) =>
    `    ${quote(path)}) words=${quote(words.map(({ word }) => word).join(' '))}; files=${takesFiles ? 'yes' : ''} ;;`)
  return `# bash completion for ${name}: source <(${name} completion bash)
_${name}() {
  local current="\${COMP_WORDS[COMP_CWORD]}" command=${name} word words= files= value=
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    if [[ $word == = ]]; then continue; fi
${renderWordStep(program)}
  done
  COMPREPLY=()
  case "$value" in
    text) return ;;
    file) files=yes ;;
    *) case "$command" in
${offers.join('\n')}
    esac ;;
  esac
  local IFS=$'\\n'
  COMPREPLY=($(IFS=' '; compgen -W "$words" -- "$current"))
  if [[ -n $files ]]; then
    compopt -o filenames 2>/dev/null
    COMPREPLY+=($(compgen -f -- "$current"))
  fi
}
complete -F _${name} ${name}
`
}
