import type { Row } from '../insn/row.ts'

/** General registers by x86 number: rax 0, rcx 1, rdx 2, rbx 3, rsp 4, rbp 5, rsi 6, rdi 7, r8 .. r15. */
export type GprIndex = number

/** Segment override in force for a memory operand; only FS and GS have a base in 64-bit mode. */
export type Segment = 'fs' | 'gs' | 'none'

export interface RegOperand {
  readonly kind: 'reg'
  /** Register number 0..15. */
  readonly reg: GprIndex
  /** ah, ch, dh, bh: the second byte of `reg` 0..3. */
  readonly high: boolean
  readonly size: 1 | 2 | 4 | 8
}

export interface XmmOperand {
  readonly kind: 'xmm'
  readonly reg: number
  /** Bytes the instruction reads or writes of the register, from its low end. */
  readonly size: 1 | 2 | 4 | 8 | 16
}

/** An MMX register (mm0..mm7: the significand of an x87 register). */
export interface MmxOperand {
  readonly kind: 'mmx'
  readonly reg: number
  readonly size: 4 | 8
}

export interface MemOperand {
  readonly kind: 'mem'
  /** Base register, -1 for none. With `ripRelative` base is -1 and `disp` counts from the end of the instruction. */
  readonly base: number
  readonly index: number
  /** 0..3: index is shifted left by this. */
  readonly scale: number
  readonly disp: bigint
  readonly ripRelative: boolean
  readonly segment: Segment
  /** Stack segment rules (base is rsp or rbp): a non-canonical address is #SS instead of #GP. */
  readonly stack: boolean
  /** Bytes accessed; 0 where the instruction only computes the address or is variable (fxsave, lea, prefetch). */
  readonly size: number
}

export interface ImmOperand {
  readonly kind: 'imm'
  /** Sign- or zero-extended as the row says, as a signed 64-bit value. */
  readonly value: bigint
  readonly size: 1 | 2 | 4 | 8
}

/** A branch displacement from the end of the instruction. */
export interface RelOperand {
  readonly kind: 'rel'
  readonly value: number
}

/** Segment, control or debug register. */
export interface SpecialOperand {
  readonly kind: 'sreg' | 'creg' | 'dreg'
  readonly reg: number
  readonly size: 2 | 4 | 8
}

export type Operand = RegOperand | XmmOperand | MmxOperand | MemOperand | ImmOperand | RelOperand | SpecialOperand

/** One decoded instruction: pure data, no semantics, independent of where it lies. */
export interface Decoded {
  readonly row: Row
  /** 64-bit mode, or compatibility mode with 32-bit code. */
  readonly mode: 32 | 64
  /** Bytes, 1..15. */
  readonly length: number
  /** Effective operand size in bytes (1 for byte rows). */
  readonly size: 1 | 2 | 4 | 8
  /** Effective address size in bytes. */
  readonly addressSize: 2 | 4 | 8
  readonly operands: readonly Operand[]
  readonly lock: boolean
  /** 0xf3 (rep, repe), 0xf2 (repne) or 0; only where the row takes it as repeat. */
  readonly rep: 0 | 0xf2 | 0xf3
  /** The modrm byte, where there is one (x87 rows need it). */
  readonly modrm: number
}

/** What `decode` answers besides an instruction. */
export type DecodeFault =
  /** #UD. */
  | { readonly fault: 'invalid' }
  /** More bytes are needed than given (the instruction reaches into the next page). */
  | { readonly fault: 'more' }
  /** Longer than 15 bytes: #GP(0). */
  | { readonly fault: 'toolong' }
