import { describe, expect, it } from 'vitest'
import { parseOperands } from '../../src/decode/operand-spec.ts'
import { RowIndex } from '../../src/decode/row-index.ts'
import { rows, rowsNamed } from '../../src/insn/table.ts'

const described = rows.map((row, n) => ({
  row,
  text: `${n}: ${row.name} ${row.operands} (map ${row.map}, ${row.prefix ?? 'any'} ${row.code.toString(16)})`,
}))

const failing = (holds: (row: (typeof rows)[number]) => boolean) =>
  described.filter(({ row }) => !holds(row)).map(({ text }) => text)

describe('the instruction table', () => {
  it.each([64, 32] as const)('has no two rows for one encoding in %i-bit mode', (mode) => {
    expect(new RowIndex(rows, mode).collisions()).toEqual([])
  })

  it('tells two rows of the same encoding', () => {
    const [row] = rowsNamed('lea')
    expect(new RowIndex([row, { ...row, name: 'other' }], 64).collisions()).toHaveLength(1)
  })

  it('is written in the notation of operands', () => {
    expect(failing((row) => parseOperands(row.operands).makers.length >= 0)).toEqual([])
    expect(() => parseOperands('Ev Kx')).toThrow(RangeError)
    expect(() => parseOperands('Euv')).toThrow(RangeError)
  })

  it('names opcodes and extensions in range, and eight opcodes for a register', () => {
    expect(failing(({ code }) => code >= 0 && code <= 0xff)).toEqual([])
    expect(failing(({ ext, rm }) => (ext ?? 0) <= 7 && (rm ?? 0) <= 7)).toEqual([])
    expect(failing(({ plusReg, code }) => !plusReg || (code & 7) === 0)).toEqual([])
  })

  it('has at most one memory operand a row, so that a record has place for it', () => {
    const memoryMethods = (operands: string) => operands.match(/(^| )[EMWQOXBL][a-z]/g)?.length ?? 0
    expect(failing(({ operands }) => memoryMethods(operands) <= 1)).toEqual([])
    expect(failing(({ operands }) => parseOperands(operands).makers.length <= 4)).toEqual([])
  })

  it('speaks of flags by the letters oszapc and d', () => {
    const known = (letters: string = '') => /^[oszapcd]*$/.test(letters)
    expect(failing((row) => known(row.reads) && known(row.writes) && known(row.undefines))).toEqual([])
  })

  it('takes LOCK only where a destination may be memory', () => {
    expect(failing(({ lock, operands }) => !lock || /^[EM]/.test(operands))).toEqual([])
  })

  it('keeps instructions that end a block inside the main loop', () => {
    expect(failing(({ rare, ends }) => !(rare && ends))).toEqual([])
  })
})
