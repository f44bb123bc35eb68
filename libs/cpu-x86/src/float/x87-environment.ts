/** fnstenv, fldenv, fnsave, frstor in their protected-mode layouts: SDM volume 1, section 8.1.10. */

import { FINITE, ZERO } from './format.ts'
import {
  FCW,
  FDP,
  FIP,
  FOP,
  FSW,
  FTW,
  fcw,
  fsw,
  initialise,
  isEmpty,
  readSt,
  ST,
  setFcw,
  setPointers,
  setStatus,
  setTop,
  top,
} from './x87-state.ts'
import type { X87Run, X87Step } from './x87-step.ts'

const TAG_VALID = 0
const TAG_ZERO = 1
const TAG_SPECIAL = 2
const TAG_EMPTY = 3

/** The 16-bit tag word, which classifies each physical register. */
function fullTags(state: DataView): number {
  let tags = 0
  for (let i = 0; i < 8; i++) tags |= classify(state, i) << (2 * ((top(state) + i) & 7))
  return tags
}

function classify(state: DataView, i: number): number {
  if (isEmpty(state, i)) return TAG_EMPTY
  const a = readSt(state, i)
  if (a.kind === ZERO) return TAG_ZERO
  return a.kind === FINITE && !a.denormal ? TAG_VALID : TAG_SPECIAL
}

function abridged(tags: number): number {
  let result = 0
  for (let i = 0; i < 8; i++) if (((tags >> (2 * i)) & 3) !== TAG_EMPTY) result |= 1 << i
  return result
}

const environmentBytes = (operandSize16: boolean): number => (operandSize16 ? 14 : 28)

/** Selectors are stored as zero, as by processors that deprecate them. */
function writeEnvironment(state: DataView, out: DataView, operandSize16: boolean): void {
  const unit = operandSize16 ? 2 : 4
  const ip = Number(state.getBigUint64(FIP, true) & 0xffffffffn)
  const dp = Number(state.getBigUint64(FDP, true) & 0xffffffffn)
  const words = [state.getUint16(FCW, true), fsw(state), fullTags(state)]
  for (const [i, word] of words.entries()) {
    if (operandSize16) out.setUint16(i * unit, word, true)
    else out.setUint32(i * unit, 0xffff0000 + word, true)
  }
  if (operandSize16) {
    out.setUint32(6, ip & 0xffff, true)
    out.setUint32(10, dp & 0xffff, true)
    return
  }
  out.setUint32(12, ip, true)
  out.setUint32(16, state.getUint16(FOP, true) << 16, true)
  out.setUint32(20, dp, true)
  out.setUint32(24, 0xffff0000, true)
}

/** TOP changes while the registers stay, so their slots are rotated. */
function readEnvironment(state: DataView, memory: DataView, operandSize16: boolean): void {
  const unit = operandSize16 ? 2 : 4
  const status = memory.getUint16(unit, true)
  setTop(state, (status >> 11) & 7)
  state.setUint8(FTW, abridged(memory.getUint16(2 * unit, true)))
  setFcw(state, memory.getUint16(0, true))
  setStatus(state, status)
  if (operandSize16) setPointers(state, 0, BigInt(memory.getUint16(6, true)), BigInt(memory.getUint16(10, true)))
  else {
    const fop = memory.getUint16(18, true)
    setPointers(state, fop, BigInt(memory.getUint32(12, true)), BigInt(memory.getUint32(20, true)))
  }
}

export const fnstenv: X87Run = (x: X87Step) => {
  const out = x.storeBuffer(environmentBytes(x.operandSize16))
  writeEnvironment(x.state, out.view, x.operandSize16)
  x.store = out.bytes
  setFcw(x.state, fcw(x.state) | 0x3f)
}

export const fldenv: X87Run = (x: X87Step) => readEnvironment(x.state, x.memory, x.operandSize16)

export const fnsave: X87Run = (x: X87Step) => {
  const start = environmentBytes(x.operandSize16)
  const out = x.storeBuffer(start + 80)
  writeEnvironment(x.state, out.view, x.operandSize16)
  for (let i = 0; i < 8; i++) {
    for (let byte = 0; byte < 10; byte += 2) {
      out.view.setUint16(start + 10 * i + byte, x.state.getUint16(ST + 16 * i + byte, true), true)
    }
  }
  initialise(x.state)
  x.store = out.bytes
}

export const frstor: X87Run = (x: X87Step) => {
  const start = environmentBytes(x.operandSize16)
  readEnvironment(x.state, x.memory, x.operandSize16)
  for (let i = 0; i < 8; i++) {
    for (let byte = 0; byte < 10; byte += 2) {
      x.state.setUint16(ST + 16 * i + byte, x.memory.getUint16(start + 10 * i + byte, true), true)
    }
  }
}

export const fninit: X87Run = (x: X87Step) => initialise(x.state)

/** Clears the flags, SF, ES and B; the condition codes stay. */
export const fnclex: X87Run = (x: X87Step) => x.state.setUint16(FSW, fsw(x.state) & 0x7f00, true)

export const fldcw: X87Run = (x: X87Step) => setFcw(x.state, x.memory.getUint16(0, true))

export const fnstcw: X87Run = (x: X87Step) => {
  const out = x.storeBuffer(2)
  out.view.setUint16(0, fcw(x.state), true)
  x.store = out.bytes
}

export const fnstsw: X87Run = (x: X87Step) => {
  const out = x.storeBuffer(2)
  out.view.setUint16(0, fsw(x.state), true)
  x.store = out.bytes
}

export const fnstswAx: X87Run = (x: X87Step) => {
  x.ax = fsw(x.state)
}

export const nothing: X87Run = () => undefined
