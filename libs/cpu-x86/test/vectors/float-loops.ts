/** Loops of floating-point instructions over a table of numbers, some of them odd, for all tiers. */

import type { Random } from '../insn/random.ts'

/** Opcodes behind a mandatory prefix and 0f: xmm, xmm or memory of 16 bytes, aligned. */
const ARITHMETIC = [0x51, 0x58, 0x59, 0x5c, 0x5d, 0x5e, 0x5f]
const PREFIXES = [[0xf2], [0xf3], [0x66], []]

const DISPLACEMENTS = 16

/** One instruction; memory is [rbx + rsi] and some multiple of 16, up to 256. */
function instruction(random: Random): number[] {
  const operand = (): number[] => {
    const reg = random.below(8) << 3
    return random.below(2) === 0 ? [0xc0 | reg | random.below(8)] : [0x44 | reg, 0x33, random.below(8) * DISPLACEMENTS]
  }
  const prefixed = (prefix: readonly number[], ...rest: number[]): number[] => [...prefix, 0x0f, ...rest]
  switch (random.below(16)) {
    case 0:
      return prefixed([0xf2], 0x10, ...operand())
    case 1:
      return prefixed([0xf3], 0x10, ...operand())
    case 2:
      return prefixed([], 0x28, ...operand())
    case 3: {
      const reg = random.below(8)
      return prefixed([0x66], 0xef, 0xc0 | (reg << 3) | reg)
    }
    case 4:
      // A store behind what is read.
      return prefixed(PREFIXES[random.below(4)], 0x11, 0x84 | (random.below(8) << 3), 0x33, 0, 1, 0, 0)
    case 5: {
      // ucomis or comis, setcc r8b of some condition, and into r9.
      const set = [0x41, 0x0f, 0x90 | random.below(16), 0xc0, 0x4d, 0x01, 0xc1]
      return [...prefixed(random.below(2) === 0 ? [0x66] : [], 0x2e + random.below(2), ...operand()), ...set]
    }
    case 6:
      return [random.below(2) === 0 ? 0xf2 : 0xf3, 0x0f, 0x2a, 0xc0 | (random.below(8) << 3) | 6]
    case 7:
      return [random.below(2) === 0 ? 0xf2 : 0xf3, 0x4c, 0x0f, 0x2c + random.below(2), 0xd0 | random.below(8)]
    case 8:
      return prefixed(PREFIXES[random.below(4)], 0x5a, ...operand())
    case 9:
      return prefixed(PREFIXES[random.below(4)], 0xc2, ...operand(), random.below(8))
    case 10:
      return prefixed([0x66], 0x14 + random.below(2), ...operand())
    case 11:
      return prefixed([], 0xc6, ...operand(), random.below(256))
    default:
      return prefixed(PREFIXES[random.below(4)], ARITHMETIC[random.below(ARITHMETIC.length)], ...operand())
  }
}

/** stmxcsr [rbx - 20]; imul r9, r9, 31; add r9, [rbx - 20] */
export const NOTED: readonly number[] = [0x0f, 0xae, 0x5b, 0xec, 0x4d, 0x6b, 0xc9, 31, 0x4c, 0x03, 0x4b, 0xec]

/**
 * A loop: instructions; now and then one of them is jumped over, or MXCSR is loaded from [rbx - 4 - 4n]
 * and what it is then noted; add rsi, 16; perhaps and esi, 0x7f0; dec ecx; jnz; jmp to
 * itself.
 */
export function floatLoop(random: Random, loadsMxcsr: boolean, isCircular: boolean): Uint8Array {
  const body: number[] = []
  const count = 3 + random.below(12)
  for (let n = 0; n < count; n++) {
    const bytes = instruction(random)
    // test cl, 1 << n; jz over.
    if (random.below(5) === 0) body.push(0xf6, 0xc1, 1 << random.below(3), 0x74, bytes.length)
    body.push(...bytes)
    if (loadsMxcsr && random.below(6) === 0)
      body.push(0xf6, 0xc1, 1 << random.below(3), 0x75, 4, 0x0f, 0xae, 0x53, 0xfc - 4 * random.below(4))
  }
  if (loadsMxcsr) body.push(...NOTED)
  body.push(0x48, 0x83, 0xc6, 0x10)
  if (isCircular) body.push(0x81, 0xe6, 0xf0, 0x07, 0, 0)
  body.push(0xff, 0xc9)
  const back = -(body.length + 6)
  body.push(0x0f, 0x85, back & 255, (back >> 8) & 255, (back >> 16) & 255, (back >> 24) & 255)
  return Uint8Array.of(...body, 0xeb, 0xfe)
}

const ODD_DOUBLES = [
  0n,
  1n << 63n,
  1n,
  0x000fffffffffffffn,
  0x0010000000000000n,
  0x0010000000000001n,
  0x7fefffffffffffffn,
  0x7ff0000000000000n,
  0xfff0000000000000n,
  0x7ff8000000000123n,
  0x7ff0000000000001n,
  0x3ff0000000000000n,
]
const ODD_SINGLES = [
  0, 0x80000000, 1, 0x7fffff, 0x800000, 0x800001, 0x7f7fffff, 0x7f800000, 0xff800000, 0x7fc00123, 0x7f800001,
]

/** Eight bytes: a double or two singles, odd once in `rarity` times. */
export function numberBits(random: Random, rarity: number): bigint {
  const isOdd = random.below(rarity) === 0
  if (random.below(2) === 0) {
    if (isOdd) return ODD_DOUBLES[random.below(ODD_DOUBLES.length)]
    const exponent = BigInt(1023 - 8 + random.below(16))
    return (
      (exponent << 52n) |
      (BigInt(random.below(1 << 20)) << 32n) |
      BigInt(random.below(0x7fffffff)) |
      (BigInt(random.below(2)) << 63n)
    )
  }
  const single = (): bigint =>
    isOdd
      ? BigInt(ODD_SINGLES[random.below(ODD_SINGLES.length)])
      : (BigInt(127 - 8 + random.below(16)) << 23n) | BigInt(random.below(1 << 23)) | (BigInt(random.below(2)) << 31n)
  return (single() << 32n) | single()
}
