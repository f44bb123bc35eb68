import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { casesOf } from './cases.ts'
import { disagreement } from './compare.ts'
import { coverage, page } from './coverage.ts'
import { Bench } from './engine.ts'
import { EXEMPTIONS } from './exemptions.ts'
import { readFamilies } from './families.ts'
import type { Outcome } from './layout.ts'
import { replay } from './replay.ts'
import { fileOf, readRecords } from './store.ts'
import { variantsOf } from './variants.ts'

const families = await readFamilies()
const all = coverage(families)

describe('records of instructions', () => {
  it('cover every row of the table, or the row is exempt by name', () => {
    expect(all.flatMap(({ gaps }) => gaps)).toEqual([])
  })

  it('have no exemption that no row needs', () => {
    const unused = EXEMPTIONS.filter(({ reason }) => !all.some(({ exemption }) => exemption === reason))
    expect(unused).toEqual([])
  })

  it('name each variant once', () => {
    const names = all.flatMap(({ variants }) => variants.map(({ name }) => name))
    expect(new Set(names).size).toBe(names.length)
  })

  it('are described by docs/instructions.md: npm run coverage:insn -- --write', () => {
    const written = readFileSync(new URL('../../../../docs/instructions.md', import.meta.url), 'utf8')
    expect(written === page(all)).toBe(true)
  })
})

describe('replay in regions', () => {
  it('makes a region of every encoding of integer arithmetic', () => {
    const alu = families.find(({ name }) => name === 'alu')!
    const { regions, encodings, cases } = replay(alu, 'regions', 40)
    expect(cases).toBeGreaterThan(1000)
    expect(regions).toBe(encodings)
  })
})

describe('the judge of records', () => {
  const [add] = families.find(({ name }) => name === 'alu')!.rows
  const [variant] = variantsOf(add!.row)
  const cases = casesOf(variant!).flatMap((encoded) => encoded.cases)
  const [record] = readRecords(fileOf('alu'))
  const [silicon] = record!.outcomes(cases)
  const bench = new Bench('cold')

  const changes: readonly (readonly [string, (o: Outcome) => Outcome])[] = [
    ['a register', (o) => ({ ...o, gpr: o.gpr.map((value, n) => (n === 9 ? value ^ 1n : value)) })],
    ['a flag', (o) => ({ ...o, rflags: o.rflags ^ 0x10 })],
    ['an exception', (o) => ({ ...o, vector: 14 })],
    ['memory', (o) => ({ ...o, memory: [...o.memory, { address: 0x21000000, value: 1n }] })],
    ['a vector', (o) => ({ ...o, fx: o.fx.map((byte, at) => (at === 200 ? byte ^ 1 : byte)) })],
    ['MXCSR', (o) => ({ ...o, fx: o.fx.map((byte, at) => (at === 24 ? byte ^ 1 : byte)) })],
  ]

  it('agrees with what was recorded', () => {
    expect(disagreement(variant!, cases[0]!, silicon!, bench.run(cases[0]!))).toEqual([])
  })

  it.each(changes)('sees another value of %s', (_what, change) => {
    expect(disagreement(variant!, cases[0]!, change(silicon!), bench.run(cases[0]!))).not.toEqual([])
  })
})
