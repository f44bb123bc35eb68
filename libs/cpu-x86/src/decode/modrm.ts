import type { MemOperand, Segment } from './decoded.ts'
import { toBigInt } from './registers.ts'

/** Base and index of the 16-bit forms by modrm.rm: bx+si, bx+di, bp+si, bp+di, si, di, bp, bx. */
const BASES_16: readonly number[] = [3, 3, 5, 5, 6, 7, 5, 3]
const INDEXES_16: readonly number[] = [6, 7, 6, 7, -1, -1, -1, -1]

/** The modrm byte with what follows it: a register, or the parts of a memory operand. */
export class ModRm {
  byte = 0
  isRegister = false
  /** modrm.reg and modrm.rm without their REX bits. */
  reg = 0
  rm = 0
  #base = -1
  #index = -1
  #scale = 0
  #disp = 0
  #ripRelative = false

  take(byte: number): void {
    this.byte = byte
    this.isRegister = byte >= 0xc0
    this.reg = (byte >> 3) & 7
    this.rm = byte & 7
  }

  /**
   * Reads SIB and displacement of a memory operand from `at`. Answers the place behind them, or -1 if they reach
   * beyond `limit`. `rex` is the REX byte or 0.
   */
  readMemory(bytes: Uint8Array, at: number, limit: number, mode: 32 | 64, addressSize: number, rex: number): number {
    this.#index = -1
    this.#scale = 0
    this.#ripRelative = false
    const mod = this.byte >> 6
    if (addressSize === 2) {
      const absolute = mod === 0 && this.rm === 6
      this.#base = absolute ? -1 : BASES_16[this.rm]
      this.#index = absolute ? -1 : INDEXES_16[this.rm]
      return this.#readDisplacement(bytes, at, limit, absolute ? 2 : mod)
    }
    let position = at
    let base = this.rm
    if (base === 4) {
      if (position >= limit) return -1
      const sib = bytes[position++]
      const index = ((sib >> 3) & 7) | ((rex & 2) << 2)
      if (index !== 4) {
        this.#index = index
        this.#scale = sib >> 6
      }
      base = sib & 7
    } else if (base === 5 && mod === 0) {
      this.#base = -1
      this.#ripRelative = mode === 64
      return this.#readDisplacement(bytes, position, limit, 4)
    }
    if (base === 5 && mod === 0) {
      this.#base = -1
      return this.#readDisplacement(bytes, position, limit, 4)
    }
    this.#base = base | ((rex & 1) << 3)
    return this.#readDisplacement(bytes, position, limit, mod === 2 ? 4 : mod)
  }

  #readDisplacement(bytes: Uint8Array, at: number, limit: number, size: number): number {
    if (at + size > limit) return -1
    if (size === 0) this.#disp = 0
    else if (size === 1) this.#disp = (bytes[at] << 24) >> 24
    else if (size === 2) this.#disp = ((bytes[at] | (bytes[at + 1] << 8)) << 16) >> 16
    else this.#disp = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)
    return at + size
  }

  operand(size: number, segment: Segment): MemOperand {
    const base = this.#base
    return {
      kind: 'mem',
      base,
      index: this.#index,
      scale: this.#scale,
      disp: toBigInt(this.#disp),
      ripRelative: this.#ripRelative,
      segment,
      stack: (base === 4 || base === 5) && segment === 'none',
      size,
    }
  }
}
