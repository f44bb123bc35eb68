/**
 * Where recorded instructions run: the same addresses on the host (native/insns.c has them too) and in the engine. All lie below
 * 2 GiB, so that 32-bit displacements and compatibility mode reach them.
 *
 *   CODE     one page full of int3; the instruction at ENTRY, then three nops
 *   DATA     two pages that may be written, one that may only be read; nothing before and after them
 *   STACK    two pages that may be written; nothing before and after them
 *
 * Every case finds the same noise in DATA and STACK but for the patches it brings.
 */
export const CODE = 0x20000000
export const ENTRY: number = CODE + 0x800
export const DATA = 0x21000000
export const READ_ONLY: number = DATA + 0x2000
export const UNMAPPED: number = DATA + 0x3000
export const STACK = 0x22000000
export const PAGE = 0x1000

/** What a case may change. */
export const WRITABLE: readonly number[] = [DATA, DATA + PAGE, STACK, STACK + PAGE]
/** Pages in the order of the background; the second last one is READ_ONLY. */
export const PAGES: readonly number[] = [...WRITABLE, READ_ONLY]

export const INT3 = 0xcc
export const NOPS = 3

/** A state, an instruction, and what memory holds. */
export interface Case {
  readonly mode: 32 | 64
  /** The instruction. */
  readonly code: Uint8Array
  readonly gpr: BigUint64Array
  readonly rflags: number
  /** FXSAVE image. */
  readonly fx: Uint8Array
  readonly fsbase: number
  readonly gsbase: number
  readonly patches: readonly Patch[]
}

/** Bytes at an address, all in pages that are there. */
export interface Patch {
  readonly address: number
  readonly bytes: Uint8Array
}

/** How a case ends: always by an exception, #BP of the int3 that is reached if the instruction does not fault. */
export interface Outcome {
  readonly vector: number
  /** 0 where the exception has none. */
  readonly error: number
  /** CR2 of a page fault, else 0. */
  readonly address: bigint
  /** Of the instruction that faults; of the int3 that ends the case. */
  readonly rip: bigint
  readonly gpr: BigUint64Array
  readonly rflags: number
  readonly fx: Uint8Array
  readonly fsbase: bigint
  readonly gsbase: bigint
  /** Aligned words of 8 bytes that differ from before. */
  readonly memory: readonly Word[]
}

export interface Word {
  readonly address: number
  readonly value: bigint
}

/** The noise in PAGES, a page each. */
export function background(): Uint8Array {
  const words = new Uint32Array((PAGES.length * PAGE) / 4)
  let x = 0x9e3779b9
  for (let n = 0; n < words.length; n++) {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    words[n] = x
  }
  return new Uint8Array(words.buffer)
}
