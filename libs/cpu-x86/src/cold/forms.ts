import type { Decoded, MemOperand, Operand } from '../decode/decoded.ts'
import { decode, isFault } from '../decode/decoder.ts'
import type { Row } from '../insn/row.ts'
import { rows } from '../insn/table.ts'
import { isFrequent, mayBeFrequent } from './loop-rows.ts'
import { addressShape } from './record-builder.ts'

/**
 * A form is all instructions that one body of the cold tier serves: same row, sizes and kinds of operands. Registers, constants
 * and displacements are in the record.
 */
export interface Form {
  readonly key: string
  /** An instruction of this form, each operand an object of its own. */
  readonly exemplar: Decoded
  /** A body in the main loop; else out of line. */
  readonly inLoop: boolean
}

const rowNumbers = new Map<Row, number>(rows.map((row, n) => [row, n]))

/** None of these is a letter of `addressShape`. */
const LETTER: Readonly<Record<Exclude<Operand['kind'], 'mem'>, string>> = {
  reg: 'r',
  imm: 'i',
  xmm: 'v',
  mmx: 'n',
  rel: 'j',
  sreg: 's',
  creg: 'c',
  dreg: 'd',
}

export function formKey(insn: Decoded): string {
  let key = `${rowNumbers.get(insn.row)}.${insn.size}${insn.lock ? 'L' : ''}${insn.rep ? insn.rep.toString(16) : ''}`
  for (const o of insn.operands) {
    if (o.kind === 'mem') key += addressShape(o, insn.addressSize)
    else key += LETTER[o.kind]
  }
  if (insn.addressSize !== 8) key += `@${insn.addressSize}`
  if (insn.mode === 32) key += '~'
  return insn.row.variant ? `${key}#${insn.row.variant(insn)}` : key
}

/** Numbers of `LETTER` and of the letters of `addressShape`, from 1 on; 4 bits. */
const KIND: Readonly<Record<Exclude<Operand['kind'], 'mem'> | ReturnType<typeof addressShape>, number>> = {
  ...{ reg: 1, imm: 2, xmm: 3, mmx: 4, rel: 5, sreg: 6, creg: 7, dreg: 8 },
  ...{ m: 9, x: 10, a: 11, w: 12 },
}
/** Above the kinds of four operands. */
const SHAPE = { SIZE: 16, LOCK: 20, REP: 21, ADDRESS: 23, MODE: 25, VARIANT: 26 } as const
export const NO_SHAPE = -1
const REPS = { 0: 0, 242: 1, 243: 2 } as const

/** What `formKey` says besides the row, as 30 bits; NO_SHAPE where it does not fit. A string takes its time. */
export function formShape(insn: Decoded): number {
  const { row, size, lock, rep, operands, addressSize, mode } = insn
  const variant = row.variant?.(insn) ?? 0
  if (variant > 15 || operands.length > 4) return NO_SHAPE
  let shape = size << SHAPE.SIZE
  if (lock) shape |= 1 << SHAPE.LOCK
  shape |= REPS[rep] << SHAPE.REP
  if (addressSize !== 8) shape |= addressSize << (SHAPE.ADDRESS - 1)
  if (mode === 32) shape |= 1 << SHAPE.MODE
  for (let n = 0; n < operands.length; n++) {
    const o = operands[n]
    shape |= KIND[o.kind === 'mem' ? addressShape(o, addressSize) : o.kind] << (4 * n)
  }
  return shape | (variant << SHAPE.VARIANT)
}

export function formOf(insn: Decoded, key: string = formKey(insn)): Form {
  // Whether a memory operand is of the stack segment is in the record.
  const operands = insn.operands.map((o) => (o.kind === 'mem' ? { ...o, stack: false } : { ...o }))
  const exemplar = { ...insn, operands }
  return { key, exemplar, inLoop: belongsInLoop(insn) }
}

/** The loop has room for what is often run; jumps and repetitions can only be there. */
function belongsInLoop(insn: Decoded): boolean {
  if (insn.row.ends) return true
  return isFrequent(insn) && !insn.lock && insn.size !== 2 && insn.addressSize === 8
}

/** Encodings of rm that reach each kind of operand: a register, a base, base and index. */
const MODRM: readonly (readonly number[])[] = [[0xc1], [0x03], [0x04, 0x8b]]
const OPCODE_MAP: readonly (readonly number[])[] = [[], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]]
const MANDATORY: Readonly<Record<string, number>> = { '66': 0x66, f3: 0xf3, f2: 0xf2 }

/** Operands that reach each `Row.variant`: different registers, the same register, a count that is not zero. */
const VARIANTS: readonly { readonly reg: number; readonly constant: number }[] = [
  { reg: 2, constant: 0 },
  { reg: 1, constant: 0 },
  { reg: 2, constant: 1 },
]

/** Instructions of a row, one for each combination of size, repetition and kind of operand, by encoding and decoding them. */
function* instructionsOf(row: Row): Generator<Decoded> {
  for (const mode of [64, 32] as const)
    for (const prefix of [[], [0x66], [0xf3], [0xf2]])
      for (const rex of mode === 64 ? [[], [0x48]] : [[]])
        for (const modrm of MODRM)
          for (const { reg, constant } of VARIANTS.slice(0, row.variant ? 3 : 1)) {
            const mandatory = row.prefix !== undefined && row.prefix !== 'np' ? [MANDATORY[row.prefix]] : []
            const [first, ...rest] = modrm
            const rm = row.rm !== undefined && first >= 0xc0 ? row.rm : first & 7
            const tail = [
              (first & 0xc0) | ((row.ext ?? reg) << 3) | rm,
              ...rest,
              ...new Array<number>(10).fill(constant),
            ]
            const bytes = Uint8Array.from([...prefix, ...mandatory, ...rex, ...OPCODE_MAP[row.map], row.code, ...tail])
            const insn = decode(bytes, 0, 15, mode)
            if (!isFault(insn) && insn.row === row) yield insn
          }
}

/** The forms with a body in the loop, in a fixed order: the same in every worker and every process of this version. */
export function loopForms(): readonly Form[] {
  const forms = new Map<string, Form>()
  // No others have any: to look for them takes a quarter of a second.
  for (const row of rows.filter((row) => row.ends || mayBeFrequent(row)))
    for (const insn of instructionsOf(row)) {
      const form = formOf(insn)
      if (form.inLoop && !forms.has(form.key)) forms.set(form.key, form)
    }
  return [...forms.values()]
}

export function memoryOperand(insn: Decoded): MemOperand | undefined {
  return insn.operands.find((o) => o.kind === 'mem')
}
