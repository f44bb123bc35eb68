/** What becomes of NaN operands: SDM volume 1, table 4-7. */
import type { FloatEnvironment } from './environment.ts'
import { DE, IE } from './environment.ts'
import type { Unpacked } from './format.ts'
import { DEFAULT_NAN, isNan, QNAN, QUIET_BIT, SNAN, UNSUPPORTED, zero } from './format.ts'

export const quiet = (u: Unpacked): Unpacked =>
  u.kind === SNAN ? { kind: QNAN, sign: u.sign, exp: 0, sig: u.sig | QUIET_BIT, denormal: false } : u

/** The operand as the operation sees it: zero for a denormal under DAZ. */
export const operand = (env: FloatEnvironment, u: Unpacked): Unpacked =>
  u.denormal && env.denormalsAreZero ? zero(u.sign) : u

export function invalid(env: FloatEnvironment): Unpacked {
  env.raise(IE)
  return DEFAULT_NAN
}

/** Raises DE if an operand is denormal; NaN operands must have been dealt with before. */
export function noteDenormals(env: FloatEnvironment, a: Unpacked, b: Unpacked): void {
  if (a.denormal || b.denormal) env.raise(DE)
}

/** The result if an operand is a NaN or unsupported, else undefined. */
export function propagateNan(env: FloatEnvironment, a: Unpacked, b: Unpacked): Unpacked | undefined {
  if (a.kind < QNAN && b.kind < QNAN) return undefined
  if (a.kind === UNSUPPORTED || b.kind === UNSUPPORTED) return invalid(env)
  if (a.kind === SNAN || b.kind === SNAN) env.raise(IE)
  if (!isNan(b)) return quiet(a)
  if (!isNan(a)) return quiet(b)
  return quiet(env.x87Nans ? largerNan(a, b) : a)
}

export const propagateOne = (env: FloatEnvironment, a: Unpacked): Unpacked | undefined => propagateNan(env, a, a)

function largerNan(a: Unpacked, b: Unpacked): Unpacked {
  if (a.kind !== b.kind) return a.kind === QNAN ? a : b
  if (a.sig !== b.sig) return a.sig > b.sig ? a : b
  return a.sign === 0 ? a : b
}
