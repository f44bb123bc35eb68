/** A command as lines for any POSIX shell: short, of plain characters, and framed by marks that only its output contains. */

/** Two words that a guest's output does not have side by side by chance. */
export interface Marks {
  readonly first: string
  readonly second: string
}

/** Of the text between quotes; a terminal's line has room for 255 characters at the least, an editor's for about 1000. */
const PIECE_MAX = 600
/** What `printf` and every line editor take as it is. */
const PLAIN = /^[A-Za-z0-9 _.,:=+@/]$/

/** The lines that, one after another, run `command` as a script of its own; the last one's status is the command's. */
export function commandLines(command: string): string[] {
  const pieces = piecesOf(command)
  const [only] = pieces
  if (pieces.length === 1) return [script(`$(printf '${only}')`)]
  return [
    '_paravane=',
    // A dot at the end, as the shell takes away the newlines there.
    ...pieces.map((piece) => `_paravane=$_paravane$(printf '${piece}.'); _paravane=\${_paravane%.}`),
    script('$_paravane'),
  ]
}

/**
 * Its input is empty: it would be the console, where the next command is typed. With a trap it ends by a Ctrl-C when the program
 * that it waits for has, and not before: what that one still writes does not come after the end.
 */
const script = (text: string): string => `(trap 'exit 130' INT; eval "${text}") </dev/null`

/** The line between two marks, neither of which the echo of it contains. */
export function framed(line: string, { first, second }: Marks): string {
  return `printf '%s%s:' ${first} ${second}; ${line}; printf '%s%s:%s:' ${second} ${first} $?`
}

function piecesOf(command: string): string[] {
  const pieces = ['']
  for (const byte of Buffer.from(command)) {
    const character = String.fromCharCode(byte)
    const safe = PLAIN.test(character) ? character : `\\${byte.toString(8).padStart(3, '0')}`
    if ((pieces.at(-1) as string).length + safe.length > PIECE_MAX) pieces.push('')
    pieces.push(`${pieces.pop()}${safe}`)
  }
  return pieces
}
