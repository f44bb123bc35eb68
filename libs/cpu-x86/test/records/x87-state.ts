/** x87 registers, control, status and tag words of a case. */
import type { State } from './state.ts'
import { extended, vector } from './values.ts'

const ST0 = 32

function tagsOf(s: State, top: number): number {
  const choice = s.random.below(8)
  if (choice === 0) return 0
  if (choice === 1) return s.random.below(256)
  if (choice < 4) return 0xff
  // ST(7) is where a push goes.
  return 0xff & ~(1 << ((top + 7) & 7))
}

/** Sixteen ways of precision and rounding; a quarter with exceptions unmasked, a few with one pending. */
export function putX87(s: State, isMmx: boolean): void {
  const { random, fx, n } = s
  const way = (n + 5 * (n >> 4)) & 15
  const masks = n >> 4 === 3 ? random.below(64) : 0x3f
  const isPending = random.oneIn(24)
  const sticky = random.oneIn(3) ? random.below(64) & (isPending ? 0x3f : masks) : isPending ? ~masks & 0x3f : 0
  const pending = (sticky & ~masks) === 0 ? 0 : 0x8080
  const top = random.below(8)
  const codes = (random.below(8) << 8) | (random.below(2) << 14) | (random.below(2) << 6)
  fx.setUint16(0, 0x40 | masks | (way << 8), true)
  fx.setUint16(2, sticky | pending | (top << 11) | codes, true)
  fx.setUint8(4, tagsOf(s, top))
  fx.setUint16(6, 0x123, true)
  fx.setBigUint64(8, 0x1122_3344n, true)
  fx.setBigUint64(16, 0x5566_7788n, true)
  for (let i = 0; i < 8; i++) {
    const at = ST0 + 16 * i
    fx.setUint16(at + 8, 0xffff, true)
    if (isMmx && !random.oneIn(8)) vector(random, 'integer', s.boundary, fx, at, 8)
    else extended(random, s.boundary, fx, at)
  }
  if (random.oneIn(8)) relate(s)
}

/** ST(1) is ST(0) or near to it. */
function relate({ fx, random }: State): void {
  fx.setBigUint64(ST0 + 16, fx.getBigUint64(ST0, true) ^ BigInt(random.below(2)), true)
  fx.setUint16(ST0 + 24, fx.getUint16(ST0 + 8, true) ^ (random.below(2) << 15), true)
}
