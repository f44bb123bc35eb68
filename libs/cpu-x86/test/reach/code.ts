/** Instructions with a memory operand, as bytes. */
export const [RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI] = [0, 1, 2, 3, 4, 5, 6, 7]
export const [R8, R9, R10, R11, R12, R13, R14, R15] = [8, 9, 10, 11, 12, 13, 14, 15]

export type Size = 1 | 2 | 4 | 8

export const bytes32 = (n: number): number[] => [...new Uint8Array(Int32Array.of(n).buffer)]

/** An opcode with [base + disp], or [base + index << scale + disp]; in `reg` the register, or more of the opcode. */
export function memory(
  opcode: readonly number[],
  reg: number,
  base: number,
  disp: number,
  { size = 8, index = RSP, scale = 0 }: { size?: Size; index?: number; scale?: number } = {},
): number[] {
  const rex = 0x40 | (size === 8 ? 8 : 0) | ((reg >> 3) << 2) | ((index >> 3) << 1) | (base >> 3)
  const modrm = [0x84 | ((reg & 7) << 3), (scale << 6) | ((index & 7) << 3) | (base & 7)]
  return [...(size === 2 ? [0x66] : []), rex, ...opcode, ...modrm, ...bytes32(disp)]
}

/** mov reg, [base + disp] */
export const load = (reg: number, base: number, disp: number, size: Size = 8): number[] =>
  memory([size === 1 ? 0x8a : 0x8b], reg, base, disp, { size })

/** mov [base + disp], reg */
export const store = (reg: number, base: number, disp: number, size: Size = 8): number[] =>
  memory([size === 1 ? 0x88 : 0x89], reg, base, disp, { size })

/** add reg, [base + disp] */
export const add = (reg: number, base: number, disp: number, size: Size = 8): number[] =>
  memory([size === 1 ? 0x02 : 0x03], reg, base, disp, { size })

/** add [base + disp], reg */
export const addTo = (reg: number, base: number, disp: number, size: Size = 8): number[] =>
  memory([size === 1 ? 0x00 : 0x01], reg, base, disp, { size })

/** mov to, from */
export const move = (to: number, from: number): number[] => [
  0x48 | ((from >> 3) << 2) | (to >> 3),
  0x89,
  0xc0 | ((from & 7) << 3) | (to & 7),
]

/** add reg, n */
export const addNumber = (reg: number, n: number): number[] => [
  0x48 | (reg >> 3),
  0x81,
  0xc0 | (reg & 7),
  ...bytes32(n),
]
