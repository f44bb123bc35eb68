/** What may differ between the engine and the CPU that recorded (AMD, Zen 4), by name and with the reason. */
import { BREAKPOINT, PAGE_FAULT, ST, ST_BYTES, XMM, XMM_BYTES } from './fields.ts'
import type { Case, Outcome, Word } from './layout.ts'
import type { Variant } from './variants.ts'

export interface Difference {
  readonly names: RegExp
  readonly reason: string
  /** Answers silicon's outcome with what may differ in this case as in ours. */
  readonly settle: (variant: Variant, c: Case, silicon: Outcome, ours: Outcome) => Outcome
}

const INVALID_OPCODE = 6
const GENERAL_PROTECTION = 13
const TRANSCENDENTAL = /^(f2xm1|fyl2x|fyl2xp1|fptan|fpatan|fsin|fcos|fsincos)$/
const FSW = 2
const IE = 1
const UE = 0x10
const PE = 0x20
const C0 = 0x100
const C1 = 0x200
const C2 = 0x400
const C3 = 0x4000
const BUSY = 0x8000
const FSW_ES = 0x80
const POINTERS = 6
const FIP_END = 16
const FDP_END = 24
const POINTERS_END = 24
/** CS and DS of 64-bit and 32-bit Linux processes. */
const SELECTORS: readonly number[] = [0x33, 0x23, 0x2b]

function withPointers(silicon: Outcome, ours: Outcome): Outcome {
  if ((silicon.fx[FSW] as number) & FSW_ES) return silicon
  const fx = silicon.fx.slice()
  fx.set(ours.fx.subarray(POINTERS, POINTERS_END), POINTERS)
  return { ...silicon, fx }
}

/** Bytes of a selector that are zero in ours. */
function withSelectors(word: Word, ours: readonly Word[]): Word {
  const mine = ours.find(({ address }) => address === word.address)
  if (mine === undefined) return word
  let { value } = word
  for (let bits = 0n; bits < 64n; bits += 8n) {
    const theirs = Number((word.value >> bits) & 0xffn)
    if (SELECTORS.includes(theirs) && ((mine.value >> bits) & 0xffn) === 0n) value &= ~(0xffn << bits)
  }
  return { ...word, value }
}

/** The longest operand: fxsave's. */
const LONGEST = 512n

/** At the end of 4 GiB, or at its beginning where the processor looks at an operand's last byte first. */
const atTheEnd = ({ mode }: Variant, { address }: Outcome): boolean =>
  mode === 32 && (address >= 0xffff_ff00n || address < LONGEST)

const isPending = ({ fx }: Outcome): boolean => ((fx[FSW] as number) & FSW_ES) !== 0

/** Bits of the status word as in ours. */
function withStatus(silicon: Outcome, ours: Outcome, bits: number): Outcome {
  if (bits === 0) return silicon
  const fx = silicon.fx.slice()
  const view = new DataView(fx.buffer, fx.byteOffset)
  const mine = new DataView(ours.fx.buffer, ours.fx.byteOffset).getUint16(FSW, true)
  view.setUint16(FSW, (view.getUint16(FSW, true) & ~bits) | (mine & bits), true)
  return { ...silicon, fx }
}

/** Outside of its range the result of fyl2xp1 is undefined, and whether that is invalid. */
const bitsOf = ({ row }: Variant): number => PE | UE | C1 | FSW_ES | BUSY | (row.name === 'fyl2xp1' ? IE : 0)

/** Units in the last place of 64. */
const ULPS = 4
const BIAS = 16383 + 63

function numberAt(fx: DataView, at: number): number {
  const signExp = fx.getUint16(at + 8, true)
  const magnitude = Number(fx.getBigUint64(at, true)) * 2 ** Math.max(-1000, (signExp & 0x7fff) - BIAS)
  return signExp & 0x8000 ? -magnitude : magnitude
}

/** A few units apart, where the exponents are the same (denormals have fewer bits). */
function isNear(one: DataView, two: DataView, at: number): boolean {
  const units = Number(one.getBigUint64(at, true) - two.getBigUint64(at, true))
  return one.getUint16(at + 8, true) === two.getUint16(at + 8, true) && Math.abs(units) <= ULPS
}

/** How far apart two registers are; exact where their exponents are the same. */
function distance(one: DataView, two: DataView, at: number): number {
  const signExp = one.getUint16(at + 8, true)
  if (signExp !== two.getUint16(at + 8, true)) return Math.abs(numberAt(one, at) - numberAt(two, at))
  const units = one.getBigUint64(at, true) - two.getBigUint64(at, true)
  return Math.abs(Number(units)) * 2 ** Math.max(-1000, (signExp & 0x7fff) - BIAS)
}

/**
 * What the argument of a trigonometric function is reduced by is pi to 66 bits or more (SDM vol. 1, 8.3.8): the error grows with the
 * argument, and that of a tangent with its slope.
 */
function allowance({ row }: Variant, argument: number, result: number): number {
  const rounding = ULPS * Math.abs(result) * 2 ** -63
  if (!/^f(sin|cos|sincos|ptan)$/.test(row.name)) return rounding
  const slope = row.name === 'fptan' ? 1 + result * result : 1
  return rounding + Math.abs(argument) * 2 ** -64 * slope
}

function nearRegisters(variant: Variant, c: Case, silicon: Outcome, ours: Outcome): Outcome {
  const fx = silicon.fx.slice()
  const theirs = new DataView(fx.buffer, fx.byteOffset)
  const mine = new DataView(ours.fx.buffer, ours.fx.byteOffset)
  const argument = numberAt(new DataView(c.fx.buffer, c.fx.byteOffset), ST)
  // Outside of its range the result of fyl2xp1 is undefined.
  if (variant.row.name === 'fyl2xp1' && Math.abs(argument) > 1 - Math.SQRT1_2) fx.set(ours.fx.subarray(0, XMM))
  for (let at = ST; at < XMM; at += 16)
    if (isNear(theirs, mine, at) || distance(theirs, mine, at) <= allowance(variant, argument, numberAt(mine, at)))
      fx.set(ours.fx.subarray(at, at + ST_BYTES), at)
  return { ...silicon, fx }
}

const BOUND = 2 * 1.5 * 2 ** -12

/** Lanes of ours where they are near. */
function withApproximations(silicon: Outcome, ours: Outcome): Outcome {
  const fx = silicon.fx.slice()
  const theirs = new DataView(fx.buffer, fx.byteOffset)
  const mine = new DataView(ours.fx.buffer, ours.fx.byteOffset)
  for (let at = XMM; at < XMM + 16 * XMM_BYTES; at += 4) {
    const [x, y] = [theirs.getFloat32(at, true), mine.getFloat32(at, true)]
    if (Math.abs(x - y) <= BOUND * Math.abs(y)) theirs.setUint32(at, mine.getUint32(at, true), true)
  }
  return { ...silicon, fx }
}

/** The word with MXCSR_MASK in its upper half. */
function withMask(word: Word, ours: readonly Word[]): Word {
  const mine = ours.find(({ address }) => address === word.address)
  return mine !== undefined && word.value === (mine.value | (2n << 48n)) ? mine : word
}

export const DIFFERENCES: readonly Difference[] = [
  {
    names: /./,
    reason:
      'in compatibility mode an access across 4 GiB is #GP here; AMD looks at the offset and not at its sum with the base, and at parts of a long operand (SDM vol. 3, 5.3: specific to implementations)',
    settle: (variant, _case, silicon, ours) =>
      silicon.vector === 14 && (ours.vector === 13 || ours.vector === 12) && atTheEnd(variant, silicon)
        ? { ...silicon, vector: ours.vector, error: 0, address: 0n }
        : silicon,
  },
  {
    names: /./,
    reason:
      'FXSAVE and XSAVE of AMD give FOP, FIP and FDP as zero unless an exception is pending; ours and Intel keep them',
    settle: (_variant, _case, silicon, ours) => withPointers(silicon, ours),
  },
  {
    names: /^(enter|pusha)$/,
    reason:
      'words pushed before the one that faults are written by AMD; the instruction is restarted, so nobody can tell',
    settle: (_variant, _case, silicon, ours) =>
      silicon.vector === BREAKPOINT || ours.vector === BREAKPOINT ? silicon : { ...silicon, memory: ours.memory },
  },
  {
    names: /^movsxd$/,
    reason: 'with a 66 prefix Intel reads 2 bytes and AMD 4',
    settle: ({ size }, _case, silicon, ours) => (size === 2 && silicon.vector === PAGE_FAULT ? ours : silicon),
  },
  {
    names: /^prefetch$/,
    reason: '0F 0D with a register is no operation on Intel and #UD on AMD',
    settle: ({ kind }, _case, silicon, ours) => (kind === 'reg' && silicon.vector === INVALID_OPCODE ? ours : silicon),
  },
  {
    names: /^(rcp|rsqrt)[ps]s$/,
    reason: 'approximations: each within 1.5 * 2^-12 of the exact result',
    settle: (_variant, _case, silicon, ours) => withApproximations(silicon, ours),
  },
  {
    names: /^maskmovq$/,
    reason: 'where it faults, AMD has entered MMX mode before',
    settle: (_variant, _case, silicon, ours) => {
      if (silicon.vector === BREAKPOINT || ours.vector === BREAKPOINT) return silicon
      return { ...silicon, fx: ours.fx }
    },
  },
  {
    names: /^(cmps|enter)$/,
    reason: 'which of the faults of two accesses is reported is for the processor to choose',
    settle: (_variant, _case, silicon, ours) =>
      silicon.vector === PAGE_FAULT && (ours.vector === PAGE_FAULT || ours.vector === GENERAL_PROTECTION)
        ? { ...silicon, vector: ours.vector, error: ours.error, address: ours.address }
        : silicon,
  },
  {
    names: /^popa$/,
    reason: 'where it faults, AMD has loaded some registers; it is restarted, so nobody can tell',
    settle: (_variant, _case, silicon, ours) =>
      silicon.vector === BREAKPOINT || ours.vector === BREAKPOINT ? silicon : { ...silicon, gpr: ours.gpr },
  },
  {
    names: /^(fldenv|fnstenv|fnsave|frstor|fxsave|fxrstor|fld|fstp|fbld|fbstp)$/,
    reason: 'a page fault is that of the part of the operand which the processor reaches first',
    settle: (_variant, _case, silicon, ours) =>
      silicon.vector === PAGE_FAULT && ours.vector === PAGE_FAULT
        ? { ...silicon, address: ours.address, error: ours.error }
        : silicon,
  },
  {
    names: /^(fu?com(i?p?|pp)|ficomp?|ftst)$/,
    reason:
      'an unmasked invalid operation leaves the condition codes as they were (SDM vol. 2, FCOM); AMD says unordered',
    settle: (_variant, _case, silicon, ours) => withStatus(silicon, ours, isPending(silicon) ? C0 | C2 | C3 : 0),
  },
  {
    names: /^fu?comip?$/,
    reason:
      'C1 is cleared by Intel and left alone by AMD; an unmasked invalid operation leaves RFLAGS (SDM vol. 2, FCOMI), AMD says unordered',
    settle: (_variant, _case, silicon, ours) => ({
      ...withStatus(silicon, ours, C1),
      rflags: isPending(silicon) ? ours.rflags : silicon.rflags,
    }),
  },
  {
    names: /^fxrstor$/,
    reason: 'FIP and FDP of 64 bits: AMD keeps 57',
    settle: (_variant, _case, silicon, ours) => {
      const fx = silicon.fx.slice()
      for (const at of [FIP_END, FDP_END]) fx.set(ours.fx.subarray(at - 1, at), at - 1)
      return { ...silicon, fx }
    },
  },
  {
    names: TRANSCENDENTAL,
    reason: 'transcendental: within the bounds of the manual, and so is whether it was inexact or rounded up',
    settle: (variant, c, silicon, ours) => nearRegisters(variant, c, withStatus(silicon, ours, bitsOf(variant)), ours),
  },
  {
    names: /^fxsave$/,
    reason: 'MXCSR_MASK: AMD has a bit 17 (misaligned SSE operands); the image says what the guest may set',
    settle: (_variant, _case, silicon, ours) => ({
      ...silicon,
      memory: silicon.memory.map((word) => withMask(word, ours.memory)),
    }),
  },
  {
    names: /^(fnstenv|fnsave)$/,
    reason: 'FCS and FDS are stored as zero, as by processors that deprecate them',
    settle: (_variant, _case, silicon, ours) => ({
      ...silicon,
      memory: silicon.memory.map((word) => withSelectors(word, ours.memory)),
    }),
  },
]

export function settled(variant: Variant, c: Case, silicon: Outcome, ours: Outcome): Outcome {
  let outcome = silicon
  for (const { names, settle } of DIFFERENCES)
    if (names.test(variant.row.name)) outcome = settle(variant, c, outcome, ours)
  return outcome
}
