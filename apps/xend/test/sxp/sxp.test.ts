import { expect, test } from 'vitest'
import { float, formatSxp, prettySxp, type Sxp } from '../../src/sxp/sxp.ts'

test.each<[Sxp, string]>([
  ['vm', 'vm'],
  ['10.0.0.1:/srv/a-b_c~', '10.0.0.1:/srv/a-b_c~'],
  ['@', '@'],
  ['', ''],
  [7, '7'],
  ['/dev/hda1 ro', "'/dev/hda1 ro'"],
  ['a=b', "'a=b'"],
  ["it's", '"it\'s"'],
  ['both \' and "', "'both \\' and \"'"],
  ['back\\slash', "'back\\\\slash'"],
  ['tab\there\nand\r\0\x7f', "'tab\\there\\nand\\r\\x00\\x7f'"],
  ['é', "'\\xc3\\xa9'"],
  ['(', "'('"],
  [[], '()'],
  [['bootloader', ''], '(bootloader )'],
  [['cpus', [[], [0, 2]]], '(cpus (() (0 2)))'],
])('%j is written %s', (sxp, text) => {
  expect(formatSxp(sxp)).toBe(text)
})

test.each([
  [0, '0.0'],
  [12, '12.0'],
  [0.5, '0.5'],
  [1795442400.1239998, '1795442400.12'],
])('%d is the float %s', (value, text) => {
  expect(float(value)).toBe(text)
})

test('a list that does not fit into 80 columns has a line for each of its parts, and those as well', () => {
  const fits = 'x'.repeat(80 - '    (b )'.length)
  const text = `(vm
    (name a)
    (b ${fits})
    (image
        (linux
            (kernel /${'k'.repeat(30)})
            (args 'root=/dev/xvda1 ro ${'y'.repeat(40)}')
        )
    )
)
`
  const image = ['linux', ['kernel', `/${'k'.repeat(30)}`], ['args', `root=/dev/xvda1 ro ${'y'.repeat(40)}`]]
  expect(prettySxp(['vm', ['name', 'a'], ['b', fits], ['image', image]])).toBe(text)
  expect(prettySxp(['b', 'x'.repeat(76)])).toBe(`(b ${'x'.repeat(76)})\n`)
  expect(prettySxp(['b', 'x'.repeat(77)])).toBe(`(b\n    ${'x'.repeat(77)}\n)\n`)
})
