/** What is compared of a state. */

export const BREAKPOINT = 3
export const PAGE_FAULT = 14

/** Arithmetic flags, DF, NT, ID. */
export const FLAGS = 0x204cd5

export interface Field {
  readonly name: string
  /** Offset in the FXSAVE image. */
  readonly at: number
  readonly bytes: number
}

export const FX_FIELDS: readonly Field[] = [
  { name: 'fcw', at: 0, bytes: 2 },
  { name: 'fsw', at: 2, bytes: 2 },
  { name: 'ftw', at: 4, bytes: 1 },
  { name: 'fop', at: 6, bytes: 2 },
  { name: 'fip', at: 8, bytes: 8 },
  { name: 'fdp', at: 16, bytes: 8 },
  { name: 'mxcsr', at: 24, bytes: 4 },
]
export const ST = 32
export const ST_BYTES = 10
export const XMM = 160
export const XMM_BYTES = 16

/** Place of the physical x87 register n in an image. */
export function registerAt(fx: Uint8Array, n: number): number {
  const top = ((fx[3] as number) >> 3) & 7
  return ST + 16 * ((n - top) & 7)
}

const LETTERS: Readonly<Record<string, number>> = { c: 1, p: 4, a: 0x10, z: 0x40, s: 0x80, o: 0x800, d: 0x400 }

/** Bits of RFLAGS for letters as in `Row.undefines`. */
export const flagBits = (letters: string = ''): number =>
  [...letters].reduce((bits, letter) => bits | (LETTERS[letter] ?? 0), 0)
