/** The VEX prefix (SDM vol. 2, 2.3.5). */

/** What a VEX prefix says, in terms of the legacy encoding. */
export interface Vex {
  /** As `Row.map`. */
  readonly map: number
  /** REX byte of the same meaning. */
  readonly rex: number
  /** 0 none, 1 66, 2 F3, 3 F2. */
  readonly pp: number
  /** The register, already inverted: 0 is encoded as 1111. In 32-bit mode bit 3 counts for nothing where a register is meant. */
  readonly vvvv: number
}

/** Whether C4 or C5, whose next byte is at `position`, begins a VEX prefix; in 32-bit mode it may be les or lds instead. */
export function isVex(opcode: number, bytes: Uint8Array, position: number, limit: number, mode: 32 | 64): boolean {
  if (opcode !== 0xc4 && opcode !== 0xc5) return false
  return mode === 64 || (position < limit && bytes[position] >= 0xc0)
}

/**
 * The prefix whose `length` bytes after the first are at `position`; undefined if no instruction has it: another map, or VEX.L. In
 * 32-bit mode there are eight registers and VEX.W counts for nothing.
 */
export function readVex(bytes: Uint8Array, position: number, length: number, mode: 32 | 64): Vex | undefined {
  const first = bytes[position]
  const last = bytes[position + length - 1]
  const map = length === 1 ? 1 : first & 31
  if (map < 1 || map > 3 || (last & 4) !== 0) return undefined
  // R, and in the long form X and B, are inverted; W is not.
  const inverted = length === 1 ? (~first >> 5) & 4 : (~first >> 5) & 7
  const w = length === 1 ? 0 : (last >> 4) & 8
  const is64 = mode === 64
  return { map, rex: 0x40 | (is64 ? w | inverted : 0), pp: last & 3, vvvv: (~last >> 3) & 15 }
}
