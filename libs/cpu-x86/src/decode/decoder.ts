import type { Row } from '../insn/row.ts'
import { rows } from '../insn/table.ts'
import type { Decoded, DecodeFault, Operand, Segment } from './decoded.ts'
import { ModRm } from './modrm.ts'
import type { Cursor } from './operand-spec.ts'
import { Prefixes } from './prefixes.ts'
import { type OpcodeNode, type Plan, RowIndex, VEX_NODES } from './row-index.ts'
import { isVex, readVex } from './vex.ts'

const MAX_LENGTH = 15

const INVALID: DecodeFault = { fault: 'invalid' }
const MORE: DecodeFault = { fault: 'more' }
const TOO_LONG: DecodeFault = { fault: 'toolong' }

/**
 * Decodes the instruction at `bytes[offset]`; bytes from `end` on are not looked at. `mode` 64 is 64-bit mode, 32 is
 * compatibility mode with a 32-bit code segment. Never throws on what the bytes say.
 */
export type Decode = (bytes: Uint8Array, offset: number, end: number, mode: 32 | 64) => Decoded | DecodeFault

export const isFault = (answer: Decoded | DecodeFault): answer is DecodeFault => 'fault' in answer

class Decoder implements Cursor {
  readonly modrm: ModRm = new ModRm()
  readonly #prefixes = new Prefixes()
  readonly #rows64: RowIndex
  readonly #rows32: RowIndex
  bytes: Uint8Array = new Uint8Array(0)
  position = 0
  rex = 0
  vvvv = 0
  opcodeRegister = 0
  segment: Segment = 'none'
  size: 1 | 2 | 4 | 8 = 4
  addressSize: 2 | 4 | 8 = 8
  wide: 4 | 8 = 4

  constructor(rows: readonly Row[]) {
    this.#rows64 = new RowIndex(rows, 64)
    this.#rows32 = new RowIndex(rows, 32)
  }

  decode(bytes: Uint8Array, offset: number, end: number, mode: 32 | 64): Decoded | DecodeFault {
    const limit = Math.min(end, offset + MAX_LENGTH)
    const outOfBytes = limit < end || limit - offset === MAX_LENGTH ? TOO_LONG : MORE
    const prefixes = this.#prefixes
    let position = prefixes.scan(bytes, offset, limit, mode)
    if (position >= limit) return outOfBytes
    let { rex } = prefixes
    let prefix: number = prefixes.repeat === 0xf3 ? 2 : prefixes.repeat === 0xf2 ? 3 : prefixes.operandSize ? 1 : 0
    let opcode = bytes[position++]
    let key = opcode
    this.vvvv = 0
    if (opcode === 0x0f) {
      if (position >= limit) return outOfBytes
      opcode = bytes[position++]
      key = 0x100 | opcode
      if (opcode === 0x38 || opcode === 0x3a) {
        if (position >= limit) return outOfBytes
        key = opcode === 0x38 ? 0x200 : 0x300
        opcode = bytes[position++]
        key |= opcode
      }
    } else if (isVex(opcode, bytes, position, limit, mode)) {
      const length = opcode === 0xc5 ? 1 : 2
      if (position + length >= limit) return outOfBytes
      const vex = readVex(bytes, position, length, mode)
      if (!vex || prefixes.lock || prefixes.rex || prefix !== 0) return INVALID
      position += length
      opcode = bytes[position++]
      key = VEX_NODES | (vex.map << 8) | opcode
      this.vvvv = vex.vvvv
      rex = vex.rex
      prefix = vex.pp
    }
    const node = (mode === 64 ? this.#rows64 : this.#rows32).node(key)
    if (node === null) return INVALID

    const { modrm } = this
    const addressSize = mode === 64 ? (prefixes.addressSize ? 4 : 8) : prefixes.addressSize ? 2 : 4
    let isRegister = false
    if (node.usesModRm) {
      if (position >= limit) return outOfBytes
      modrm.take(bytes[position++])
      isRegister = modrm.isRegister || node.ignoresMod
      if (!isRegister) {
        position = modrm.readMemory(bytes, position, limit, mode, addressSize, rex)
        if (position < 0) return outOfBytes
      }
    }
    const plan = node.leaves[this.#leaf(node, prefix, rex, isRegister)]
    if (plan === undefined) return INVALID
    if (plan.row.vex && this.vvvv !== 0 && !plan.operands.usesVvvv) return INVALID
    if (prefixes.lock && (!plan.row.lock || isRegister)) return INVALID

    this.bytes = bytes
    this.position = position
    this.rex = rex
    this.opcodeRegister = opcode & 7
    this.segment = prefixes.segment
    this.addressSize = addressSize
    this.wide = rex & 8 ? 8 : 4
    if (mode === 32) this.vvvv &= 7
    this.size = operandSize(plan, mode, rex, prefixes.operandSize)
    return this.#finish(plan, mode, offset, limit, node.usesModRm, outOfBytes)
  }

  /** @param prefix mandatory prefix in the order of VEX.pp */
  #leaf(node: OpcodeNode, prefix: number, rex: number, isRegister: boolean): number {
    const { strides } = node
    const { reg, rm } = this.modrm
    return (
      prefix * strides.prefix +
      ((rex >> 3) & 1) * strides.w +
      (rex & 1) * strides.rexB +
      reg * strides.reg +
      (isRegister ? strides.isRegister : 0) +
      rm * strides.rm
    )
  }

  #finish(
    plan: Plan,
    mode: 32 | 64,
    offset: number,
    limit: number,
    hasModRm: boolean,
    outOfBytes: DecodeFault,
  ): Decoded | DecodeFault {
    const { row } = plan
    const { makers, immediates } = plan.operands
    let last = this.position
    for (const sizeOf of immediates) last += sizeOf(this)
    if (last > limit) return outOfBytes
    const operands: Operand[] = []
    for (const make of makers) {
      const operand = make(this)
      if (operand === undefined) return INVALID
      operands.push(operand)
    }
    const { repeat } = this.#prefixes
    return {
      row,
      mode,
      length: last - offset,
      size: this.size,
      addressSize: this.addressSize,
      operands,
      lock: this.#prefixes.lock,
      // Where only the count matters, F2 repeats as F3 does.
      rep: row.rep === undefined || repeat === 0 ? 0 : row.rep === 'rep' ? 0xf3 : repeat,
      modrm: hasModRm ? this.modrm.byte : 0,
    }
  }
}

function operandSize(plan: Plan, mode: 32 | 64, rex: number, prefix66: boolean): 1 | 2 | 4 | 8 {
  if (plan.operands.isByte) return 1
  if (mode === 64) {
    if (rex & 8 || plan.row.force64) return 8
    if (prefix66 && plan.sizedBy66) return 2
    return plan.row.default64 ? 8 : 4
  }
  return prefix66 && plan.sizedBy66 ? 2 : 4
}

/** A decoder of these rows, those of a feature that `offers` denies left out (#UD, or what the encoding meant before it). */
export function makeDecoder(rows: readonly Row[], offers: (feature: string) => boolean = () => true): Decode {
  const offered = rows.filter((row) => row.feature === undefined || offers(row.feature))
  const decoder = new Decoder(offered)
  return (bytes, offset, end, mode) => decoder.decode(bytes, offset, end, mode)
}

/** Decodes with all rows of the table; whoever runs the instruction checks `Row.feature`. */
export const decode: Decode = makeDecoder(rows)
