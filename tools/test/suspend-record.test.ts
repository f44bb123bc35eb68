import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import * as pages from '../../libs/cpu-x86/src/pv/mmu/page-info.ts'
import { PAGE, SECTIONS, suspendRecordPage } from '../suspend-record.ts'

/** Without the padding that the formatter gives tables. */
const unpadded = (page: string): string => page.replaceAll(/ +/g, ' ').replaceAll(/-{3,}/g, '---')

test('docs/suspend-record.md is current: npm run suspend-record', () => {
  expect(unpadded(readFileSync(PAGE, 'utf8'))).toBe(unpadded(suspendRecordPage()))
})

test.each(SECTIONS)('each word has a fate: $title', ({ places, rows }) => {
  expect(rows.map(([field]) => field)).toEqual([...places.keys()])
})

test('every word of the page types is among them', () => {
  const known = new Set(SECTIONS.flatMap(({ places }) => [...places.keys()]))
  const flags =
    /^TYPE_(?!COUNT)|_MASK$|_SHIFT$|^(OWNED|XEN_HEAP|PINNED|VALIDATED|PARTIAL|DYING|LDT_PAGES|RECORD_BYTES)$/
  const words = Object.entries(pages).filter(([name, value]) => typeof value === 'number' && !flags.test(name))
  expect(words.map(([name]) => name).filter((name) => !known.has(name))).toEqual([])
  expect(words.length).toBeGreaterThan(12)
})
