import { schedulerSuite } from '@paravane/core/conformance'
import { describe, test } from 'vitest'
import { creditPart } from './credit-part.ts'

describe('credit keeps the contract of a scheduler', () => {
  const suite = schedulerSuite({
    make: () => creditPart(),
    plugin: { url: new URL('../src/plugin.ts', import.meta.url).href, config: undefined, key: 'credit' },
    shares: { weight: 'weight', cap: 'cap' },
  })
  for (const { name, run } of suite) test(name, run)
})
