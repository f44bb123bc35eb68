import { expect, test } from 'vitest'
import { configOf, noConfig, text, wholeNumber, yesNo } from '../../src/plugin/config-schema.ts'

const schema = configOf({
  slots: wholeNumber({ min: 1, max: 8, initial: 4, also: 0 }),
  path: text(),
  strict: yesNo({ initial: true }),
})

/** What is in the file, and what comes of it. */
const CASES: readonly [unknown, unknown][] = [
  [{ path: '/a' }, { slots: 4, path: '/a', strict: true }],
  [
    { path: '/a', slots: 0, strict: false },
    { slots: 0, path: '/a', strict: false },
  ],
  [{ path: '/a', slots: 9 }, '"slots" must be a whole number from 1 to 8, or 0'],
  [{ path: '/a', slots: 1.5 }, '"slots" must be a whole number from 1 to 8, or 0'],
  [{ path: '/a', slots: '2' }, '"slots" must be a whole number from 1 to 8, or 0'],
  [{}, '"path" must be a string'],
  [undefined, '"path" must be a string'],
  [{ path: '/a', strict: 1 }, '"strict" must be true or false'],
  [{ path: '/a', color: 1 }, '"color" is unknown; known keys: slots, path, strict'],
  [{ path: '/a', toString: 1 }, '"toString" is unknown; known keys: slots, path, strict'],
  [[], 'it must be an object'],
  ['x', 'it must be an object'],
]

test.each(CASES)('%j', (given, expected) => {
  if (typeof expected === 'string') expect(() => schema.parse(given)).toThrow(expected)
  else expect(schema.parse(given)).toEqual(expected)
})

test('a plugin without settings takes none', () => {
  expect(noConfig.parse(undefined)).toEqual({})
  expect(() => noConfig.parse({ a: 1 })).toThrow('"a" is unknown; known keys: none')
})
