/**
 * What is emitted for some regions, as text. After a change that was meant, `npm run goldens` writes the texts anew: their difference
 * shows what it did.
 */
import { expect, test } from 'vitest'
import { CASES } from './emitted-cases.ts'
import { regionText } from './region-text.ts'

test.each(Object.entries(CASES))('%s', async (name, golden) => {
  await expect(regionText(golden)).toMatchFileSnapshot(`./emitted/${name}.txt`)
})
