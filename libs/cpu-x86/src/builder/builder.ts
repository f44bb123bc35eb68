import type { Decoded, MemOperand, Operand } from '../decode/decoded.ts'
import type { Expr, F32, F64, I32, I64, V128, WasmType } from '../wasm/expr.ts'
import type { Arithmetic } from './arithmetic.ts'
import type { FloatLanes } from './float-tests.ts'

/**
 * Where an operand lives once it is open: a register, a constant, or memory whose access has been checked.
 * A Place is valid until the end of the instruction.
 */
export interface Place {
  readonly kind: 'gpr' | 'xmm' | 'imm' | 'mem'
  readonly size: number
}

export type Access = 'r' | 'w' | 'rw'

/**
 * How an instruction leaves its arithmetic flags. All values are zero-extended to 64 bits; `size` is the operation's.
 * x, y and r are bound; the other values may be any expressions of bound values, for the tier to bind if the flags are live.
 * Flags are exact after every instruction in every tier; a binding may keep them symbolic until they are read.
 */
export type FlagChange =
  /** r = x + y. */
  | { readonly kind: 'add'; readonly x: I64; readonly y: I64; readonly r: I64 }
  /** r = x - y (also cmp, neg as 0 - y). */
  | { readonly kind: 'sub'; readonly x: I64; readonly y: I64; readonly r: I64 }
  /** r = x + y + CF. */
  | { readonly kind: 'adc'; readonly x: I64; readonly y: I64; readonly r: I64 }
  /** r = x - y - CF. */
  | { readonly kind: 'sbb'; readonly x: I64; readonly y: I64; readonly r: I64 }
  /** and, or, xor, test: CF = OF = AF = 0. */
  | { readonly kind: 'logic'; readonly r: I64 }
  /** r = x + 1, CF kept. */
  | { readonly kind: 'inc'; readonly r: I64 }
  /** r = x - 1, CF kept. */
  | { readonly kind: 'dec'; readonly r: I64 }
  /** CF = OF = the upper half of an unsigned product is not zero; SF, ZF and PF are 0, AF is 1. */
  | { readonly kind: 'mul'; readonly high: I64 }
  /** CF = OF = the signed product of x and y, sign-extended here, does not fit its lower half; SF, ZF and PF are 0, AF is 1. */
  | { readonly kind: 'imul'; readonly x: I64; readonly y: I64 }
  /** x shifted by a bound count that is not 0, and below that of a value's bits as far as an instruction has it. */
  | { readonly kind: 'shl' | 'shr' | 'sar'; readonly x: I64; readonly count: I64 }
  /** ZF, SF, PF from r; CF, OF, AF given as 0 or 1 (i64). */
  | { readonly kind: 'result'; readonly r: I64; readonly cf: I64; readonly of: I64; readonly af: I64 }
  /** comis, ucomis: x compared with y, the bits of two doubles or singles, by the size. */
  | { readonly kind: 'float'; readonly x: I64; readonly y: I64 }
  /** All six flags as bits of an RFLAGS image (CF 0, PF 2, AF 4, ZF 6, SF 7, OF 11); other bits are ignored. */
  | { readonly kind: 'bits'; readonly rflags: I64 }
  /** The flags in `mask` as bits of an RFLAGS image; the others are kept (bt, rotates, clc, cmpxchg8b). */
  | { readonly kind: 'some'; readonly mask: number; readonly rflags: I64 }

/** Changes that the flags are read from as they are; the others come to one of these (product-flags.ts, shift-flags.ts). */
export type PlainChange = Exclude<FlagChange, { kind: 'mul' | 'imul' | 'shl' | 'shr' | 'sar' }>

/** Condition codes as in the low nibble of Jcc: 0 o, 1 no, 2 b, 3 ae, 4 e, 5 ne, 6 be, 7 a, 8 s, 9 ns, 10 p, 11 np, 12 l, 13 ge, 14 le, 15 g. */
export type ConditionCode = number

/** Why translated code hands an instruction to TypeScript (`pv/`): it has not changed any state and RIP is on it. */
export const TRAP_KINDS = [
  'syscall',
  'sysenter',
  'int',
  'int3',
  'into',
  'int1',
  'ud',
  'hlt',
  'io',
  'cpuid',
  'rdtsc',
  'rdtscp',
  'rdpmc',
  'msr',
  'creg',
  'dreg',
  'segment',
  'iret',
  'sysret',
  'system',
  'flags',
  'farbranch',
  'fxstate',
] as const

export type Trap = (typeof TRAP_KINDS)[number]

/** State words other than general registers, addressed by name; see state/layout.ts. All read and written as i64 (zero-extended). */
export type StateWord =
  | 'df'
  | 'mxcsr'
  | 'fsbase'
  | 'gsbase'
  | 'rflags'
  | 'x87'
  | 'x87ip'
  | 'x87dp'
  | 'result'
  | 'tscTraps'
  | Selector

/** The word that holds a segment register's selector. */
export type Selector = 'es' | 'cs' | 'ss' | 'ds' | 'fs' | 'gs'

/** Imported functions for work that is done in TypeScript. All arguments and results are i32; addresses are places in memory. */
export type Helper =
  /** (operation, address of destination/first operand, address of source) -> 0, or the vector to raise. See float/. */
  | 'sse'
  /** (opcode byte, modrm, address of memory operand or 0) -> 0, or the vector to raise. */
  | 'x87'
  /** () -> 0, the time stamp counter in the word 'result'. */
  | 'tsc'

/**
 * What a definition is written against. Rules:
 * 1. Open every memory operand (`open`, `openAt`) and make every other check (`fault`) before the first `put`, `flags` or
 *    `setState`: an instruction that faults has changed nothing, so it can be restarted.
 * 2. `get` gives the value at the time of the call as long as it is used before the next `put`; bind it with `let` to keep it longer
 *    or use it twice.
 * 3. Values are i64, zero-extended from the operand's size; `put` truncates to the place's size. A 4-byte general register
 *    is zero-extended to 64 bits when written, 1- and 2-byte ones keep the rest.
 * 4. A definition of a row with `ends` finishes with exactly one of jump, jumpIf, jumpTo, again, finish or trap on each path; others fall through.
 */
export interface Builder {
  readonly insn: Decoded
  /** Effective operand size in bytes. */
  readonly size: 1 | 2 | 4 | 8
  /** The n-th operand of the row. */
  op(n: number): Operand
  /** Checks access to an operand and makes it readable or writable. `size` overrides the operand's size (memory and general registers). */
  open(operand: Operand, access: Access, size?: number): Place
  /** 16 bytes of a legacy SSE instruction: memory must be aligned to 16 bytes, else #GP(0). */
  openAligned(operand: Operand, access: Access): Place
  /** Opens memory at a computed linear address (stack, strings); `stack` selects #SS for non-canonical addresses. */
  openAt(address: I64, access: Access, size: number, stack?: boolean): Place
  /** A general register by number. */
  gpr(index: number, size: 1 | 2 | 4 | 8): Place
  /** An xmm register by number, its low `size` bytes. */
  xmm(index: number, size: number): Place
  /** The operand's offset with segment base, before any check (lea takes it without the segment: `segment` false). */
  address(operand: MemOperand, segment: boolean): I64
  /** Size 1, 2, 4 or 8. */
  get(place: Place): I64
  /** As `get`, sign-extended to 64 bits. */
  getSigned(place: Place): I64
  put(place: Place, value: I64): void
  /** 16 bytes. Memory is read unaligned. */
  get128(place: Place): V128
  put128(place: Place, value: V128): void
  /** A double in 8 bytes, or a single in 4: their bits unchanged. */
  double(place: Place): F64
  putDouble(place: Place, value: F64): void
  single(place: Place): F32
  putSingle(place: Place, value: F32): void
  /** A whole register: the value with zero above. */
  putAlone(place: Place, value: F32 | F64): void
  /** A floating-point operation as WebAssembly does it, or the library where that would be wrong; leaves the result. */
  arithmetic(arithmetic: Arithmetic): void
  /** What `FloatTests.unsure` compares with; 0 outside of the usual mode. */
  limit(lanes: FloatLanes): I32
  /** Host address (offset in the domain's wasm memory) of an xmm or memory place, for helpers and bulk operations. */
  hostAddress(place: Place): I32
  /**
   * Bytes from an open memory place to the end of its page that may be used from `hostAddress` on, or with `backward` from the
   * start of the page to the end of the place. Only the place itself in the slow step, where it is a bounce buffer.
   */
  reach(place: Place, backward?: boolean): I32
  /** Orders all earlier loads and stores before all later ones (mfence). */
  fence(): void
  /**
   * Read-modify-write of an open 'rw' place; answers the old value, bound. Atomic when the instruction is locked
   * (or is xchg with memory): `next` is then written so that it may be evaluated again.
   */
  rmw(place: Place, next: (old: I64) => I64, locked?: boolean): I64
  /**
   * From here to its end the instruction is one step for all other vCPUs: for locked accesses that WebAssembly has no atomic
   * operation for. Before any change.
   */
  alone(): void
  /** The constant value of an immediate if this tier knows it while emitting (regions do, the cold tier does not). */
  known(operand: Operand): bigint | undefined
  /** Binds an expression to a local; the result may be used any number of times until the instruction ends. */
  let<T extends WasmType>(value: Expr<T>): Expr<T>
  /** A new local, first 0, that `set` may change (loops). */
  variable<T extends WasmType>(type: T): Expr<T>
  set<T extends WasmType>(variable: Expr<T>, value: Expr<T>): void
  if(condition: I32, then: () => void, otherwise?: () => void): void
  /** The rest of an instruction that has changed nothing yet, where it hardly ever goes: regions leave it to the slow step. */
  seldom(emit: () => void): void
  /** Repeats `body` while it answers a non-zero i32. */
  loopWhile(body: () => I32): void
  /** A statement: evaluates and drops (memory.copy and the like come as `copy`, `fill`). */
  copyBytes(to: I32, from: I32, count: I32): void
  fillBytes(to: I32, value: I32, count: I32): void

  /** Truncates to the operation's size: x & (2^(8*size) - 1). */
  trunc(value: I64, size?: number): I64
  /** Sign-extends from the operation's size. */
  signed(value: I64, size?: number): I64

  /** Leaves the arithmetic flags. With `when` (bound), they stay as they were where it is zero: a count of zero. */
  flags(change: FlagChange, size?: number, when?: I32): void
  /** 1 if the condition holds, else 0. */
  cond(code: ConditionCode): I32
  /** CF as 0 or 1. */
  carry(): I64
  /** The six arithmetic flags as bits of an RFLAGS image; no other bits. */
  arithmeticFlags(): I64
  state(word: StateWord): I64
  setState(word: StateWord, value: I64): void

  /** Raises an exception before any change if the condition is not zero. RIP stays on the instruction. */
  fault(condition: I32, vector: number, errorCode?: number): void
  /** Leaves to TypeScript with RIP on this instruction, not retired, as the row says (`Row.traps`). */
  trap(): void
  helper(name: Helper, ...args: I32[]): I32

  /** The modrm byte of an instruction with a memory operand. */
  modrm(): I32
  /** Address of this instruction. */
  rip(): I64
  /** Address of the next instruction. */
  nextRip(): I64
  /** Continue at the displacement operand. */
  jump(target: Operand): void
  /** Continue at the displacement operand if the condition is not zero, else at the next instruction. */
  jumpIf(condition: I32, target: Operand): void
  /** Continue at a computed address. */
  jumpTo(rip: I64): void
  /** Repeat this instruction without retiring it (a step of a rep string instruction); events may come in between. */
  again(): void
  /** Retire and continue at the next instruction (the other end of `again`). */
  finish(): void
}
