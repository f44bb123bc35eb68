import { expect, test } from 'vitest'
import { TABLE } from '../../src/cold/cold-tier.ts'
import { FORM_LIST } from '../../src/cold/form-registry.ts'
import { formKey, formShape, loopForms, NO_SHAPE } from '../../src/cold/forms.ts'
import type { Decoded } from '../../src/decode/decoded.ts'
import { decode, isFault } from '../../src/decode/decoder.ts'
import { rows } from '../../src/insn/table.ts'

const MANDATORY: Readonly<Record<string, readonly number[]>> = { '66': [0x66], f3: [0xf3], f2: [0xf2] }
const ESCAPE: readonly (readonly number[])[] = [[], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]]
/** Register, base, base and index. */
const MODRM: readonly (readonly number[])[] = [[0xc1], [0xc0], [0x03], [0x04, 0x8b]]

function* every<T>(...choices: readonly (readonly T[])[]): Generator<readonly T[]> {
  const [first, ...rest] = choices
  if (!first) yield []
  else for (const choice of first) for (const others of every(...rest)) yield [choice, ...others]
}

function* instructionsOfTable(): Generator<Decoded> {
  const prefixes = [...every([[], [0x66]], [[], [0xf2], [0xf3], [0xf0]], [[], [0x67]], [[], [0x64]])].map((p) =>
    p.flat(),
  )
  for (const row of rows)
    for (const mode of [64, 32] as const)
      for (const prefix of prefixes)
        for (const rex of mode === 64 ? [[], [0x48]] : [[]])
          for (const [first, ...rest] of MODRM)
            for (const constant of [0, 1]) {
              const rm = row.rm !== undefined && first >= 0xc0 ? row.rm : first & 7
              const modrm = (first & 0xc0) | ((row.ext ?? 0) << 3) | rm
              const opcode = [...(MANDATORY[row.prefix ?? ''] ?? []), ...rex, ...ESCAPE[row.map], row.code]
              const tail = [modrm, ...rest, ...new Array<number>(8).fill(constant)]
              const insn = decode(Uint8Array.from([...prefix, ...opcode, ...tail]), 0, 15, mode)
              if (!isFault(insn)) yield insn
            }
}

test('a guest that runs every form of every instruction finds room for them in its list and in the function table', () => {
  const forms = new Set([...instructionsOfTable()].map((insn) => formKey(insn))).size
  // What random bytes found: the enumeration above is not far from complete.
  expect(forms).toBeGreaterThan(10_000)
  expect(forms * 1.25).toBeLessThan(FORM_LIST.MAX)
  expect(loopForms().length + FORM_LIST.MAX).toBeLessThanOrEqual(TABLE.FORMS)
})

test('instructions of a row have the same shape if they are of the same form, and no others', () => {
  const keyOf = new Map<string, string>()
  const numbers = new Map(rows.map((row, n) => [row, n]))
  const shapeOf = new Map<string, number>()
  for (const insn of instructionsOfTable()) {
    const [key, shape] = [formKey(insn), formShape(insn)]
    if (shape === NO_SHAPE) continue
    const ofRow = `${numbers.get(insn.row)}.${shape}`
    if ((keyOf.get(ofRow) ?? key) !== key || (shapeOf.get(key) ?? shape) !== shape) expect.fail(`${ofRow} is of ${key}`)
    keyOf.set(ofRow, key)
    shapeOf.set(key, shape)
  }
  expect(keyOf.size).toBeGreaterThan(10_000)
})
