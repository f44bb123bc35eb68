/** pcmpestri, pcmpestrm, pcmpistri, pcmpistrm of SSE4.2: SDM volume 1, section 12.4, "String and text processing". */

const CF = 0x001
const ZF = 0x040
const SF = 0x080
const OF = 0x800

/** Fields of the immediate. */
const WORDS = 1
const SIGNED = 2
const NEGATE = 0x10
const MASKED = 0x20
/** The last index rather than the first; a mask of lanes rather than of bits. */
const WIDE = 0x40

/** One operand: its elements, of which the first `length` are valid. */
interface Text {
  readonly elements: readonly number[]
  readonly length: number
}

/** What comparing found: a bit for each element of the second operand. */
export interface StringResult {
  readonly bits: number
  readonly rflags: number
  /** Elements in an operand: 16 or 8. */
  readonly count: number
}

function read(view: DataView, at: number, imm: number, length: number | undefined): Text {
  const isWords = (imm & WORDS) !== 0
  const isSigned = (imm & SIGNED) !== 0
  const elements = Array.from({ length: isWords ? 8 : 16 }, (_, i) => {
    if (isWords) return isSigned ? view.getInt16(at + 2 * i, true) : view.getUint16(at + 2 * i, true)
    return isSigned ? view.getInt8(at + i) : view.getUint8(at + i)
  })
  const end = elements.indexOf(0)
  return { elements, length: Math.min(elements.length, length ?? (end < 0 ? elements.length : end)) }
}

/** Whether element j of the second operand matches, by imm[3:2]. */
const AGGREGATIONS: readonly ((a: Text, b: Text, j: number) => boolean)[] = [
  // Equal any: a is a set.
  (a, b, j) => j < b.length && a.elements.slice(0, a.length).includes(b.elements[j] as number),
  // Ranges: a holds pairs of bounds; one without its partner is none.
  (a, b, j) => {
    const x = b.elements[j] as number
    for (let i = 0; i + 1 < a.length; i += 2) {
      if (j < b.length && (a.elements[i] as number) <= x && x <= (a.elements[i + 1] as number)) return true
    }
    return false
  },
  // Equal each: elements beyond both ends are equal.
  (a, b, j) => (j < a.length && j < b.length ? a.elements[j] === b.elements[j] : j >= a.length && j >= b.length),
  // Equal ordered: a begins at j of b, as far as the register shows.
  (a, b, j) => {
    for (let i = 0; i < a.length && i + j < b.elements.length; i++) {
      if (i + j >= b.length || a.elements[i] !== b.elements[i + j]) return false
    }
    return true
  },
]

/** @param lengths of both operands, where they are not given by a terminating zero */
export function compareStrings(
  view: DataView,
  first: number,
  second: number,
  imm: number,
  lengths?: readonly [number, number],
): StringResult {
  const a = read(view, first, imm, lengths?.[0])
  const b = read(view, second, imm, lengths?.[1])
  const count = b.elements.length
  const matches = AGGREGATIONS[(imm >> 2) & 3] as (a: Text, b: Text, j: number) => boolean
  let bits = 0
  for (let j = 0; j < count; j++) if (matches(a, b, j)) bits |= 1 << j
  const negated = (imm & NEGATE) === 0 ? 0 : (imm & MASKED) === 0 ? (1 << count) - 1 : (1 << b.length) - 1
  bits ^= negated
  const rflags =
    (bits === 0 ? 0 : CF) | (b.length < count ? ZF : 0) | (a.length < count ? SF : 0) | ((bits & 1) === 0 ? 0 : OF)
  return { bits, rflags, count }
}

/** Index of the first or last bit set; the number of elements if there is none. */
export function matchIndex({ bits, count }: StringResult, imm: number): number {
  if (bits === 0) return count
  return 31 - Math.clz32((imm & WIDE) === 0 ? bits & -bits : bits)
}

/** Writes 16 bytes: the bits, or each of them as a lane of ones or zeros. */
export function writeMask(view: DataView, at: number, { bits, count }: StringResult, imm: number): void {
  const lane = 16 / count
  for (let i = 0; i < 16; i++) {
    const byte = (imm & WIDE) === 0 ? (i < 2 ? bits >> (8 * i) : 0) : -((bits >> Math.floor(i / lane)) & 1)
    view.setUint8(at + i, byte & 0xff)
  }
}
