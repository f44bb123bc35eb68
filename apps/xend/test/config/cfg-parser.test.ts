import { expect, test } from 'vitest'
import { type CfgAssignment, parseCfg } from '../../src/config/cfg-parser.ts'
import type { CfgValue } from '../../src/config/cfg-value.ts'

const readValue = (text: string): CfgValue => {
  const [assignment] = parseCfg(`it = ${text}\n`, 'guest.cfg').assignments
  return assignment?.value ?? null
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
  expect(parseCfg(text, 'guest.cfg').assignments).toEqual([
    { key: 'name', value: 'a', line: 3 },
    { key: 'extra', value: 'bc', line: 4 },
    { key: 'vcpus', value: 2, line: 6 },
    { key: 'memory', value: 64, line: 6 },
  ] satisfies CfgAssignment[])
})

const WORKED_OUT: readonly (readonly [string, CfgValue])[] = [
  ['4 * 1024 - 2 * 3', 4090],
  ["'a' + 'b' 'c'", 'abc'],
  ["['a'] + ['b', 1]", ['a', 'b', 1]],
  ["'guest%d' % 7", 'guest7'],
  ["'%s-%02d.%x%%' % ('a', 3, 255)", 'a-03.ff%'],
  ["'%3d|%-3s|%03d|%X|%o|%i' % (5, 'x', -5, 255, 8, '12')", '  5|x  |-05|FF|10|12'],
  ["'sda%d' % (7 + 1)", 'sda8'],
  ["'a%sb' % 'c' + 'd'", 'acbd'],
  ["'disk' + str(3)", 'disk3'],
  ["int(' 12 ') + 1", 13],
]

test.each(WORKED_OUT)('worked out: %s', (text, value) => {
  expect(readValue(text)).toEqual(value)
})

test('a name stands for what was assigned above, and for what is given from outside, which holds', () => {
  const text = "vmid = 1\nbase = 'vm' + str(vmid)\nname = base + '.example'\n"
  const values = (given: ReadonlyMap<string, CfgValue>) =>
    parseCfg(text, 'g', given).assignments.map(({ value }) => value)
  expect(values(new Map())).toEqual([1, 'vm1', 'vm1.example'])
  expect(values(new Map([['vmid', '3']]))).toEqual([1, 'vm3', 'vm3.example'])
  expect(parseCfg(text, 'g').read).toEqual(new Set(['vmid', 'base']))
})

test('an empty file, one without a last line end, and one with a byte order mark', () => {
  expect(parseCfg('', 'guest.cfg').assignments).toEqual([])
  expect(parseCfg('a = 1', 'guest.cfg').assignments).toEqual([{ key: 'a', value: 1, line: 1 }])
  expect(parseCfg('\ufeffa = 1', 'guest.cfg').assignments).toEqual([{ key: 'a', value: 1, line: 1 }])
})

const NOT_EXECUTED = 'config files are read, never executed; write the value itself'
const REFUSALS: readonly (readonly [string, string])[] = [
  ['import os', `1: "import os" is no assignment name = value; ${NOT_EXECUTED}`],
  ['a = 1\ndef f():', `2: "def f" is no assignment name = value; ${NOT_EXECUTED}`],
  ['a += 1', `1: "a +" is no assignment name = value; ${NOT_EXECUTED}`],
  ['a = vmid', '1: vmid has no value here; assign it above, give vmid=VALUE as an argument, or quote it'],
  ["a = open('/etc/passwd')", `1: open(...) is a call; ${NOT_EXECUTED}`],
  ['a = 1\nb = a.b', `2: . after the value of b; ${NOT_EXECUTED}`],
  ['a = [1]\nb = a[0]', `2: [ after the value of b; ${NOT_EXECUTED}`],
  ['a = 7 // 2', `1: / after the value of a; ${NOT_EXECUTED}`],
  ["a = 'x' + 1", '1: a text + a number cannot be worked out; write str(...) or int(...) around one'],
  ["a = 1 + 'x'", '1: a number + a text cannot be worked out; write str(...) or int(...) around one'],
  ['a = [1] + 1', '1: a list + a number cannot be worked out'],
  ["a = 'x' * 3", '1: a text * a number cannot be worked out; write str(...) or int(...) around one'],
  ['a = 3 % 2', "1: % after a number; only a text can be filled in: 'guest%d' % 1"],
  ["a = '%d %d' % 3", '1: the text has more places than the 1 values after %'],
  ["a = 'x' % 3", '1: the text has 0 places for the 1 values after %'],
  ["a = '%d' % 'x'", '1: "x" is no whole number; give one'],
  ["a = '%d' % None", '1: None is no whole number; give one'],
  ["a = '%s' % [[1]]", '1: str() takes a text or a number, not a list'],
  ["a = '%(x)s' % 3", '1: "%(" is not known in a text that is filled in; write %s, %d, %x, %X, %o or %%'],
  ["a = '50%' % 3", '1: "%" is not known in a text that is filled in; write %s, %d, %x, %X, %o or %%'],
  ["a = int('\\x9b')", '1: "\\u009b" is no whole number; give one'],
  ["a = int('4k')", '1: "4k" is no whole number; give one'],
  ['a = str([])', '1: str() takes a text or a number, not a list'],
  ['a = str(1', '1: the end of the line where there should be )'],
  ['a = 9007199254740991 + 1', '1: 9007199254740991 + 1 is too large'],
  [`a = '${'x'.repeat(60_000)}'\nb = a + a`, '2: a value of more than 65536 parts; write it shorter'],
  [`a = [${'1,'.repeat(40_000)}]\nb = [a, a]`, '2: b has a value of more than 65536 parts; write it shorter'],
  [`a = []\n${'a = [a]\n'.repeat(40)}`, '34: a has a value of more than 65536 parts; write it shorter'],
  [`${' '.repeat(1 << 20)}a`, '1: more than a million characters are no config file'],
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
