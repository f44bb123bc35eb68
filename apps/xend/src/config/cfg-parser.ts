import { type CfgToken, cfgSyntaxError, lexCfg } from './cfg-lexer.ts'
import { FUNCTIONS, MAX_LENGTH, type Operator, operate } from './cfg-operations.ts'
import type { CfgDict, CfgValue } from './cfg-value.ts'

export interface CfgAssignment {
  readonly key: string
  readonly value: CfgValue
  /** Line of the name, counted from 1. */
  readonly line: number
}

export interface CfgFile {
  readonly assignments: readonly CfgAssignment[]
  /** Names whose values were read in others' values. */
  readonly read: ReadonlySet<string>
}

const WORDS: ReadonlyMap<string, CfgValue> = new Map<string, CfgValue>([
  ['None', null],
  ['True', true],
  ['False', false],
])
const INTEGER = /^(?:0+(?:_?0)*|[1-9](?:_?[0-9])*|0[xX](?:_?[0-9A-Fa-f])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+)$/
/** Deeper nesting is no config file, and would use up the stack. */
const MAX_DEPTH = 32
const MAX_CHARACTERS = 1 << 20
const NOT_EXECUTED = 'config files are read, never executed; write the value itself'
const SUMS: ReadonlySet<string> = new Set<Operator>(['+', '-'])
const PRODUCTS: ReadonlySet<string> = new Set<Operator>(['*', '%'])

/**
 * The assignments of a classic `xm` config file, in order: `name = value` with Python's literals. Python is not executed:
 * of what would have to be computed only sums, products, texts filled in with `%` and str(), int() of what stands above are.
 *
 * @param file for messages, which begin with `file:line:`
 * @param given variables from elsewhere, which hold against the file's own
 * @throws CodedError `CONFIG_SYNTAX`
 */
export function parseCfg(text: string, file: string, given: ReadonlyMap<string, CfgValue> = new Map()): CfgFile {
  if (text.length > MAX_CHARACTERS) throw cfgSyntaxError(file, 1, 'more than a million characters are no config file')
  return new CfgParser(lexCfg(text, file), file, given).parse()
}

class CfgParser {
  readonly #tokens: readonly CfgToken[]
  readonly #file: string
  readonly #given: ReadonlyMap<string, CfgValue>
  readonly #assigned = new Map<string, CfgValue>()
  readonly #read = new Set<string>()
  #next = 0

  constructor(tokens: readonly CfgToken[], file: string, given: ReadonlyMap<string, CfgValue>) {
    this.#tokens = tokens
    this.#file = file
    this.#given = given
  }

  parse(): CfgFile {
    const assignments: CfgAssignment[] = []
    while (this.#peek().kind !== 'end') {
      if (this.#peek().kind === 'newline' || this.#isNext(';')) this.#next++
      else assignments.push(this.#assignment())
    }
    return { assignments, read: this.#read }
  }

  #assignment(): CfgAssignment {
    const name = this.#take()
    if (name.kind !== 'name') this.#fail(name, `${shown(name)} where a line should begin with name = value`)
    const equals = this.#take()
    if (equals.text !== '=' || equals.kind !== 'punctuation') {
      this.#fail(name, `"${name.text} ${shown(equals)}" is no assignment name = value; ${NOT_EXECUTED}`)
    }
    const value = this.#value(0)
    const after = this.#peek()
    if (after.kind !== 'newline' && !this.#isNext(';')) {
      this.#fail(after, `${shown(after)} after the value of ${name.text}; ${NOT_EXECUTED}`)
    }
    if (!fits(value)) this.#fail(name, `${name.text} has a value of more than ${MAX_LENGTH} parts; write it shorter`)
    this.#assigned.set(name.text, value)
    return { key: name.text, value, line: name.line }
  }

  #value(depth: number): CfgValue {
    return this.#operations(SUMS, () => this.#operations(PRODUCTS, () => this.#operand(depth)))
  }

  /** From left to right. */
  #operations(operators: ReadonlySet<string>, operand: () => CfgValue): CfgValue {
    let value = operand()
    while (this.#peek().kind === 'punctuation' && operators.has(this.#peek().text)) {
      const sign = this.#take()
      value = operate(sign.text as Operator, value, operand(), (what) => this.#fail(sign, what))
    }
    return value
  }

  #operand(depth: number): CfgValue {
    const token = this.#take()
    if (depth > MAX_DEPTH) this.#fail(token, `brackets nested more than ${MAX_DEPTH} deep; write it flatter`)
    switch (token.kind) {
      case 'string':
        return this.#adjacentStrings(token.text)
      case 'number':
        return this.#integer(token, 1)
      case 'name':
        return this.#named(token, depth)
      case 'punctuation':
        if (token.text === '[') return this.#list(']', depth)
        if (token.text === '{') return this.#dict(depth)
        if (token.text === '(') return this.#parenthesised(depth)
        if (token.text === '-' && this.#peek().kind === 'number') return this.#integer(this.#take(), -1)
    }
    return this.#fail(token, `${shown(token)} where a value should be; write a string, a number, a list or a dict`)
  }

  #named(token: CfgToken, depth: number): CfgValue {
    const { text: name } = token
    const word = WORDS.get(name)
    if (word !== undefined) return word
    if (this.#accept('(')) {
      const call = FUNCTIONS.get(name)
      if (call === undefined) this.#fail(token, `${name}(...) is a call; ${NOT_EXECUTED}`)
      const value = this.#value(depth + 1)
      this.#demand(')', ')')
      return call(value, (what) => this.#fail(token, what))
    }
    const value = this.#given.get(name) ?? this.#assigned.get(name)
    if (value === undefined) {
      this.#fail(token, `${name} has no value here; assign it above, give ${name}=VALUE as an argument, or quote it`)
    }
    this.#read.add(name)
    return value
  }

  #adjacentStrings(first: string): string {
    let joined = first
    while (this.#peek().kind === 'string') joined += this.#take().text
    return joined
  }

  #integer(token: CfgToken, sign: 1 | -1): number {
    const value = INTEGER.test(token.text) ? Number(token.text.replaceAll('_', '')) : Number.NaN
    if (!Number.isSafeInteger(value)) this.#fail(token, `${token.text} is no whole number that can be used here`)
    return value === 0 ? 0 : sign * value
  }

  #list(close: string, depth: number, elements: CfgValue[] = []): CfgValue[] {
    while (!this.#accept(close)) {
      elements.push(this.#value(depth + 1))
      if (!this.#isNext(close)) this.#demand(',', `, or ${close}`)
    }
    return elements
  }

  /** One value in parentheses is that value; with a comma it is a tuple. */
  #parenthesised(depth: number): CfgValue {
    if (this.#accept(')')) return []
    const first = this.#value(depth + 1)
    if (this.#accept(')')) return first
    this.#demand(',', ', or )')
    return this.#list(')', depth, [first])
  }

  #dict(depth: number): CfgDict {
    const entries = new Map<string | number, CfgValue>()
    while (!this.#accept('}')) {
      const at = this.#peek()
      const key = this.#value(depth + 1)
      if (typeof key !== 'string' && typeof key !== 'number') {
        this.#fail(at, 'a key of a dict that is neither a string nor a number')
      }
      this.#demand(':', ': and the value of the key')
      entries.set(key, this.#value(depth + 1))
      if (!this.#isNext('}')) this.#demand(',', ', or }')
    }
    return entries
  }

  #demand(character: string, expected: string): void {
    if (!this.#accept(character)) this.#fail(this.#peek(), `${shown(this.#peek())} where there should be ${expected}`)
  }

  #accept(character: string): boolean {
    const is = this.#isNext(character)
    if (is) this.#next++
    return is
  }

  #isNext(character: string): boolean {
    const { kind, text } = this.#peek()
    return kind === 'punctuation' && text === character
  }

  /** The last token, `end`, is never passed. */
  #take(): CfgToken {
    const token = this.#peek()
    if (token.kind !== 'end') this.#next++
    return token
  }

  #peek(): CfgToken {
    return this.#tokens[this.#next]
  }

  #fail(token: CfgToken, what: string): never {
    throw cfgSyntaxError(this.#file, token.line, what)
  }
}

function shown({ kind, text }: CfgToken): string {
  if (kind === 'end') return 'the end of the file'
  if (kind === 'newline') return 'the end of the line'
  if (kind === 'string') return 'a string'
  return CONTROL.test(text) ? `the character U+${text.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}` : text
}

/** Whether a value, with all that is in it, is of a size that a config file may have. */
function fits(value: CfgValue): boolean {
  let left = MAX_LENGTH
  const count = (part: CfgValue, depth: number): void => {
    left -= typeof part === 'string' ? part.length : 1
    if (depth > MAX_DEPTH) left = -1
    if (typeof part !== 'object' || part === null || left < 0) return
    for (const inner of Array.isArray(part) ? part : (part as CfgDict).values()) {
      if (left < 0) return
      count(inner, depth + 1)
    }
  }
  count(value, 0)
  return left >= 0
}

/** C0, DEL and C1: from a file they would tell the terminal what to do. */
const CONTROL = /^\p{Cc}$/u
