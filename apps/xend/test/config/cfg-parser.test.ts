import { expect, test } from 'vitest'
import { type CfgAssignment, type CfgValue, parseCfg } from '../../src/config/cfg-parser.ts'

const readValue = (text: string): CfgValue => {
  const [assignment] = parseCfg(`it = ${text}\n`, 'guest.cfg')
  return assignment.value
}

const VALUES: readonly (readonly [string, CfgValue])[] = [
  ["'single'", 'single'],
  ['"double"', 'double'],
  ["'it''s' \"two\"", 'itstwo'],
  ["'a\\tb\\n\\'\\\\\\x41\\u00e9\\101'", "a\tb\n'\\AéA"],
  ["'\\q'", '\\q'],
  ["r'a\\nb'", 'a\\nb'],
  ["u'text'", 'text'],
  ["'''one\ntwo'''", 'one\ntwo'],
  ["'on\\\ne'", 'one'],
  ["'# no comment' # a comment", '# no comment'],
  ['0', 0],
  ['-7', -7],
  ['1_000', 1000],
  ['0x1F', 31],
  ['0o17', 15],
  ['0b101', 5],
  ['None', null],
  ['True', true],
  ['False', false],
  ['[]', []],
  ['[1, "two", [3],]', [1, 'two', [3]]],
  ["[ 'phy:a,xvda,w',  # root\n  'phy:b,xvdb,r' ]", ['phy:a,xvda,w', 'phy:b,xvdb,r']],
  ['("in " "parentheses")', 'in parentheses'],
  ['(1,)', [1]],
  ['(1, 2)', [1, 2]],
  ['()', []],
  [
    "{ 'a': 1, 2: ['b'], }",
    new Map<string | number, CfgValue>([
      ['a', 1],
      [2, ['b']],
    ]),
  ],
  ['\\\n  5', 5],
]

test.each(VALUES)('%s', (text, value) => {
  expect(readValue(text)).toEqual(value)
})

test('assignments come in order, each with the line of its name', () => {
  const text = "# head\n\nname = 'a'\nextra = ('b'\n  'c')\r\nvcpus=2; memory=64\n"
  expect(parseCfg(text, 'guest.cfg')).toEqual([
    { key: 'name', value: 'a', line: 3 },
    { key: 'extra', value: 'bc', line: 4 },
    { key: 'vcpus', value: 2, line: 6 },
    { key: 'memory', value: 64, line: 6 },
  ] satisfies CfgAssignment[])
})

test('an empty file, one without a last line end, and one with a byte order mark', () => {
  expect(parseCfg('', 'guest.cfg')).toEqual([])
  expect(parseCfg('a = 1', 'guest.cfg')).toEqual([{ key: 'a', value: 1, line: 1 }])
  expect(parseCfg('\ufeffa = 1', 'guest.cfg')).toEqual([{ key: 'a', value: 1, line: 1 }])
})

const NOT_EXECUTED = 'config files are read, never executed; write the value itself'
const REFUSALS: readonly (readonly [string, string])[] = [
  ['import os', `1: "import os" is no assignment name = value; ${NOT_EXECUTED}`],
  ['a = 1\ndef f():', `2: "def f" is no assignment name = value; ${NOT_EXECUTED}`],
  ['a += 1', `1: "a +" is no assignment name = value; ${NOT_EXECUTED}`],
  ["a = 'x' + 'y'", `1: + after the value of a; ${NOT_EXECUTED}`],
  ["a = 'x%d' % 3", `1: % after the value of a; ${NOT_EXECUTED}`],
  ['a = vmid', `1: vmid is a name or an expression; ${NOT_EXECUTED}`],
  ["a = open('/etc/passwd')", `1: open is a name or an expression; ${NOT_EXECUTED}`],
  ['a = [1,\n 2 3]', '2: 3 where there should be , or ]'],
  ['a = [1', '1: the end of the line where there should be , or ]'],
  ['a = {1 2}', '1: 2 where there should be : and the value of the key'],
  ['a = {[]: 2}', '1: a key of a dict that is neither a string nor a number'],
  ['a =', '1: the end of the line where a value should be; write a string, a number, a list or a dict'],
  ['a = == 3', '1: = where a value should be; write a string, a number, a list or a dict'],
  ['\x1b[2J', '1: the character U+001B where a line should begin with name = value'],
  ['a = \x9b', '1: the character U+009B where a value should be; write a string, a number, a list or a dict'],
  ['= 3', '1: = where a line should begin with name = value'],
  ['a = 1.5', '1: 1.5 is no whole number that can be used here'],
  ['a = 010', '1: 010 is no whole number that can be used here'],
  ['a = 99999999999999999999', '1: 99999999999999999999 is no whole number that can be used here'],
  ["a = 'open\nb = 1", "1: a string that does not end; close it with '"],
  ['\na = """open\n', '2: a string that does not end; close it with """'],
  ["a = 'ends in \\", "1: a string that does not end; close it with '"],
  ["a = f'{b}'", '1: a string with the prefix f; write an ordinary one, between quotes'],
  ["a = '\\U00110000'", '1: \\U00110000 is no character; write one up to \\U0010ffff'],
  [`a = ${'['.repeat(100)}`, '1: brackets nested more than 32 deep; write it flatter'],
]

test.each(REFUSALS)('refused: %s', (text, message) => {
  expect(() => parseCfg(text, 'guest.cfg')).toThrow(expect.objectContaining({ message: `guest.cfg:${message}` }))
})
