/**
 * Parses GRUB's script language as far as its configurations use it (GRUB manual, "Writing full configuration files"): words with
 * quotes and variables, blocks in braces, `if` and `function`. Loops are left out. Its input is a guest's: depth and number of
 * commands are bounded, and what does not parse ends the parsing, not the program.
 */

/** A piece of a word: text as it stands, or a variable; what is quoted is not split at blanks. */
export interface Piece {
  readonly text?: string
  readonly variable?: string
  readonly quoted: boolean
}
export type Word = readonly Piece[]

export type Command =
  | { readonly kind: 'simple'; readonly words: readonly Word[]; readonly block?: readonly Command[] }
  | { readonly kind: 'if'; readonly branches: readonly Branch[]; readonly otherwise: readonly Command[] }

export interface Branch {
  readonly condition: readonly Command[]
  readonly body: readonly Command[]
}

type Token = Word | 'end'

const MOST_COMMANDS = 20_000
const DEEPEST = 32
const BLANK = /[ \t\r]/
const VARIABLE = /\$(?:\{([^}\n]{1,100})\}|([A-Za-z_][A-Za-z0-9_]{0,99}|[0-9?#@*]))/y

export function parseGrubScript(text: string): readonly Command[] {
  return new Parser(tokensOf(text)).commands(() => false)
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = []
  let word: Piece[] | undefined
  const endWord = (): void => {
    if (word !== undefined) tokens.push(word)
    word = undefined
  }
  const add = (piece: Piece): void => {
    word ??= []
    const last = word.at(-1)
    if (last?.text !== undefined && piece.text !== undefined && last.quoted === piece.quoted) {
      word[word.length - 1] = { text: last.text + piece.text, quoted: piece.quoted }
    } else word.push(piece)
  }
  /** @returns where it goes on */
  const variable = (at: number, quoted: boolean): number => {
    VARIABLE.lastIndex = at
    const match = VARIABLE.exec(text)
    if (match === null) add({ text: '$', quoted })
    else add({ variable: match[1] ?? match[2], quoted })
    return at + (match?.[0].length ?? 1)
  }
  for (let at = 0; at < text.length; ) {
    const char = text[at]
    if (char === '\\') {
      // Before the end of a line it joins two.
      if (text[at + 1] !== '\n') add({ text: text[at + 1] ?? '', quoted: true })
      at += 2
    } else if (char === "'") {
      const end = text.indexOf("'", at + 1)
      add({ text: text.slice(at + 1, end < 0 ? undefined : end), quoted: true })
      at = end < 0 ? text.length : end + 1
    } else if (char === '"') {
      add({ text: '', quoted: true })
      at++
      while (at < text.length && text[at] !== '"') {
        if (text[at] === '$') at = variable(at, true)
        else {
          const isEscape = text[at] === '\\' && /["$\\]/.test(text[at + 1] ?? '')
          if (isEscape) at++
          add({ text: text[at++], quoted: true })
        }
      }
      at++
    } else if (char === '$') at = variable(at, false)
    else if (BLANK.test(char)) {
      endWord()
      at++
    } else if (char === '\n' || char === ';' || char === '&' || char === '|') {
      endWord()
      tokens.push('end')
      at++
    } else if (char === '#' && word === undefined) {
      const end = text.indexOf('\n', at)
      at = end < 0 ? text.length : end
    } else {
      add({ text: char, quoted: false })
      at++
    }
  }
  endWord()
  return tokens
}

/** A word that stands for itself: `if`, `{`. */
const keyword = (token: Token | undefined): string | undefined =>
  token !== undefined && token !== 'end' && token.length === 1 && !token[0].quoted ? token[0].text : undefined

class Parser {
  readonly #tokens: readonly Token[]
  #at = 0
  #count = 0
  #depth = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  /** Up to a command that `ends`, which is left, or the end. */
  commands(ends: (word: string) => boolean): Command[] {
    const found: Command[] = []
    if (++this.#depth > DEEPEST) this.#at = this.#tokens.length
    while (this.#at < this.#tokens.length && ++this.#count <= MOST_COMMANDS) {
      const token = this.#tokens[this.#at]
      const word = keyword(token)
      if (token === 'end') this.#at++
      else if (word !== undefined && ends(word)) break
      else if (word === 'if') found.push(this.#if())
      else if (word === 'for' || word === 'while' || word === 'until') this.#skipLoop()
      else found.push(this.#simple())
    }
    this.#depth--
    return found
  }

  #simple(): Command {
    const words: Word[] = []
    for (;;) {
      const token = this.#tokens[this.#at]
      if (token === undefined || token === 'end') return { kind: 'simple', words }
      const word = keyword(token)
      if (word === '{') {
        this.#at++
        const block = this.commands((end) => end === '}')
        this.#at++
        return { kind: 'simple', words, block }
      }
      // A block may end on the line of its last command.
      if (word === '}') {
        if (words.length === 0) this.#at++
        return { kind: 'simple', words }
      }
      words.push(token)
      this.#at++
    }
  }

  #if(): Command {
    const branches: Branch[] = []
    let otherwise: readonly Command[] = []
    const isPart = (word: string): boolean => word === 'elif' || word === 'else' || word === 'fi'
    this.#at++
    for (;;) {
      const condition = this.commands((word) => word === 'then' || isPart(word))
      this.#take('then')
      branches.push({ condition, body: this.commands(isPart) })
      if (this.#take('elif')) continue
      if (this.#take('else')) otherwise = this.commands((word) => word === 'fi')
      this.#take('fi')
      return { kind: 'if', branches, otherwise }
    }
  }

  #skipLoop(): void {
    this.#at++
    this.commands((word) => word === 'do')
    this.#take('do')
    this.commands((word) => word === 'done')
    this.#take('done')
  }

  #take(word: string): boolean {
    const isThere = keyword(this.#tokens[this.#at]) === word
    if (isThere) this.#at++
    return isThere
  }
}
