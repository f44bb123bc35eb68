import type { Decoded } from '../decode/decoded.ts'
import type { DomainViews } from '../state/vcpu-memory.ts'
import { REC } from './record.ts'

const PLACES = 256

/** An instruction that was decoded, and its record where one was made. */
export interface Instruction {
  readonly insn: Decoded
  readonly bytes: Uint8Array
  /** As words. */
  record?: Int32Array
}

interface Recent extends Instruction {
  readonly at: number
  readonly mode: 32 | 64
}

/** Instructions that TypeScript met last, by the place of their bytes, which are compared each time. */
export class RecentInstructions {
  readonly #u8: Uint8Array<ArrayBufferLike>
  readonly #i32: Int32Array<ArrayBufferLike>
  readonly #places: (Recent | undefined)[] = new Array(PLACES).fill(undefined)

  constructor({ u8, i32 }: DomainViews) {
    this.#u8 = u8
    this.#i32 = i32
  }

  /** That at a host address, if it is known and all in its page. */
  find(at: number, mode: 32 | 64): Instruction | undefined {
    const recent = this.#places[placeOf(at)]
    if (recent === undefined || recent.at !== at || recent.mode !== mode) return undefined
    const { bytes } = recent
    for (let n = 0; n < bytes.length; n++) if (bytes[n] !== this.#u8[at + n]) return undefined
    return recent
  }

  /** `bytes` are its own, read from `at` on. */
  add(at: number, mode: 32 | 64, insn: Decoded, bytes: Uint8Array): Instruction {
    const recent: Recent = { at, mode, insn, bytes: bytes.slice() }
    this.#places[placeOf(at)] = recent
    return recent
  }

  /** Writes its record to `rec`, always the same place; made by `encode` if there is none yet. */
  writeRecord(known: Instruction, rec: number, encode: () => void): void {
    const first = rec >> 2
    if (known.record) this.#i32.set(known.record, first)
    else {
      encode()
      known.record = this.#i32.slice(first, first + REC.BYTES / 4) as Int32Array
    }
  }
}

const placeOf = (at: number): number => (at ^ (at >>> 8)) & (PLACES - 1)
