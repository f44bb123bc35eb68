import { beforeAll, describe, expect, test } from 'vitest'
import { abiModules } from './abi-modules.ts'
import { factsOf, programOf } from './c-facts.ts'
import { runC } from './xen-headers.ts'

const modules = await abiModules()

describe("Xen's C headers say the same", () => {
  let inC: Map<string, string>
  beforeAll(() => {
    const output = runC(programOf(modules))
    inC = new Map(output.split('\n').map((line) => line.split('\t') as [string, string]))
  })

  test.each(modules)('$path', (module) => {
    const facts = [...factsOf(module)]
    expect(facts).not.toEqual([])
    const ours = Object.fromEntries(facts.map(({ name, ours }) => [name, String(ours)]))
    expect(ours).toEqual(Object.fromEntries(facts.map(({ name }) => [name, inC.get(name)])))
  })
})

test('each file names the headers it mirrors', () => {
  expect(modules.filter(({ headers }) => headers.length === 0).map(({ path }) => path)).toEqual([])
})

test('whatever C is not asked about says why', () => {
  const bare = modules.flatMap((module) =>
    Object.keys(module.exports).filter((name) => {
      const c = module.inC(name)
      return 'reason' in c && c.reason === ''
    }),
  )
  expect(bare).toEqual([])
})

test('the barrel exports every name of every file', async () => {
  const barrel = await import('../../src/abi/index.ts')
  const names = modules.flatMap((module) => Object.keys(module.exports))
  expect(names.filter((name) => !(name in barrel))).toEqual([])
})
