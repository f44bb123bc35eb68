import { CodedError } from '@paravane/core'

/** What a config file is made of. `punctuation` is one character, known or not: the parser says what is wrong with it. */
export interface CfgToken {
  readonly kind: 'name' | 'number' | 'string' | 'punctuation' | 'newline' | 'end'
  /** As written; of a string, its value. */
  readonly text: string
  /** Counted from 1. */
  readonly line: number
}

export type CfgSyntaxError = CodedError<{ code: 'CONFIG_SYNTAX'; file: string; line: number }>

export function cfgSyntaxError(file: string, line: number, what: string): CfgSyntaxError {
  return new CodedError({ code: 'CONFIG_SYNTAX', file, line }, `${file}:${line}: ${what}`)
}

const BLANK = /(?:[ \t\r\f]|#[^\n]*|\\\r?\n)+/y
const NAME = /[A-Za-z_][A-Za-z0-9_]*/y
const NUMBER = /[0-9][A-Za-z0-9_.]*/y
const STRING = /([A-Za-z]{0,2})("""|'''|"|')/y
const RAW = /^[uU]?[rR]?$|^[rR][uU]$/
const ESCAPE = /\\(?:(\r?\n)|x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|([0-7]{1,3})|([\s\S]))/g
const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
}
const OPENING = '([{'
const CLOSING = ')]}'
const MAX_CODE_POINT = 0x10ffff

/** Splits the text of a config file by Python's rules; line ends inside brackets are dropped. @throws CfgSyntaxError */
export function lexCfg(text: string, file: string): CfgToken[] {
  const tokens: CfgToken[] = []
  let at = text.startsWith('\ufeff') ? 1 : 0
  let line = 1
  let depth = 0
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at
    const match = pattern.exec(text)
    if (match !== null) at = pattern.lastIndex
    return match
  }
  const countLines = (from: number): void => {
    for (let i = from; i < at; i++) if (text[i] === '\n') line++
  }
  while (at < text.length) {
    const start = at
    const first = line
    const push = (kind: CfgToken['kind'], value: string): void => {
      tokens.push({ kind, text: value, line: first })
    }
    const opening = take(STRING)
    if (opening !== null) {
      push('string', takeString(opening[1], opening[2]))
    } else if (take(BLANK) === null) {
      const word = take(NAME)
      const digits = word ?? take(NUMBER)
      if (word !== null) push('name', word[0])
      else if (digits !== null) push('number', digits[0])
      else takeCharacter(push)
    }
    countLines(start)
  }
  tokens.push({ kind: 'newline', text: '\n', line }, { kind: 'end', text: '', line })
  return tokens

  function takeCharacter(push: (kind: CfgToken['kind'], value: string) => void): void {
    const character = String.fromCodePoint(text.codePointAt(at) ?? 0)
    at += character.length
    if (OPENING.includes(character)) depth++
    if (CLOSING.includes(character)) depth = Math.max(0, depth - 1)
    if (character !== '\n') push('punctuation', character)
    else if (depth === 0) push('newline', '\n')
  }

  function takeString(prefix: string, quote: string): string {
    if (!RAW.test(prefix)) {
      throw cfgSyntaxError(file, line, `a string with the prefix ${prefix}; write an ordinary one, between quotes`)
    }
    const start = at
    for (;;) {
      if (at >= text.length || (quote.length === 1 && text[at] === '\n')) {
        throw cfgSyntaxError(file, line, `a string that does not end; close it with ${quote}`)
      }
      if (text.startsWith(quote, at)) break
      at += text[at] === '\\' ? 2 : 1
    }
    const content = text.slice(start, at)
    at += quote.length
    return /r/i.test(prefix) ? content : content.replace(ESCAPE, unescaped)
  }

  function unescaped(whole: string, ...groups: (string | undefined)[]): string {
    const [joined, byte, short, long, octal, letter] = groups
    if (joined !== undefined) return ''
    if (letter !== undefined) return SHORT_ESCAPES[letter] ?? whole
    const code = octal === undefined ? Number.parseInt(byte ?? short ?? long ?? '', 16) : Number.parseInt(octal, 8)
    if (code > MAX_CODE_POINT) throw cfgSyntaxError(file, line, `${whole} is no character; write one up to \\U0010ffff`)
    return String.fromCodePoint(code)
  }
}
