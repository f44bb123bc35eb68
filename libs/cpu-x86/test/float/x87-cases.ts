/** x87 instructions and states to try them in. */
import { x87Row } from '../../src/float/x87-table.ts'
import { double, extended, integer, type Random, single } from './operands.ts'
import { blankCase, IN_MEM, IN_RAX, ST0 } from './silicon.ts'

export interface Instruction {
  readonly name: string
  readonly opcode: number
  readonly modrm: number
  /** With a 66 prefix. */
  readonly operandSize16: boolean
}

export const encode = ({ opcode, modrm, operandSize16 }: Instruction): number[] => [
  ...(operandSize16 ? [0x66] : []),
  opcode,
  modrm,
]

/** Every instruction once with memory at [rsi] (ModRM.rm = 6), every register form with ST(1) or ST(3). */
export function instructions(): Instruction[] {
  const found: Instruction[] = []
  for (let opcode = 0xd8; opcode <= 0xdf; opcode++) {
    for (let modrm = 0; modrm < 256; modrm++) {
      const row = x87Row(opcode, modrm)
      if (row === undefined) continue
      const stackForm = modrm >= 0xc0 && x87Row(opcode, modrm ^ 2) === row
      if (modrm < 0xc0 ? (modrm & 0xc7) !== 6 : stackForm && (modrm & 7) !== 1 && (modrm & 7) !== 3) continue
      const bytes = `${opcode.toString(16)} ${modrm.toString(16)}`
      found.push({ name: `${row.mnemonic} (${bytes})`, opcode, modrm, operandSize16: false })
      if (row.memBytes16 === row.memBytes) continue
      found.push({ name: `${row.mnemonic} (66 ${bytes})`, opcode, modrm, operandSize16: true })
    }
  }
  return found
}

function tags(random: Random, top: number): number {
  const choice = random.below(8)
  if (choice === 0) return random.below(256)
  // ST(7) is where a push goes.
  return choice < 3 ? 0xff : 0xff & ~(1 << ((top + 7) & 7))
}

function putSt(view: DataView, i: number, value: { signExp: number; sig: bigint }): void {
  view.setBigUint64(ST0 + 16 * i, value.sig, true)
  view.setUint16(ST0 + 16 * i + 8, value.signExp, true)
}

/** A value of a magnitude from 2^-`below` to 2^`above`. */
export function moderate(random: Random, below: number, above: number): { signExp: number; sig: bigint } {
  const exp = 16383 - below + random.below(below + above)
  return { signExp: exp | (random.below(2) << 15), sig: random.bits64() | (1n << 63n) }
}

function memoryOperand(view: DataView, instruction: Instruction, random: Random): void {
  const row = x87Row(instruction.opcode, instruction.modrm)
  const bytes = row?.memBytes ?? 0
  if (row?.mnemonic === 'fbld') {
    for (let i = 0; i < 9; i++) view.setUint8(IN_MEM + i, random.below(10) | (random.below(10) << 4))
    view.setUint8(IN_MEM + 9, random.below(2) << 7)
  } else if (bytes === 10) {
    const { signExp, sig } = extended(random)
    view.setBigUint64(IN_MEM, sig, true)
    view.setUint16(IN_MEM + 8, signExp, true)
  } else if (instruction.opcode & 1 && bytes <= 8 && row?.mnemonic === 'fld') {
    if (bytes === 4) view.setUint32(IN_MEM, single(random), true)
    else view.setBigUint64(IN_MEM, double(random), true)
  } else if (instruction.opcode === 0xd8) view.setUint32(IN_MEM, single(random), true)
  else if (instruction.opcode === 0xdc) view.setBigUint64(IN_MEM, double(random), true)
  else view.setBigInt64(IN_MEM, integer(random), true)
}

/** A state with consistent ES; `value` supplies the registers. */
export function makeState(
  random: Random,
  value: (random: Random) => { signExp: number; sig: bigint } = extended,
): DataView {
  const view = blankCase()
  const top = random.below(8)
  const masks = random.below(4) === 0 ? random.below(64) : 0x3f
  const sticky = random.below(3) === 0 ? random.below(64) & (random.below(8) === 0 ? 0x3f : masks) : 0
  const pending = (sticky & ~masks) === 0 ? 0 : 0x8080
  const status =
    sticky | pending | (top << 11) | (random.below(2) * 0x40) | (random.below(8) << 8) | (random.below(2) << 14)
  view.setUint16(0, 0x40 | masks | (random.pick([0, 2, 3]) << 8) | (random.below(4) << 10), true)
  view.setUint16(2, status, true)
  view.setUint8(4, tags(random, top))
  for (let i = 0; i < 8; i++) putSt(view, i, value(random))
  view.setUint8(ST0 + 9, view.getUint8(ST0 + 9))
  const relation = random.below(8)
  if (relation === 0)
    putSt(view, 1, {
      signExp: view.getUint16(ST0 + 8, true) ^ (random.below(2) << 15),
      sig: view.getBigUint64(ST0, true),
    })
  if (relation === 1)
    putSt(view, 1, { signExp: view.getUint16(ST0 + 8, true) ^ random.below(8), sig: random.bits64() | (1n << 63n) })
  view.setBigUint64(IN_RAX, random.bits64(), true)
  return view
}

export function makeCase(instruction: Instruction, random: Random): DataView {
  const view = makeState(random)
  memoryOperand(view, instruction, random)
  return view
}
