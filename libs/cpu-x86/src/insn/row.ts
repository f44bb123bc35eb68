import type { Builder, Trap } from '../builder/builder.ts'
import type { Decoded } from '../decode/decoded.ts'

/** The meaning of one instruction, written once; every tier runs it against its own Builder. */
export type Definition = (b: Builder) => void

/**
 * One row of the instruction table (Intel SDM vol. 2 appendix A notation). A row is found by map, opcode, mandatory prefix,
 * modrm extension; the decoder, the tiers, the coverage page and the test generators all read these same rows.
 */
export interface Row {
  readonly name: string
  /** 0: one byte, 1: 0F, 2: 0F38, 3: 0F3A. */
  readonly map: 0 | 1 | 2 | 3
  /** VEX-encoded (C4, C5) with VEX.L 0; `prefix` is VEX.pp and `w` is VEX.W. */
  readonly vex?: boolean
  readonly code: number
  /** The low three opcode bits (and REX.B) name a register: `code` is the first of eight. */
  readonly plusReg?: boolean
  /** Mandatory prefix. Absent: any, and 66 is the operand size. 'np' means none of 66, F2, F3. */
  readonly prefix?: 'np' | '66' | 'f3' | 'f2'
  /** modrm.reg must be this. */
  readonly ext?: number
  /** modrm must name memory, or a register. */
  readonly mod?: 'mem' | 'reg'
  /** modrm.rm must be this (with mod 'reg'). */
  readonly rm?: number
  /** Only with, or only without, REX.W. */
  readonly w?: 0 | 1
  /** Not encodable in 64-bit mode, or only there; absent: both. */
  readonly mode?: 32 | 64
  /**
   * Operands, destination first, separated by spaces. Method letter + size letter:
   * E modrm.rm general register or memory, G modrm.reg general register, M modrm.rm memory only, R modrm.rm register only,
   * Z register in the opcode (plusReg), I immediate, J branch displacement, O moffs, X [rsi] of string instructions with its
   * segment, B [rbx] of xlat and L [rdi] of maskmovdqu likewise, Y [rdi] of string instructions (not decoded as an operand, so that there is one memory
   * operand at most; it only tells the size), V modrm.reg xmm, W modrm.rm xmm or memory, U modrm.rm xmm only,
   * H VEX.vvvv general register, P modrm.reg mmx, Q modrm.rm mmx or memory, N modrm.rm mmx only, S segment register, C control, D debug register;
   * fixed: AL AX eAX rAX CL DX 1 (rAX: register 0 of the operand size).
   * Sizes: b 1, w 2, d 4, q 8, v 2/4/8 by operand size, y 4/8, z immediate of 2 or 4 bytes sign-extended, x 16, n none.
   * Immediates of size b with a wider operation are sign-extended ('Ib'), 'Iub' is zero-extended ('Iuw' too).
   */
  readonly operands: string
  /** Operand size is 64 bits by default in 64-bit mode (push, pop, near branches). */
  readonly default64?: boolean
  /**
   * Operand size is 64 bits in 64-bit mode whatever the prefixes say (near branches, as Intel does; AMD lets 66 cut the target
   * to 16 bits).
   */
  readonly force64?: boolean
  /** Byte operation: `Decoded.size` is 1. Implied when the first operand has size b. */
  readonly lock?: boolean
  /** F2/F3 mean repetition: 'rep' (movs stos lods ins outs) or 'repz' (cmps scas). */
  readonly rep?: 'rep' | 'repz'
  /** Arithmetic flags, letters of "oszapc" (and d): read, written (defined), left undefined. */
  readonly reads?: string
  readonly writes?: string
  readonly undefines?: string
  /** It may also leave all its flags as they were (a count of zero in CL): liveness passes through. */
  readonly mayKeep?: boolean
  /** Ends a basic block: the definition finishes with one of Builder's control methods. */
  readonly ends?: boolean
  /** Of those: may go on with the next instruction (jumpIf, finish), which tiers then translate too. */
  readonly fallsThrough?: boolean
  /** Of those: a near call, after which the next instruction is likely to be run, or the return from one. */
  readonly calls?: boolean
  readonly returns?: boolean
  /** The definition may end in this trap, and in no other. */
  readonly traps?: Trap
  /**
   * Seldom run or large: the cold tier keeps its body out of the main loop (a call), and regions call that body too.
   * Such a definition may not use control methods except `fault` and `trap`.
   */
  readonly rare?: boolean
  /**
   * A fact of the instruction, beyond its operand kinds, on which the definition depends (a shift count of zero, both operands
   * the same register). Tiers that share code between instructions keep one body for each value; 0 where absent.
   */
  readonly variant?: (insn: Decoded) => number
  /**
   * CPUID feature a policy needs to offer for this row to exist (without it, a row of less specific prefix matches, else #UD);
   * absent: always there.
   */
  readonly feature?: string
  readonly def: Definition
}
