/**
 * Short programs of moves, stack, branch, string and flag instructions as hexadecimal bytes. They end by falling through their
 * last byte. Registers are as `silicon.test.ts` sets them: RBX points into DATA, RSP and RBP into STACK, RSI and RDI into DATA.
 */
const range = (from: number, count: number): number[] => Array.from({ length: count }, (_, n) => from + n)
const byte = (value: number): string => value.toString(16).padStart(2, '0')

/** The same bytes after each of the prefixes. */
const prefixed = (prefixes: readonly string[], programs: readonly string[]): string[] =>
  programs.flatMap((program) => prefixes.map((prefix) => `${prefix} ${program}`.trim()))

/** Both sizes of a string instruction, in every width and with every repetition. */
const strings = (wide: readonly string[]): string[] =>
  prefixed(
    ['', 'f3', 'f2'],
    [0xa4, 0xa6, 0xaa, 0xac, 0xae].flatMap((code) => [
      byte(code),
      ...prefixed(wide, [byte(code + 1)]).map((text) => text.replace('48 67', '67 48')),
    ]),
  ).map((text) => text.replace(/^(f[23]) ((?:6[67] )+)/, '$2$1 ').replace(/^(f[23]) 48/, '$1 48'))

/** For both modes. */
export const common: Readonly<Record<string, readonly string[]>> = {
  moves: [
    ...prefixed(['', '66'], ['89 03', '8b 03', '89 c8', '8b 4b 08']),
    ...['88 03', '8a 03', '88 e0', '8a fb', 'b4 7f', 'b0 80', 'c6 03 80', 'c6 c7 01', 'b8 ff ff ff ff', '66 b9 34 12'],
    ...['66 c7 43 04 34 92', 'c7 03 78 56 34 92', 'c7 c0 ff ff ff ff'],
    ...prefixed(['', '66'], ['0f b6 03', '0f b6 c4', '0f be 03', '0f be c7', '0f b7 c1', '0f bf 03', '0f bf c1']),
    ...prefixed(['', '66'], ['8d 43 10', '8d 44 8b f0', '8d 04 8d 10 00 00 00', '87 03', '87 c1', '91', '92']),
    ...['86 03', '86 e0', '86 c1', '90', 'f3 90', '66 90', 'd7', '9e', '9f', '0f c8', '0f c9', '66 0f c9'],
    ...prefixed(['', '66'], ['98', '99', '0f 38 f0 03', '0f 38 f1 03', '0f 1f 03', '0f 1f c0']),
    ...prefixed(
      ['', '66'],
      range(0x40, 16).flatMap((code) => [`0f ${byte(code)} c1`, `0f ${byte(code)} 03`]),
    ),
    ...['0f ae e8', '0f ae f0', '0f ae f8', '0f 18 03', '0f 0d 0b', '0f ae 3b', 'f3 0f 1e fa', '0f ae 1b', '0f ae 13'],
    ...['f5', 'f8', 'f9', 'fc', 'fd', 'fd f5', 'f9 9f', '9e 9f'],
  ],
  stack: [
    ...prefixed(['', '66'], ['50', '54', '55', '6a ff', '6a 7f', 'ff 33', 'ff 74 24 08', '8f 03', '8f 44 24 08', '5b']),
    ...prefixed(
      ['', '66'],
      [
        '5c',
        '8f 04 24',
        'ff 34 24',
        'c9',
        'c8 20 00 00',
        'c8 10 00 01',
        'c8 10 00 02',
        'c8 10 00 03',
        'c8 10 00 07',
        'c8 08 00 df',
      ],
    ),
    ...[
      '68 78 56 34 92',
      '66 68 34 92',
      '9c',
      '66 9c',
      'fd 9c',
      '50 51 5a 5b',
      '9c 81 34 24 d5 0c 20 00 9d',
      '66 9c 80 34 24 95 66 9d',
    ],
  ],
  branches: [
    ...range(0x70, 16).map((code) => `${byte(code)} 03 8d 40 01`),
    ...range(0x80, 16).map((code) => `0f ${byte(code)} 03 00 00 00 8d 40 01`),
    ...prefixed(['', '67'], ['e0 03 8d 40 01', 'e1 03 8d 40 01', 'e2 03 8d 40 01', 'e3 03 8d 40 01']),
    ...[
      'eb 03 8d 40 01',
      'e9 03 00 00 00 8d 40 01',
      'e8 00 00 00 00',
      'e8 03 00 00 00 8d 40 01',
      'b9 05 00 00 00 8d 40 01 e2 fb',
    ],
    ...[
      '68 06 00 00 20 c3',
      '68 08 00 00 20 c2 10 00',
      '68 07 00 00 20 f3 c3',
      'b8 07 00 00 20 ff d0',
      'b8 07 00 00 20 ff e0',
    ],
    ...['68 08 00 00 20 ff 14 24', '68 08 00 00 20 ff 24 24'],
  ],
}

export const only64: Readonly<Record<string, readonly string[]>> = {
  moves: [
    ...prefixed(
      ['48', '49', '4d', '4c'],
      ['89 c8', '8b c1', '0f b6 c4', '0f be c4', '0f b7 c1', '0f bf c1', '63 c1', '87 c1', '90', '0f c8', '98', '99'],
    ),
    ...[
      '48 89 03',
      '48 8b 03',
      '48 c7 03 78 56 34 92',
      '48 c7 c0 ff ff ff ff',
      '48 b8 88 77 66 55 44 33 22 91',
      '88 f0',
    ],
    ...[
      '40 88 f0',
      '40 88 3b',
      '41 8a c4',
      '48 63 03',
      '63 03',
      '48 87 03',
      '48 8d 44 8b f0',
      '67 8d 44 8b f0',
      '67 48 8d 44 8b f0',
    ],
    ...[
      '48 8d 05 10 00 00 00',
      '67 48 8d 05 f0 ff ff ff',
      '48 0f 38 f0 03',
      '48 0f 38 f1 03',
      '41 90',
      'f3 49 90',
      '48 0f c9',
    ],
    ...[
      'a0 08 00 00 21 00 00 00 00',
      '48 a1 08 00 00 21 00 00 00 00',
      '48 a3 08 00 00 21 00 00 00 00',
      '67 a1 08 00 00 21',
    ],
    ...['a2 09 00 00 21 00 00 00 00', '66 a3 0a 00 00 21 00 00 00 00', '48 0f ae 1b', '67 d7'],
    ...range(0x40, 16).flatMap((code) => [`48 0f ${byte(code)} c1`, `48 0f ${byte(code)} 03`]),
  ],
  stack: [
    '41 50',
    '41 5c',
    '48 50',
    '66 41 50',
    '49 8f 00',
    '9c 48 81 34 24 d5 0c 20 00 9d',
    '8f 84 24 f8 ff ff ff',
    '67 8f 44 24 08',
  ],
  strings: strings(['', '66', '48', '67', '67 48']),
}

export const only32: Readonly<Record<string, readonly string[]>> = {
  stack: ['60', '61', '66 60', '66 61', '60 61'],
  branches: [
    ...[
      '66 eb 03',
      '66 e9 03 01',
      '66 74 03',
      '66 75 03',
      '66 0f 84 03 01',
      '66 0f 85 03 01',
      '66 e8 03 01',
      '66 e2 03',
      '66 e3 03',
    ],
    ...[
      '66 ff d0',
      '66 ff e0',
      '66 50 66 c3',
      '66 50 66 c2 04 00',
      'e9 00 00 00 d0',
      'e8 00 00 00 d0',
      '0f 84 00 00 00 d0',
    ],
  ],
  moves: ['a1 08 00 00 21', 'a2 09 00 00 21', '66 a3 0a 00 00 21', 'a0 0b 00 00 21'],
  strings: strings(['', '66']),
}
