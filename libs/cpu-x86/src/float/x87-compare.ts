/** fcom, fucom, fcomi, fucomi and their popping forms, ftst, fxam, fcmovcc. */
import { compare, EQUAL, LESS, type Ordering, UNORDERED } from './compare.ts'
import { IE } from './environment.ts'
import type { Unpacked } from './format.ts'
import { INF, QNAN, SNAN, UNSUPPORTED, ZERO, zero } from './format.ts'
import { orderingFlags } from './sse-steps.ts'
import type { Source } from './x87-operands.ts'
import { C0, C2, C3, ST, writeSt } from './x87-state.ts'
import { INDEFINITE, type X87Run, type X87Step } from './x87-step.ts'

function codes(ordering: Ordering): number {
  if (ordering === UNORDERED) return C3 | C2 | C0
  if (ordering === EQUAL) return C3
  return ordering === LESS ? C0 : 0
}

/** An unmasked denormal operand does not keep the codes from being set, but it does keep the stack. */
function popMany(x: X87Step, pops: number): void {
  if (x.env.stopped) return
  for (let n = 0; n < pops; n++) x.pop()
}

/**
 * @returns the ordering, or undefined if an unmasked invalid operation leaves codes and flags as they are (SDM; AMD's
 * processors report "unordered" even then)
 */
function tryCompare(x: X87Step, empty: boolean, b: () => Unpacked, signalling: boolean): Ordering | undefined {
  if (empty) return x.underflow() ? UNORDERED : undefined
  const ordering = compare(x.env, x.read(0), b(), signalling)
  return (x.env.flags & ~x.env.masks & IE) === 0 ? ordering : undefined
}

function setCodes(x: X87Step, ordering: Ordering | undefined, pops: number): void {
  if (ordering === undefined) return
  x.setCodes(codes(ordering))
  popMany(x, pops)
}

export const compareMemory =
  (source: Source, pops: number): X87Run =>
  (x) =>
    setCodes(
      x,
      tryCompare(x, x.isEmpty(0), () => source.read(x.memory), true),
      pops,
    )

/** @param signalling fcom: a quiet NaN is invalid as well */
export const compareRegister =
  (signalling: boolean, pops: number): X87Run =>
  (x) =>
    setCodes(
      x,
      tryCompare(x, x.isEmpty(0) || x.isEmpty(x.index), () => x.read(x.index), signalling),
      pops,
    )

/** fcomi and fucomi. */
export const compareFlags =
  (signalling: boolean, pops: number): X87Run =>
  (x) => {
    const ordering = tryCompare(x, x.isEmpty(0) || x.isEmpty(x.index), () => x.read(x.index), signalling)
    if (ordering === undefined) return
    x.rflags = orderingFlags(ordering)
    popMany(x, pops)
  }

export const ftst: X87Run = (x) =>
  setCodes(
    x,
    tryCompare(x, x.isEmpty(0), () => zero(0), true),
    0,
  )

/** Never faults; C1 is the sign bit even of an empty register. */
export const fxam: X87Run = (x) => {
  x.setC1((x.state.getUint8(ST + 9) & 0x80) !== 0)
  x.setCodes(x.isEmpty(0) ? C3 | C0 : classCodes(x.read(0)))
}

function classCodes(a: Unpacked): number {
  if (a.kind === UNSUPPORTED) return 0
  if (a.kind === QNAN || a.kind === SNAN) return C0
  if (a.kind === INF) return C2 | C0
  if (a.kind === ZERO) return C3
  return a.denormal ? C3 | C2 : C2
}

/** The condition of an fcmovcc as a function of RFLAGS: any bit of `mask` set, or none if `negate`. */
export const fcmov =
  (mask: number, negate: boolean): X87Run =>
  (x) => {
    if (x.isEmpty(0) || x.isEmpty(x.index)) {
      if (x.underflow()) writeSt(x.state, 0, INDEFINITE)
      return
    }
    x.keepC1()
    if (((x.rflagsIn & mask) !== 0) === negate) return
    for (const word of [0, 4, 8]) {
      x.state.setUint32(ST + word, x.state.getUint32(ST + 16 * x.index + word, true), true)
    }
  }
