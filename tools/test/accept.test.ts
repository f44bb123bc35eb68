import { describe, expect, test } from 'vitest'
import { guestKnowledge, wordsOf } from '../accept/guest-knowledge.ts'
import { ISSUE_NAMES, listsUpTo } from '../accept/issues.ts'
import { formatted, measure } from '../accept/point.ts'

const HOW = { short: false, progress: () => {} }

describe('a point', () => {
  test('is one line, and its faults below', async () => {
    const outcome = { pass: false, value: '3 of 4', faults: ['the fourth hangs'] }
    const result = await measure('an-issue', { number: 7, title: 'boots', measure: () => outcome }, HOW)
    expect(formatted(result)).toBe('an-issue 7  FAIL  boots: 3 of 4\n    the fourth hangs')
  })

  test('whose measurement throws has failed', async () => {
    const act = (): never => {
      throw new Error('no compiler\n  at here')
    }
    const result = await measure('an-issue', { number: 1, title: 'hello', measure: act }, HOW)
    expect(formatted(result)).toBe('an-issue 1  FAIL  hello: no compiler')
  })
})

test('each issue has to pass its own list and all before it, and counts its points once', () => {
  for (const [n, issue] of ISSUE_NAMES.entries()) {
    const lists = listsUpTo(issue)!
    expect(lists.map((list) => list.issue)).toEqual(ISSUE_NAMES.slice(0, n + 1))
    const numbers = lists.at(-1)!.points.map(({ number }) => number)
    expect(new Set(numbers).size).toBe(numbers.length)
  }
  expect(listsUpTo('no-issue')).toBeUndefined()
})

describe('what a lib may not know of a guest', () => {
  const words = new Set(['start_kernel'])
  test.each([
    ['const entry = 0xffff_ffff_8100_0000n', 'line 1: the address 0xffff_ffff_8100_0000n'],
    ['const map = 0xffff888000000000n', 'line 1: the address 0xffff888000000000n'],
    ["\n\nfind('ffffffff81000000')", 'line 3: the address ffffffff81000000'],
    ["if (release === '6.1.0-50-cloud-amd64') {", 'line 1: the version 6.1.0'],
    ["symbols.get('start_kernel')", "line 1: the kernel's symbol start_kernel"],
  ])('%s', (source, fault) => {
    expect(guestKnowledge(source, { words })).toEqual([fault])
  })

  test.each([
    '// as start_kernel does at 0xffffffff81000000',
    "/* 'start_kernel' of 6.1.0 */",
    'const mask = 0xffff_ffff_ffff_f000n',
    'const end = 0xffff_8800_0000_0000n',
    'const m2p = 0xffff800000000000n',
    "const other = 'start_info'",
    "say('use 2.6.24 or newer')",
  ])('but: %s', (source) => {
    expect(guestKnowledge(source, { words, versions: new Set(['2.6.24']) })).toEqual([])
  })

  test('words of an image stand between zero bytes', () => {
    expect([...wordsOf(Buffer.from('\0start_kernel\0short\0two words\0cut_off_here'))]).toEqual(['start_kernel'])
  })
})
