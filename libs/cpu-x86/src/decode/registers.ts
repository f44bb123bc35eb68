import type { ImmOperand, MmxOperand, RegOperand, SpecialOperand, XmmOperand } from './decoded.ts'

/** Operands that are the same for every instruction that names them: made once, shared, never changed. */
type GprSize = RegOperand['size']
type XmmSize = XmmOperand['size']

function perSize<S extends number, T>(sizes: readonly S[], make: (size: S) => T): T[] {
  const table: T[] = []
  for (const size of sizes) table[size] = make(size)
  return table
}

const sixteen = <T>(make: (reg: number) => T): T[] => Array.from({ length: 16 }, (_, reg) => make(reg))

const gprs: RegOperand[][] = perSize<GprSize, RegOperand[]>([1, 2, 4, 8], (size) =>
  sixteen((reg) => ({ kind: 'reg', reg, high: false, size })),
)
/** Indexed by the register number in the encoding: 4 ah, 5 ch, 6 dh, 7 bh. */
const highBytes: RegOperand[] = sixteen((reg) => ({ kind: 'reg', reg: reg & 3, high: true, size: 1 }))
const xmms: XmmOperand[][] = perSize<XmmSize, XmmOperand[]>([1, 2, 4, 8, 16], (size) =>
  sixteen((reg) => ({ kind: 'xmm', reg, size })),
)
const mmxs: MmxOperand[][] = perSize<4 | 8, MmxOperand[]>([4, 8], (size) =>
  sixteen((reg) => ({ kind: 'mmx', reg: reg & 7, size })),
)
const segmentRegisters: SpecialOperand[] = sixteen((reg) => ({ kind: 'sreg', reg, size: 2 }))
const controlRegisters: SpecialOperand[] = sixteen((reg) => ({ kind: 'creg', reg, size: 8 }))
const debugRegisters: SpecialOperand[] = sixteen((reg) => ({ kind: 'dreg', reg, size: 8 }))

/** A general register; `highBytePossible` is true for byte registers of an instruction without REX. */
export function gprOperand(reg: number, size: GprSize, highBytePossible: boolean): RegOperand {
  if (size === 1 && highBytePossible && reg >= 4 && reg < 8) return highBytes[reg]
  return gprs[size][reg]
}

export const xmmOperand = (reg: number, size: XmmSize): XmmOperand => xmms[size][reg]
export const mmxOperand = (reg: number, size: 4 | 8): MmxOperand => mmxs[size][reg]

/** ES, CS, SS, DS, FS, GS; nothing for 6 and 7. */
export const segmentOperand = (reg: number): SpecialOperand | undefined => (reg < 6 ? segmentRegisters[reg] : undefined)

const CONTROL_REGISTERS = 0b1_0001_1101

export const controlOperand = (reg: number): SpecialOperand | undefined =>
  (CONTROL_REGISTERS >> reg) & 1 ? controlRegisters[reg] : undefined
export const debugOperand = (reg: number): SpecialOperand | undefined => (reg < 8 ? debugRegisters[reg] : undefined)

const SMALLEST = -256
const bigints: bigint[] = Array.from({ length: 512 }, (_, i) => BigInt(i + SMALLEST))
const immediates: ImmOperand[][] = perSize<GprSize, ImmOperand[]>([1, 2, 4, 8], (size) =>
  bigints.map((value) => ({ kind: 'imm', value, size })),
)

export const toBigInt = (value: number): bigint => bigints[value - SMALLEST] ?? BigInt(value)

export function immediateOperand(value: number, size: GprSize): ImmOperand {
  return immediates[size][value - SMALLEST] ?? { kind: 'imm', value: BigInt(value), size }
}
