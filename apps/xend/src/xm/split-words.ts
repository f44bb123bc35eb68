import { CodedError } from '@paravane/core'

/** A word's pieces: plain, in single quotes, in double ones. */
const WORD = /(?:[^\s'"\\]+|\\[\s\S]|'[^']*'|"(?:[^"\\]|\\[\s\S])*")+/y
const PIECE = /\\([\s\S])|'([^']*)'|"((?:[^"\\]|\\[\s\S])*)"|[^\s'"\\]+/g

/** Words as a shell splits them, without variables and patterns. @throws CodedError `QUOTE` */
export function splitWords(line: string): readonly string[] {
  const words: string[] = []
  let at = 0
  while (true) {
    at += /^\s*/.exec(line.slice(at))?.[0].length ?? 0
    if (at === line.length || line[at] === '#') return words
    WORD.lastIndex = at
    const word = WORD.exec(line)?.[0]
    // A quote or a backslash that nothing follows ends a word, too.
    if (word === undefined) throw unclosed(line)
    at += word.length
    if (at < line.length && !/\s/.test(line[at] as string)) throw unclosed(line)
    words.push(word.replace(PIECE, (piece, escaped, single, double) => escaped ?? single ?? unescaped(double) ?? piece))
  }
}

const unescaped = (text: string | undefined): string | undefined => text?.replace(/\\(["\\])/g, '$1')

function unclosed(line: string): CodedError<{ code: string }> {
  return new CodedError({ code: 'QUOTE' }, `${line.trim()}: a quote is not closed, or nothing follows a backslash`)
}
