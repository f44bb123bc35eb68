import { expect, test } from 'vitest'
import { splitWords } from '../../src/xm/split-words.ts'

test.each([
  ['', []],
  ['   ', []],
  ['list', ['list']],
  ['  rename a\tb ', ['rename', 'a', 'b']],
  ['# a comment', []],
  ['list # all', ['list']],
  ['a#b', ['a#b']],
  ['create f.cfg \'extra=a b\' x"y z"w', ['create', 'f.cfg', 'extra=a b', 'xy zw']],
  ["''", ['']],
  ['a\\ b "c\\"d" "e\\\\" "f\\g"', ['a b', 'c"d', 'e\\', 'f\\g']],
])('%j', (line, words) => {
  expect(splitWords(line)).toEqual(words)
})

test.each(['"a', "it's", 'a\\', 'x "y'])('%j is not whole', (line) => {
  expect(() => splitWords(line)).toThrow(`${line}: a quote is not closed, or nothing follows a backslash`)
})
