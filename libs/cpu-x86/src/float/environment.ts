/** What one floating-point operation is told (rounding, masks, modes) and what it reports (flags, rounding direction). */

/** Exception flags, at the bits they have in MXCSR and in the x87 status word. */
export const IE = 0x01
export const DE = 0x02
export const ZE = 0x04
export const OE = 0x08
export const UE = 0x10
export const PE = 0x20
/** Found before the result is computed; an unmasked one leaves no result and no later flags. */
export const PRE_COMPUTATION: number = IE | DE | ZE
export const ALL_EXCEPTIONS = 0x3f

/** Rounding control as encoded in MXCSR.RC and FCW.RC. */
export const ROUND_NEAREST = 0
export const ROUND_DOWN = 1
export const ROUND_UP = 2
export const ROUND_ZERO = 3

export class FloatEnvironment {
  rounding: number = ROUND_NEAREST
  /** Set bits are masked exceptions. */
  masks: number = ALL_EXCEPTIONS
  denormalsAreZero: boolean = false
  flushToZero: boolean = false
  /** The larger significand of two NaNs survives (x87) rather than the first operand (SSE). */
  x87Nans: boolean = false
  /** Unmasked overflow and underflow deliver a result with the exponent wrapped by 24576 (x87 register results). */
  wrapExponent: boolean = false
  flags: number = 0
  /** The last rounding increased the magnitude (x87 reports it in C1). */
  roundedUp: boolean = false

  raise(flags: number): void {
    this.flags |= flags
  }

  isMasked(flag: number): boolean {
    return (this.masks & flag) !== 0
  }

  /** An unmasked exception was found before the computation. */
  get stopped(): boolean {
    return (this.flags & ~this.masks & PRE_COMPUTATION) !== 0
  }
}

/** Loads the controls of MXCSR and clears what the operation reports. */
export function loadMxcsr(env: FloatEnvironment, mxcsr: number): void {
  env.rounding = (mxcsr >>> 13) & 3
  env.masks = (mxcsr >>> 7) & ALL_EXCEPTIONS
  env.denormalsAreZero = (mxcsr & 0x0040) !== 0
  env.flushToZero = (mxcsr & 0x8000) !== 0
  env.x87Nans = false
  env.wrapExponent = false
  env.flags = 0
  env.roundedUp = false
}

/** Loads rounding and masks of the x87 control word and clears what the operation reports. */
export function loadControlWord(env: FloatEnvironment, fcw: number): void {
  env.rounding = (fcw >>> 10) & 3
  env.masks = fcw & ALL_EXCEPTIONS
  env.denormalsAreZero = false
  env.flushToZero = false
  env.x87Nans = true
  env.wrapExponent = true
  env.flags = 0
  env.roundedUp = false
}
