/** What makes a shell ask xm itself: it knows its commands, and asks xend for domains. */

const BASH = `# bash completion of xm
_xm() {
  local reply
  mapfile -t reply < <("\${COMP_WORDS[0]}" completion words -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  if [[ \${reply[0]} == :file ]]; then
    compopt -o filenames
    mapfile -t COMPREPLY < <(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}")
  else
    COMPREPLY=("\${reply[@]%%$'\\t'*}")
  fi
}
complete -F _xm xm
`

const ZSH = `#compdef xm
# zsh completion of xm
_xm() {
  local -a answer
  answer=("\${(@f)$("$words[1]" completion words -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ $answer[1] == :file ]]; then
    _files
  elif [[ -n $answer[1] ]]; then
    compadd -- "\${(@)answer%%$'\\t'*}"
  fi
}
compdef _xm xm
`

const FISH = `# fish completion of xm
function __xm_complete
  set -l before (commandline -opc)
  set -l typed (commandline -ct)
  set -l answer ($before[1] completion words -- $before[2..-1] "$typed" 2>/dev/null)
  if test "$answer[1]" = :file
    __fish_complete_path "$typed"
  else if test -n "$answer[1]"
    printf '%s\\n' $answer
  end
end
complete -c xm -f -a '(__xm_complete)'
`

export const COMPLETION_SCRIPTS: Readonly<Record<string, string>> = { bash: BASH, zsh: ZSH, fish: FISH }
