/** The kinds of values that keys of a config file take. */
import type { CfgValue } from './cfg-value.ts'

/** `read` answers undefined for what is of another kind. */
export interface KeyType<T> {
  /** For messages and the list of keys: "a whole number from 1 to 64". */
  readonly expected: string
  read(value: CfgValue): T | undefined
}

/** Whole numbers, also written as strings, as xm takes them. */
export function wholeNumber(min: number, max: number): KeyType<number> {
  return {
    expected: `a whole number from ${min} to ${max}`,
    read(value) {
      const number = typeof value === 'string' && /^\s*[0-9]+\s*$/.test(value) ? Number(value) : value
      if (typeof number !== 'number' || !Number.isInteger(number)) return undefined
      return number >= min && number <= max ? number : undefined
    },
  }
}

export function text(expected = 'a string', form: RegExp = /^/): KeyType<string> {
  return {
    expected,
    read: (value) => (typeof value === 'string' && form.test(value) && !value.includes('\0') ? value : undefined),
  }
}

export function only<const W extends string>(...words: readonly W[]): KeyType<W> {
  return {
    expected: new Intl.ListFormat('en', { type: 'disjunction' }).format(words.map((word) => `'${word}'`)),
    read: (value) => words.find((word) => word === value),
  }
}

const FLAGS: ReadonlyMap<CfgValue, boolean> = new Map<CfgValue, boolean>([
  ...[true, 1, '1', 'yes'].map((value): [CfgValue, boolean] => [value, true]),
  ...[false, 0, '0', 'no', ''].map((value): [CfgValue, boolean] => [value, false]),
])

/** What xm takes for yes and no. */
export const flag: KeyType<boolean> = { expected: '0, 1, no or yes', read: (value) => FLAGS.get(value) }
