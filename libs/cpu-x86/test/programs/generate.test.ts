import { describe, expect, it } from 'vitest'
import { decode, isFault } from '../../src/decode/decoder.ts'
import { rows } from '../../src/insn/table.ts'
import { DEFAULT_POLICY } from '../../src/state/policy.ts'
import { generate } from './generate.ts'
import { CODE, CODE_BYTES } from './layout.ts'
import { EXCLUDED, included } from './selection.ts'

const PROGRAMS = Array.from({ length: 1500 }, (_, n) => generate(n + 1))

describe('random programs', () => {
  it('are a function of their seed', () => {
    const [first, second] = [generate(77), generate(77)]
    expect(first).toEqual(second)
    expect(Buffer.compare(first.image, generate(78).image)).not.toBe(0)
  })

  it('have 20 to 200 instructions', () => {
    for (const { seed, instructions } of PROGRAMS) {
      expect(instructions, `program ${seed}`).toBeGreaterThanOrEqual(20)
      expect(instructions, `program ${seed}`).toBeLessThanOrEqual(200)
    }
  })

  it('begin with an instruction of the table', () => {
    for (const { seed, image, entry } of PROGRAMS)
      expect(isFault(decode(image, entry - CODE, CODE_BYTES, 64)), `program ${seed}`).toBe(false)
  })

  it('use every row that is not left out by name', () => {
    const used = new Set(PROGRAMS.flatMap((program) => [...program.rows]))
    const unused = included.filter((row) => !used.has(row)).map(({ name, operands }) => `${name} ${operands}`)
    expect(unused).toEqual([])
  })

  it('leave out by name only what exists', () => {
    const names = new Set(rows.map(({ name }) => name))
    expect(Object.keys(EXCLUDED).filter((name) => !names.has(name))).toEqual([])
    expect(included.filter((row) => row.feature !== undefined && !DEFAULT_POLICY.offers(row.feature))).toEqual([])
  })
})
