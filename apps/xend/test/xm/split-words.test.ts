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

/** Every text of up to four of the characters that mean something. */
function texts(): readonly string[] {
  const characters = ['a', ' ', "'", '"', '\\', '#', '\n']
  let last: readonly string[] = ['']
  const all = [...last]
  for (let length = 1; length <= 4; length++) {
    last = last.flatMap((text) => characters.map((character) => text + character))
    all.push(...last)
  }
  return all
}

test('a word that is quoted, in either way, is that word', () => {
  for (const text of texts()) {
    const single = `'${text.replaceAll("'", "'\\''")}'`
    const double = `"${text.replaceAll(/["\\]/g, '\\$&')}"`
    expect(splitWords(`x ${single} y`)).toEqual(['x', text, 'y'])
    expect(splitWords(`${double} #`)).toEqual([text])
  }
})
