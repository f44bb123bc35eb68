/**
 * Where programs live. Everything else is not mapped. Addresses below 2 GiB are within reach of 32-bit displacements;
 * programs.c has the same numbers.
 */
export const CODE = 0x10000000
export const CODE_BYTES = 0x2000
/** Readable and writable, not executable. */
export const DATA = 0x20000000
export const DATA_BYTES = 0x4000
/** One page after DATA that may only be read; the same in all programs. */
export const READ_ONLY: number = DATA + DATA_BYTES
export const READ_ONLY_BYTES = 0x1000
export const STACK = 0x30000000
export const STACK_BYTES = 0x2000

export interface Area {
  readonly address: number
  readonly bytes: number
  /** In the memory image of a program. */
  readonly offset: number
  readonly executable: boolean
}

/** What a program may change, in the order of its memory image. */
export const AREAS: readonly Area[] = [
  { address: CODE, bytes: CODE_BYTES, offset: 0, executable: true },
  { address: DATA, bytes: DATA_BYTES, offset: CODE_BYTES, executable: false },
  { address: STACK, bytes: STACK_BYTES, offset: CODE_BYTES + DATA_BYTES, executable: false },
]
export const IMAGE_BYTES: number = CODE_BYTES + DATA_BYTES + STACK_BYTES

export const FX_BYTES = 512

/** A random program: what it is a function of its seed alone. */
export interface Program {
  readonly seed: number
  readonly entry: number
  readonly gpr: BigUint64Array
  readonly rflags: number
  /** FXSAVE image. */
  readonly fx: Uint8Array
  /** AREAS side by side. */
  readonly image: Uint8Array
  /** Instructions written (those of the program text, not those executed). */
  readonly instructions: number
  /** For each offset in CODE at which an instruction begins: the flags that are undefined before it, as bits of RFLAGS. */
  readonly undefinedFlags: Uint16Array
}

/** How a program ended. It always ends by an exception: UD2 if nothing else comes before. */
export interface Final {
  readonly vector: number
  /** 0 where the exception has none. */
  readonly error: number
  /** Of a page fault, else 0. */
  readonly address: bigint
  readonly rip: bigint
  readonly gpr: BigUint64Array
  readonly rflags: number
  readonly fx: Uint8Array
  readonly image: Uint8Array
}

export const PAGE_FAULT = 14
export const INVALID_OPCODE = 6
