/** Operands of operations whose results are exact, or only just not, while nothing has been rounded yet. */
import type { Row } from '../../src/insn/row.ts'
import type { Random } from '../float/operands.ts'
import { initialFx, type NativeCase, registers } from '../native/native.ts'

const PREFIX = { np: [], '66': [0x66], f3: [0xf3], f2: [0xf2] } as const
const MAPS: readonly (readonly number[])[] = [[], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]]
const XMM0_XMM1 = 0xc1
const XMM0 = 160
const MXCSR = 24
/** All masked; with FTZ and DAZ; with all flags but the inexact one. */
const MODES = [0x1f80, 0x1f80, 0x9fc0, 0x1f9f]

type Pair = readonly [number, number]

/** An integer of so many bits, odd but for one in four. */
function integer(random: Random, bits: number): number {
  const all = BigInt.asUintN(bits, random.bits64()) | (1n << BigInt(bits - 1))
  return Number(random.below(4) === 0 ? all : all | 1n)
}

const sign = (random: Random): number => (random.below(2) === 0 ? 1 : -1)
const scale = (random: Random, most: number): number => 2 ** (random.below(2 * most) - most)

/** A number that needs 1 to `precision` bits. */
const number = (random: Random, precision: number): number =>
  sign(random) * integer(random, 1 + random.below(precision)) * scale(random, 30)

/** The smallest change. */
function next(value: number, isDouble: boolean): number {
  if (isDouble) {
    const bits = new BigInt64Array(1)
    const numbers = new Float64Array(bits.buffer)
    numbers[0] = value
    bits[0] += 1n
    return numbers[0]
  }
  const bits = new Int32Array(1)
  const numbers = new Float32Array(bits.buffer)
  numbers[0] = value
  bits[0] += 1
  return numbers[0]
}

function pair(random: Random, isDouble: boolean): Pair {
  const precision = isDouble ? 53 : 24
  const width = 1 + random.below(precision)
  const y = sign(random) * integer(random, width) * scale(random, 20)
  const rest = Math.min(precision, Math.max(1, precision - width + random.below(4) - 1))
  const z = sign(random) * integer(random, rest) * scale(random, 20)
  const half = integer(random, 1 + random.below((precision >> 1) + 1))
  switch (random.below(9)) {
    case 0:
      // A product of as many bits as there are, one more or one less.
      return [z, y]
    case 1:
      return [y * z, y]
    case 2:
      return [next(y * z, isDouble), y]
    case 3:
      return [y, half * half * 4 ** (random.below(20) - 10)]
    case 4:
      return [y, next(half * half, isDouble)]
    case 5:
      return [sign(random) * 0, random.below(2) === 0 ? 0 : y]
    case 6:
      // Bits as far apart as a significand is long, or nearly.
      return [y, y * 2 ** (random.below(6) - 3 - (precision - width)) + 0]
    case 7:
      return [number(random, 8), number(random, 8)]
    default:
      return [number(random, precision), number(random, precision)]
  }
}

/** The row on xmm0, xmm1, eax and ecx. */
export function exactCases(random: Random, row: Row, count: number): readonly NativeCase[] {
  const rex = row.w === 1 ? [0x48] : []
  const opcode = [...(MAPS[row.map] as readonly number[]), row.code, XMM0_XMM1]
  const isDouble = /[ps]d(2|$)/.test(row.name)
  return Array.from({ length: count }, (): NativeCase => {
    const immediate = row.operands.includes('I') ? [random.below(16)] : []
    const fx = initialFx()
    const view = new DataView(fx.buffer)
    view.setUint32(MXCSR, random.pick(MODES), true)
    for (let at = XMM0; at < XMM0 + 16; at += isDouble ? 8 : 4) {
      for (const [register, value] of pair(random, isDouble).entries()) {
        if (isDouble) view.setFloat64(at + 16 * register, value, true)
        else view.setFloat32(at + 16 * register, value, true)
      }
      // Lanes of integers.
      if (/dq2/.test(row.name)) view.setInt32(at + 16, sign(random) * integer(random, 1 + random.below(31)), true)
    }
    const bits = 20 + random.below(43)
    const general = (BigInt(sign(random) * integer(random, bits)) << BigInt(random.below(64 - bits))) + 0n
    const gpr = registers({ rcx: BigInt.asUintN(64, random.below(20) === 0 ? -(2n ** 63n) : general) })
    return { code: Uint8Array.of(...PREFIX[row.prefix ?? 'np'], ...rex, ...opcode, ...immediate), gpr, fx }
  })
}
