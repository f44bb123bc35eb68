/** As much of a shell's grammar as pages use: commands as words, without redirections, assignments and comments. */

/** The simple commands of a script, one for each part of a pipeline. A line that ends in `\` goes on. */
export function simpleCommands(script: string): string[][] {
  return script
    .replaceAll('\\\n', ' ')
    .split('\n')
    .flatMap((line) => commandsOf(line.trim()))
    .filter((words) => words.length > 0)
}

const TOKEN = /\s+|#.*$|"((?:[^"\\]|\\.)*)"|'([^']*)'|(\|\||&&|[|;&]|\d?>>?&?\d?|<)|([^\s"'|;&<>]+)/y

function commandsOf(line: string): string[][] {
  const commands: string[][] = [[]]
  let word: string | undefined
  let isTarget = false
  const end = (): void => {
    if (word !== undefined && !isTarget && !(/^\w+=/.test(word) && commands.at(-1)?.length === 0)) {
      commands.at(-1)?.push(word)
    }
    if (word !== undefined) isTarget = false
    word = undefined
  }
  TOKEN.lastIndex = 0
  while (TOKEN.lastIndex < line.length) {
    const at = TOKEN.lastIndex
    const match = TOKEN.exec(line)
    if (match === null) throw new Error(`a shell's line that is not understood: ${line.slice(at)}`)
    const [all, double, single, operator, plain] = match
    // A # inside a word begins no comment.
    if (all.startsWith('#') && word !== undefined) {
      word += '#'
      TOKEN.lastIndex = at + 1
    } else if (operator !== undefined) {
      end()
      if (/[<>]/.test(operator)) isTarget = !operator.includes('&')
      else commands.push([])
    } else if (double !== undefined || single !== undefined || plain !== undefined) {
      word = (word ?? '') + (double ?? single ?? plain)
    } else end()
  }
  end()
  return commands
}
