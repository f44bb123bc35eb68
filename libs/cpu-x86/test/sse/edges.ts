/** Scalar and packed operands at the edges of the formats, each with each. */
import type { Row } from '../../src/insn/row.ts'
import { initialFx, type NativeCase, registers } from '../native/native.ts'

/**
 * Zero, denormal, the smallest normal numbers and what rounds to them, numbers about 1 and about the ranges of integers, the largest,
 * infinite, quiet and signalling NaN.
 */
const DOUBLES: readonly bigint[] = [
  0x0000000000000000n,
  0x8000000000000000n,
  0x000fffffffffffffn,
  0x0010000000000000n,
  0x0010000000000001n,
  0x3810000000000000n,
  0x380fffffefffffffn,
  0x3fefffffffffffffn,
  0x3ff0000000000000n,
  0x41dfffffffe00000n,
  0xc1e0000000000000n,
  0x43e0000000000000n,
  0x7fefffffffffffffn,
  0x7ff0000000000000n,
  0xfff8000000000000n,
  0x7ff0000000000001n,
]
const SINGLES: readonly bigint[] = [
  0x00000000n,
  0x80000000n,
  0x007fffffn,
  0x00800000n,
  0x00800001n,
  0x3f7fffffn,
  0x3f800000n,
  0x4effffffn,
  0xcf000000n,
  0x5f000000n,
  0x7f7fffffn,
  0x7f800000n,
  0xffc00000n,
  0x7f800001n,
]

const PREFIX = { np: [], '66': [0x66], f3: [0xf3], f2: [0xf2] } as const
const XMM0_XMM1 = 0xc1
const XMM0 = 160
const MXCSR = 24

/** Rows of map 0F with xmm operands only, on xmm0 and xmm1; unless told, the inexact flag is set, so that nothing is slow for its sake. */
export function edgeCases(row: Row, imm: number, mxcsr: number = 0x1fa0): readonly NativeCase[] {
  const isDouble = /[ps]d(2|$)/.test(row.name)
  const values = isDouble ? DOUBLES : SINGLES
  const immediate = row.operands.includes('I') ? [imm] : []
  const code = Uint8Array.from([...PREFIX[row.prefix ?? 'np'], 0x0f, row.code, XMM0_XMM1, ...immediate])
  const bytes = isDouble ? 8 : 4
  // One lane at the edge, the others usual: no lane hides behind another.
  const usual = isDouble ? 0x3ff8000000000000n : 0x3fc00000n
  return values.flatMap((x) =>
    values.map((y, n): NativeCase => {
      const fx = initialFx()
      const view = new DataView(fx.buffer)
      view.setUint32(MXCSR, mxcsr, true)
      const edge = row.operands.startsWith('Vx') ? n % (16 / bytes) : 0
      for (let lane = 0; lane < 16 / bytes; lane++) {
        for (const [register, value] of [x, y].entries()) {
          const at = XMM0 + 16 * register + lane * bytes
          const bits = lane === edge ? value : usual
          if (isDouble) view.setBigUint64(at, bits, true)
          else view.setUint32(at, Number(bits), true)
        }
      }
      return { code, gpr: registers({}), fx }
    }),
  )
}
