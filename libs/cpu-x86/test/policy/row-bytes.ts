import type { Row } from '../../src/insn/row.ts'

const MAPS: readonly (readonly number[])[] = [[], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]]
const MANDATORY: Readonly<Record<string, readonly number[]>> = { np: [], '66': [0x66], f3: [0xf3], f2: [0xf2] }
const PP: Readonly<Record<string, number>> = { np: 0, '66': 1, f3: 2, f2: 3 }

/** An instruction of the row: register 2 and register 1, or memory at rbx where it must be; zeros follow. */
export function bytesOfRow(row: Row): Uint8Array {
  const memory = row.mod === 'mem' || /(^| )M[a-z]/.test(row.operands)
  const modrm = (memory ? 0 : 0xc0) | ((row.ext ?? 2) << 3) | (memory ? 3 : (row.rm ?? 1))
  const prefix = MANDATORY[row.prefix ?? 'np']
  const rex = row.w === 1 ? [0x48] : []
  const head = row.vex
    ? [0xc4, 0xe0 | row.map, ((row.w ?? 0) << 7) | (/(^| )H/.test(row.operands) ? 0x68 : 0x78) | PP[row.prefix ?? 'np']]
    : [...prefix, ...rex, ...MAPS[row.map]]
  return Uint8Array.of(...head, row.code, modrm, 0, 0, 0, 0, 0, 0, 0, 0)
}
