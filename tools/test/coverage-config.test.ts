import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { keysPage, PAGE } from '../coverage-config.ts'

/** Without the padding that the formatter gives tables. */
const unpadded = (page: string): string => page.replaceAll(/ +/g, ' ').replaceAll(/-{3,}/g, '---')

test('docs/config-keys.md is current: npm run coverage:config', () => {
  expect(unpadded(readFileSync(PAGE, 'utf8'))).toBe(unpadded(keysPage()))
})
