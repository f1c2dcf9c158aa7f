import { renderWordStep } from './word-step.ts'
import { quote, type ProgramWords } from './words.ts'

/** A completion script for zsh. */
export function renderZsh (program: ProgramWords): string {
  const { name, commands } = program
  const offers = commands.map(({ path, words, takesFiles }) => {
    const entries = words.map(({ word, description }) => quote(description === '' ? word : `${word}:${description}`)).join(' ')
    return `      ${quote(path)}) offers=(${entries}); files=${takesFiles ? 'yes' : ''} ;;`
  })
  return `#compdef ${name}
# zsh completion for ${name}: source <(${name} completion zsh)
_${name}() {
  local command=${name} word files= value=
  local -a offers
  for word in "\${(@)words[2,CURRENT-1]}"; do
${renderWordStep(program)}
  done
  case "$value" in
    text) return 1 ;;
    file) files=yes ;;
    *) case "$command" in
${offers.join('\n')}
    esac ;;
  esac
  (( \${#offers} )) && _describe ${quote(name)} offers
  [[ -n $files ]] && _files
}
compdef _${name} ${name}
`
}
