/** What is worked out in a config file, as Python would: + - * % and str(), int(). */
import type { CfgValue } from './cfg-value.ts'
import { quoted } from './quoted.ts'

/** Says what is wrong with the operands, and the way out. */
export type Fail = (what: string) => never

/** Longer texts and lists are no config file's, and could be doubled line by line. */
export const MAX_LENGTH = 1 << 16
const PLACE = /%(-?)(0?)(\d{0,3})([\s\S]|$)/g
const KINDS: ReadonlyMap<CfgValue, string> = new Map<CfgValue, string>([
  ['string', 'a text'],
  ['number', 'a number'],
  ['boolean', 'True or False'],
])
const DIGITS = /^\s*[+-]?[0-9]+\s*$/

export type Operator = '+' | '-' | '*' | '%'

export function operate(operator: Operator, left: CfgValue, right: CfgValue, fail: Fail): CfgValue {
  if (operator === '%') {
    if (typeof left !== 'string') return fail(`% after ${kindOf(left)}; only a text can be filled in: 'guest%d' % 1`)
    return format(left, Array.isArray(right) ? right : [right as CfgValue], fail)
  }
  if (typeof left === 'number' && typeof right === 'number') {
    const result = operator === '+' ? left + right : operator === '-' ? left - right : left * right
    return Number.isSafeInteger(result) ? result : fail(`${left} ${operator} ${right} is too large`)
  }
  if (operator === '+') {
    if (typeof left === 'string' && typeof right === 'string') return limited(left + right, fail)
    if (Array.isArray(left) && Array.isArray(right)) return limited([...left, ...right], fail)
  }
  const remedy = typeof left === 'string' || typeof right === 'string' ? '; write str(...) or int(...) around one' : ''
  return fail(`${kindOf(left)} ${operator} ${kindOf(right)} cannot be worked out${remedy}`)
}

type CfgFunction = (value: CfgValue, fail: Fail) => CfgValue

/** The functions a config file may call. */
export const FUNCTIONS: ReadonlyMap<string, CfgFunction> = new Map<string, CfgFunction>([
  ['str', textOf],
  ['int', integerOf],
])

function textOf(value: CfgValue, fail: Fail): string {
  if (typeof value === 'string' || typeof value === 'number') return String(value)
  return fail(`str() takes a text or a number, not ${kindOf(value)}`)
}

function integerOf(value: CfgValue, fail: Fail): number {
  const number = typeof value === 'string' && DIGITS.test(value) ? Number(value) : value
  if (typeof number === 'number' && Number.isSafeInteger(number)) return number
  return fail(`${typeof value === 'string' ? quoted(value) : kindOf(value)} is no whole number; give one`)
}

/** Python's `%` with the conversions that config files use; a text of digits will do for %d, as arguments are texts. */
function format(pattern: string, values: readonly CfgValue[], fail: Fail): string {
  let next = 0
  const text = pattern.replace(PLACE, (whole, left: string, zero: string, width: string, conversion: string) => {
    if (conversion === '%') return '%'
    if (!Object.hasOwn(CONVERSIONS, conversion)) {
      return fail(`${quoted(whole)} is not known in a text that is filled in; write %s, %d, %x, %X, %o or %%`)
    }
    if (next >= values.length) return fail(`the text has more places than the ${values.length} values after %`)
    const value = values[next++] as CfgValue
    const shown = (CONVERSIONS as Conversions)[conversion]?.(value, fail) ?? ''
    if (left !== '') return shown.padEnd(Number(width))
    if (zero === '' || conversion === 's') return shown.padStart(Number(width))
    const sign = shown.startsWith('-') ? '-' : ''
    return sign + shown.slice(sign.length).padStart(Number(width) - sign.length, '0')
  })
  if (next < values.length) return fail(`the text has ${next} places for the ${values.length} values after %`)
  return limited(text, fail)
}

type Conversions = Readonly<Record<string, (value: CfgValue, fail: Fail) => string>>
const CONVERSIONS: Conversions = {
  s: textOf,
  d: (value, fail) => String(integerOf(value, fail)),
  i: (value, fail) => String(integerOf(value, fail)),
  x: (value, fail) => integerOf(value, fail).toString(16),
  X: (value, fail) => integerOf(value, fail).toString(16).toUpperCase(),
  o: (value, fail) => integerOf(value, fail).toString(8),
}

function limited<T extends string | readonly CfgValue[]>(value: T, fail: Fail): T {
  return value.length > MAX_LENGTH ? fail(`a value of more than ${MAX_LENGTH} parts; write it shorter`) : value
}

function kindOf(value: CfgValue): string {
  return KINDS.get(typeof value) ?? (value === null ? 'None' : Array.isArray(value) ? 'a list' : 'a dict')
}
