import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { compared, means, median, RatiosRefused } from '../bench/compare.ts'
import { identityOf } from '../bench/cpu-identity.ts'
import type { Measure, Run, Samples } from '../bench/kinds.ts'
import { PROGRAMS, pathOf } from '../bench/programs/table.ts'
import { readReport } from '../bench/report.ts'
import { formattedTable } from '../bench/table.ts'

const CONSOLE = [
  '[    0.0] a line of the kernel',
  '@cpu 0 00000000 756e6547 6c65746e 49656e69',
  '@linux Linux 6.1.0 #1 x86_64',
  '@kernel sieve int 600 128 489794.5 489685.3 540689.2 28be8919',
  '@program gzip 2000000000 0 0badcafe',
  '@end',
].join('\r\n')

describe('a report', () => {
  test('is read from between what else a console shows', () => {
    const { measures, linux, cpuid } = readReport(CONSOLE, 'tcg')
    expect(measures).toEqual([
      { name: 'sieve', kind: 'int', ns: 489794.5, leastNs: 489685.3, coldNs: 600, checksum: '28be8919' },
      { name: 'gzip', kind: 'program', ns: 2e9, checksum: '0badcafe' },
    ])
    expect(linux).toBe('Linux 6.1.0 #1 x86_64')
    expect(cpuid.get('0.ebx')).toBe(0x756e6547)
  })

  test.each([
    [CONSOLE.replace('@end', ''), 'tcg did not come to the end'],
    [CONSOLE.replace('@end', '@fault sieve answers 1 after 2\n@end'), 'tcg: sieve answers 1 after 2'],
    [CONSOLE.replace('2000000000 0', '2000000000 127'), 'tcg: the program gzip ended with status 127'],
  ])('that is not whole is none', (console, fault) => {
    expect(() => readReport(console, 'tcg')).toThrow(fault)
  })
})

const measure = (name: string, ns: number, checksum = '01'): Measure => ({ name, kind: 'int', ns, checksum })
const run = (measures: Measure[], others: Partial<Run> = {}): Run => ({ measures, linux: '6.1', cpu: 'a', ...others })
const samples = (others: Partial<Samples>): Samples => ({
  paravane: [run([measure('sieve', 3), measure('fib', 8)])],
  tcg: [run([measure('sieve', 6), measure('fib', 4)])],
  native: [{ measures: [measure('sieve', 1), measure('fib', 2)] }],
  ...others,
})

describe('ratios', () => {
  test('are of medians over processes', () => {
    const paravane = [5, 1, 3].map((ns) => run([measure('sieve', ns), measure('fib', 8)]))
    const rows = compared(samples({ paravane }))
    expect(rows.map(({ name, vsTcg, vsNative }) => [name, vsTcg, vsNative])).toEqual([
      ['sieve', 0.5, 3],
      ['fib', 2, 4],
    ])
    expect(means(rows, 'vsTcg')).toEqual({ int: 1 })
    expect(formattedTable(rows)).toContain('| fib   | int  |')
  })

  test('are of the least times where these are asked for', () => {
    const paravane = [5, 4].map((ns) => run([{ ...measure('sieve', ns), leastNs: ns - 1 }, measure('fib', 8)]))
    expect(compared(samples({ paravane }), true)[0].ns).toEqual({ paravane: 3, tcg: 6, native: 1 })
  })

  test('need no rival', () => {
    const [sieve] = compared(samples({ tcg: [] }))
    expect([sieve.vsTcg, sieve.vsNative]).toEqual([undefined, 3])
  })

  test.each<[string, Partial<Samples>]>([
    ['the checksum of fib', { native: [run([measure('sieve', 1), measure('fib', 2, '02')])] }],
    ['the checksum of fib', { tcg: [...samples({}).tcg, run([measure('sieve', 6), measure('fib', 4, '02')])] }],
    ['Linux', { tcg: [run([measure('sieve', 6), measure('fib', 4)], { linux: '6.2' })] }],
    ['the processor', { tcg: [run([measure('sieve', 6), measure('fib', 4)], { cpu: 'b' })] }],
    ['what was run', { tcg: [run([measure('sieve', 6)])] }],
  ])('are refused where %s differs', (what, others) => {
    expect(() => compared(samples(others))).toThrow(RatiosRefused)
    expect(() => compared(samples(others))).toThrow(`no ratios: ${what} differs`)
  })

  test('the median of an even count lies between', () => {
    expect(median([4, 1, 9, 2])).toBe(3)
  })
})

test('an identity tells processors apart by what a program can use, and not by their clocks', () => {
  const words = new Map([['1.ecx', 1 << 25]])
  expect(identityOf(words)).not.toBe(identityOf(new Map()))
  expect(identityOf(new Map([...words, ['7.ebx', 1 << 1]]))).toBe(identityOf(words))
})

test.each(PROGRAMS.filter(({ file }) => file !== undefined))(
  'the input of $name is the one that was frozen',
  ({ file }) => {
    expect(readFileSync(pathOf(file!.name)).length).toBe(file!.bytes)
  },
)
