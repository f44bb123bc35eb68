import { AbsentFrame } from '../../src/hypercall/guest-handle.ts'
import type { Prng } from '../builder/prng.ts'
import type { Absence } from './memory-domain.ts'

/**
 * Frames that are absent at random: the first access of a kind (reading, writing) to a frame in one attempt of a call
 * may find it absent, a few times in all; what was accessed once in an attempt stays for the rest of it.
 */
export class RandomAbsence implements Absence {
  readonly #prng: Prng
  readonly #left = new Map<string, number>()
  #present = new Set<string>()
  /** How often a frame was absent. */
  thrown = 0

  constructor(prng: Prng) {
    this.#prng = prng
  }

  /** A new call: every frame may be gone again. */
  newCall(): void {
    this.#left.clear()
    this.newAttempt()
  }

  newAttempt(): void {
    this.#present = new Set()
  }

  touch(gmfn: number, writing: boolean): void {
    const key = `${gmfn} ${writing}`
    if (this.#present.has(key)) return
    const left = this.#left.get(key) ?? this.#prng.below(4)
    if (left > 0 && this.#prng.below(3) > 0) {
      this.#left.set(key, left - 1)
      this.thrown++
      throw new AbsentFrame(gmfn)
    }
    this.#left.set(key, 0)
    this.#present.add(key)
  }
}
