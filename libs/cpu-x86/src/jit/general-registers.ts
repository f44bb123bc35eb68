import type { Locals } from '../builder/locals.ts'
import { CPU } from '../state/layout.ts'
import { type Code, STORE64 } from '../wasm/code.ts'
import type { I32, I64 } from '../wasm/expr.ts'
import { i64 } from '../wasm/ops.ts'

const HOME = (n: number): number => CPU.GPR + n * 8

/** Which registers' locals have their values, and which of these the vCPU's state does not have yet: bits. */
export interface RegistersHere {
  readonly known: number
  readonly pending: number
}

/** The general registers in a region's function: each has a local. */
export abstract class GeneralRegisters {
  protected readonly code: Code
  protected readonly cpu: I32
  readonly #locals: Locals
  protected readonly own: (I64 | undefined)[] = []
  /** Of labels, outside of all conditions of the instruction. */
  #depth = 0

  constructor(code: Code, locals: Locals, cpu: I32) {
    this.code = code
    this.#locals = locals
    this.cpu = cpu
  }

  beginInstruction(): void {
    this.#depth = this.code.depth
  }

  /** Whether what is emitted is done whenever the instruction is. */
  get isCertain(): boolean {
    return this.code.depth === this.#depth
  }

  protected local(n: number): I64 {
    this.own[n] ??= this.#locals.named('i64')
    return this.own[n]
  }

  /** The register that has this local. */
  numberOf(local: number): number | undefined {
    const n = this.own.findIndex((own) => own?.op === local)
    return n < 0 ? undefined : n
  }

  /** The local of a register, with its value. */
  abstract get(n: number): I64
  /** All 64 bits. */
  abstract put(n: number, value: I64): void
  /** The low 1 or 2 bytes, or the second. The value has no other bits. */
  abstract putPart(n: number, size: 1 | 2, isHigh: boolean, value: I64): void
  abstract get here(): RegistersHere
  abstract set here(known: RegistersHere)
  /** Several ways lead to what is emitted next; on all of them the locals of these registers (bits) have their values. */
  abstract meet(carried: number): void
  /** Gives the locals of these registers their values, before control goes where they are taken to have them. */
  abstract carry(registers: number): void
  /** Makes the vCPU's state whole here. */
  abstract settle(): void
  /** As `settle`, where nothing but what control goes to from here is emitted before `here` is set anew. */
  abstract depart(): void
  /** Emits what the function begins and ends with. */
  abstract enter(code: Code): void
  abstract leave(code: Code): void

  protected insert(n: number, size: 1 | 2, isHigh: boolean, part: I64): void {
    const mask = (size === 1 ? 0xffn : 0xffffn) << (isHigh ? 8n : 0n)
    const whole = this.get(n)
    const placed = isHigh ? i64.shl(part, i64.const(8)) : part
    this.code.setLocal(whole.op, i64.or(i64.and(whole, i64.const(~mask)), placed))
  }
}

const ALL: RegistersHere = { known: 0xffff, pending: 0 }

/** They are loaded where the region is entered and stored where it is left: best for a loop. */
export class KeptRegisters extends GeneralRegisters {
  readonly #changed = new Set<number>()

  get here(): RegistersHere {
    return ALL
  }

  set here(_: RegistersHere) {}

  get(n: number): I64 {
    return this.local(n)
  }

  put(n: number, value: I64): void {
    this.#changed.add(n)
    this.code.setLocal(this.local(n).op, value)
  }

  putPart(n: number, size: 1 | 2, isHigh: boolean, value: I64): void {
    this.#changed.add(n)
    this.insert(n, size, isHigh, value)
  }

  meet(): void {}
  carry(): void {}
  settle(): void {}
  depart(): void {}

  enter(code: Code): void {
    this.own.forEach((local, n) => {
      if (local) code.setLocal(local.op, i64.load(this.cpu, HOME(n)))
    })
  }

  leave(code: Code): void {
    for (const n of this.#changed) code.store(STORE64[8], this.cpu, this.local(n), HOME(n))
  }
}

/**
 * They are loaded where a block first wants them, and stored before it may be left: but for small loops (carried.ts) nothing is carried
 * over places where ways meet, for V8 to spill and move, and little is to be done where a region is entered and left, as code that is
 * made of calls does all the time.
 * What is emitted under a condition within an instruction is stored at once, and loaded each time.
 */
export class HomeRegisters extends GeneralRegisters {
  #known = 0
  #pending = 0

  get here(): RegistersHere {
    return { known: this.#known, pending: this.#pending }
  }

  set here({ known, pending }: RegistersHere) {
    this.#known = known
    this.#pending = pending
  }

  get(n: number): I64 {
    const local = this.local(n)
    if (this.#known & (1 << n)) return local
    this.#load(n)
    if (this.isCertain) this.#known |= 1 << n
    return local
  }

  #load(n: number): void {
    this.code.setLocal(this.local(n).op, i64.load(this.cpu, HOME(n)))
  }

  put(n: number, value: I64): void {
    this.code.setLocal(this.local(n).op, value)
    if (this.isCertain) this.#known |= 1 << n
    this.#changed(n)
  }

  putPart(n: number, size: 1 | 2, isHigh: boolean, value: I64): void {
    if ((this.#known & (1 << n)) === 0) {
      this.code.store(STORE64[size], this.cpu, value, HOME(n) + (isHigh ? 1 : 0))
      return
    }
    this.insert(n, size, isHigh, value)
    this.#changed(n)
  }

  #changed(n: number): void {
    if (this.isCertain) this.#pending |= 1 << n
    else this.#store(n)
  }

  #store(n: number): void {
    this.code.store(STORE64[8], this.cpu, this.local(n), HOME(n))
  }

  meet(carried: number): void {
    this.#known = carried
    this.#pending = 0
  }

  carry(registers: number): void {
    for (let n = 0; n < 16; n++) if (((registers & ~this.#known) >> n) & 1) this.#load(n)
  }

  settle(): void {
    for (let bits = this.#pending; bits !== 0; bits &= bits - 1) this.#store(31 - Math.clz32(bits & -bits))
    if (this.isCertain) this.#pending = 0
  }

  depart(): void {
    this.settle()
    this.#pending = 0
  }

  enter(): void {}
  leave(): void {}
}
