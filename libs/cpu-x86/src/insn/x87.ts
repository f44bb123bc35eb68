/**
 * x87 instructions, D8 to DF. The float library executes them; the definitions open memory, pass RFLAGS to fcmovcc, and take RFLAGS of
 * fcomi and the status word of fnstsw ax from the word 'result', where the helper leaves them. The rows are the library's own table.
 * For FIP and FDP the helper finds the instruction's address and its operand's offset in the words 'x87ip' and 'x87dp'.
 */
import type { Builder } from '../builder/builder.ts'
import { operandSize, type X87Row, x87Row } from '../float/x87-table.ts'
import type { I32 } from '../wasm/expr.ts'
import { i32, i64 } from '../wasm/ops.ts'
import type { Definition, Row } from './row.ts'
import { MF, OPERAND_SIZE_16 } from './x87-helper.ts'

const OPCODES: readonly number[] = [0xd8, 0xd9, 0xda, 0xdb, 0xdc, 0xdd, 0xde, 0xdf]
const EIGHT: readonly number[] = [0, 1, 2, 3, 4, 5, 6, 7]

/** ES: an unmasked exception waits for the next instruction that looks. */
const FSW_ES = 1n << (16n + 7n)

/** Raises #MF for a pending exception, before the access to memory could fault. */
export function faultIfPending(b: Builder): void {
  b.fault(i64.ne(i64.and(b.state('x87'), i64.const(FSW_ES)), i64.const(0)), MF)
}

/** @returns the helper's answer, raised as #MF; nothing but memory can fault after `faultIfPending` */
function execute(b: Builder, opcode: number, modrm: I32, address: I32): void {
  b.setState('x87ip', b.rip())
  const operation = opcode | (b.size === 2 ? OPERAND_SIZE_16 : 0)
  b.fault(b.helper('x87', i32.const(operation), modrm, address), MF)
}

const withMemory =
  (opcode: number, ext: number, { waiting, access }: X87Row): Definition =>
  (b) => {
    if (waiting) faultIfPending(b)
    const modrm = ext << 3
    const memory = b.op(0)
    if (memory.kind === 'mem') b.setState('x87dp', b.address(memory, false))
    const operand = b.open(memory, access === 'w' ? 'w' : 'r', operandSize(opcode, modrm, b.size === 2))
    execute(b, opcode, b.modrm(), b.hostAddress(operand))
  }

const withRegisters =
  (opcode: number, ext: number): Definition =>
  (b) =>
    execute(b, opcode, i32.const(0xc0 | (ext << 3) | (b.insn.modrm & 7)), i32.const(0))

const conditionalMove =
  (opcode: number, ext: number): Definition =>
  (b) => {
    b.setState('result', b.arithmeticFlags())
    withRegisters(opcode, ext)(b)
  }

/** The flags stay if an unmasked exception stops the comparison. */
const settingFlags =
  (opcode: number, ext: number): Definition =>
  (b) => {
    conditionalMove(opcode, ext)(b)
    b.flags({ kind: 'bits', rflags: b.state('result') })
  }

function storeStatusInAx(b: Builder): void {
  withRegisters(0xdf, 4)(b)
  b.put(b.gpr(0, 2), b.state('result'))
}

function memoryRow(opcode: number, ext: number): Row | undefined {
  const row = x87Row(opcode, ext << 3)
  if (row === undefined) return undefined
  const def = withMemory(opcode, ext, row)
  const feature = row.mnemonic === 'fisttp' ? { feature: 'sse3' } : {}
  return { name: row.mnemonic, map: 0, code: opcode, ext, mod: 'mem', operands: 'Mn', rare: true, ...feature, def }
}

function definitionOf(name: string, opcode: number, ext: number): Pick<Row, 'def' | 'reads' | 'writes'> {
  if (name === 'fnstsw') return { def: storeStatusInAx }
  if (name.startsWith('fcmov')) return { reads: 'zpc', def: conditionalMove(opcode, ext) }
  if (/^fu?comip?$/.test(name)) return { reads: 'oszapc', writes: 'oszapc', def: settingFlags(opcode, ext) }
  return { def: withRegisters(opcode, ext) }
}

/** One row where all eight registers are the same instruction, else one for each. */
function registerRows(opcode: number, ext: number): readonly Row[] {
  const base = 0xc0 | (ext << 3)
  const found = EIGHT.map((rm) => x87Row(opcode, base | rm))
  const common = { map: 0, code: opcode, ext, mod: 'reg', operands: '', rare: true } as const
  const [first] = found
  if (first !== undefined && found.every((row) => row?.mnemonic === first.mnemonic)) {
    const { mnemonic: name } = first
    return [{ name, ...common, variant: (insn) => insn.modrm & 7, ...definitionOf(name, opcode, ext) }]
  }
  return found.flatMap((row, rm): readonly Row[] => {
    if (row === undefined) return []
    return [{ name: row.mnemonic, ...common, rm, ...definitionOf(row.mnemonic, opcode, ext) }]
  })
}

export const rows: readonly Row[] = [
  { name: 'fwait', map: 0, code: 0x9b, operands: '', rare: true, def: faultIfPending },
  ...OPCODES.flatMap((opcode) =>
    EIGHT.flatMap((ext) => {
      const memory = memoryRow(opcode, ext)
      return memory === undefined ? registerRows(opcode, ext) : [memory, ...registerRows(opcode, ext)]
    }),
  ),
]
