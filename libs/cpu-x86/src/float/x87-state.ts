/** The x87 state as FXSAVE lays it out: SDM volume 1, section 10.5.1, table 10-2. */
import type { Packed, Unpacked } from './format.ts'
import { signExpF80, unpackF80 } from './format.ts'

/** Byte offsets in the FXSAVE image. ST(i), not physical register i, is at `ST + 16 * i`. */
export const FCW = 0
export const FSW = 2
/** One byte: bit n is set if physical register n is not empty. */
export const FTW = 4
export const FOP = 6
export const FIP = 8
export const FDP = 16
export const ST = 32

/** Status word. */
export const SF = 0x0040
export const ES = 0x0080
export const C0 = 0x0100
export const C1 = 0x0200
export const C2 = 0x0400
export const C3 = 0x4000
export const BUSY = 0x8000
const TOP_SHIFT = 11
const TOP_MASK = 0x3800

/** Bits of the control word that can be written, and the one that always reads 1. */
export const FCW_WRITABLE = 0x1f3f
export const FCW_FIXED = 0x0040

export const fcw = (state: DataView): number => state.getUint16(FCW, true)
export const fsw = (state: DataView): number => state.getUint16(FSW, true)
export const top = (state: DataView): number => (fsw(state) & TOP_MASK) >> TOP_SHIFT

/** Writes the control word; unmasking a flagged exception makes it pending, masking withdraws it. */
export function setFcw(state: DataView, value: number): void {
  state.setUint16(FCW, (value & FCW_WRITABLE) | FCW_FIXED, true)
  setStatus(state, fsw(state))
}

/** Writes all of the status word but TOP, which keeps its value; ES and B follow from flags and masks. */
export function setStatus(state: DataView, value: number): void {
  const pending = value & ~fcw(state) & 0x3f
  const bits = (value & ~(TOP_MASK | ES | BUSY)) | (pending === 0 ? 0 : ES | BUSY)
  state.setUint16(FSW, bits | (fsw(state) & TOP_MASK), true)
}

/** An unmasked exception waits: the next waiting instruction must raise #MF (vector 16) instead of executing. */
export const x87Pending = (state: DataView): boolean => (fsw(state) & ES) !== 0

const registers: Uint32Array = new Uint32Array(24)

/** Changes TOP. The registers stay where they are physically, so their ST-relative slots move. */
export function setTop(state: DataView, newTop: number): void {
  const distance = (newTop - top(state)) & 7
  state.setUint16(FSW, (fsw(state) & ~TOP_MASK) | ((newTop & 7) << TOP_SHIFT), true)
  if (distance === 0) return
  for (let i = 0; i < 8; i++) {
    const from = ST + 16 * ((i + distance) & 7)
    for (let word = 0; word < 3; word++) registers[3 * i + word] = state.getUint32(from + 4 * word, true)
  }
  for (let i = 0; i < 24; i++) {
    state.setUint32(ST + 16 * Math.floor(i / 3) + 4 * (i % 3), registers[i] as number, true)
  }
}

export const isEmpty = (state: DataView, i: number): boolean =>
  ((state.getUint8(FTW) >> ((top(state) + i) & 7)) & 1) === 0

export function setEmpty(state: DataView, i: number, empty: boolean): void {
  const bit = 1 << ((top(state) + i) & 7)
  const tags = state.getUint8(FTW)
  state.setUint8(FTW, empty ? tags & ~bit : tags | bit)
}

export const readSt = (state: DataView, i: number): Unpacked =>
  unpackF80(state.getUint16(ST + 16 * i + 8, true), state.getBigUint64(ST + 16 * i, true))

/** Stores to ST(i) and tags it valid. */
export function writeSt(state: DataView, i: number, p: Packed): void {
  state.setBigUint64(ST + 16 * i, p.sig, true)
  state.setUint16(ST + 16 * i + 8, signExpF80(p), true)
  setEmpty(state, i, false)
}

export function exchangeSt(state: DataView, i: number): void {
  for (const word of [0, 4, 8]) {
    const kept = state.getUint32(ST + word, true)
    state.setUint32(ST + word, state.getUint32(ST + 16 * i + word, true), true)
    state.setUint32(ST + 16 * i + word, kept, true)
  }
}

/** fninit. The registers keep their contents. */
export function initialise(state: DataView): void {
  setTop(state, 0)
  state.setUint16(FCW, 0x037f, true)
  state.setUint16(FSW, 0, true)
  state.setUint8(FTW, 0)
  setPointers(state, 0, 0n, 0n)
}

export function setPointers(state: DataView, fop: number, fip: bigint, fdp: bigint): void {
  state.setUint16(FOP, fop & 0x7ff, true)
  state.setBigUint64(FIP, fip, true)
  state.setBigUint64(FDP, fdp, true)
}
