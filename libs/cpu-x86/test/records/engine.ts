/** Runs cases in the engine: one machine, its memory set anew for each case, the code only when it differs from the last. */
import { TRAP_KINDS, type Trap } from '../../src/builder/builder.ts'
import { sseHelper } from '../../src/insn/sse-helper.ts'
import { x87Helper } from '../../src/insn/x87-helper.ts'
import { LinearMemory } from '../../src/mmu/linear-memory.ts'
import { fxState } from '../../src/pv/emulate-fx.ts'
import type { Stop } from '../../src/run.ts'
import { CPU } from '../../src/state/layout.ts'
import { Machine } from '../machine.ts'
import { BREAKPOINT } from './fields.ts'
import {
  background,
  type Case,
  CODE,
  ENTRY,
  INT3,
  type Outcome,
  PAGE,
  PAGES,
  READ_ONLY,
  type Word,
  WRITABLE,
} from './layout.ts'

export type Tier = 'cold' | 'regions' | 'steps'

/** How the engine ends a case; `trap` where it leaves an instruction to TypeScript (other than the int3 at the end). */
export type EngineOutcome = Outcome & { readonly trap: Trap | undefined }

/** More than any case executes: a repeated string instruction is one. */
const LIMIT = 64
/** jmp to the instruction from where nothing leads to: where regions are made, jumps are what makes them. */
const JUMP_AT = CODE + PAGE - 8
const JUMP: readonly number[] = [0xe9, ...new Uint8Array(Int32Array.of(ENTRY - JUMP_AT - 5).buffer)]
const NOP = 0x90
const FX_BYTES = 416

export class Bench {
  readonly #tier: Tier
  readonly #machine: Machine
  readonly #code: number
  readonly #memory: LinearMemory
  /** Host addresses of the pages in WRITABLE. */
  readonly #pages: readonly number[]
  readonly #background: Buffer
  readonly #before: Buffer
  #loaded: Uint8Array | undefined

  constructor(tier: Tier) {
    this.#tier = tier
    this.#machine = new Machine({
      regionThreshold: tier === 'regions' ? 1 : 0,
      helpers: (vcpu) => {
        const view = new DataView(vcpu.views.memory.buffer)
        return { sse: sseHelper(view), x87: x87Helper(view), tsc: () => 0 }
      },
    })
    const machine = this.#machine
    const { vcpu, runner } = machine
    this.#memory = new LinearMemory(
      vcpu,
      runner.walker,
      () => vcpu.i32(CPU.ROOT),
      () => {},
    )
    this.#code = machine.map({ va: BigInt(CODE) })
    this.#pages = WRITABLE.map((va) => machine.map({ va: BigInt(va), executable: false }))
    this.#background = Buffer.from(background())
    const last = machine.map({ va: BigInt(READ_ONLY), writable: false, executable: false })
    machine.write(last, this.#background.subarray(WRITABLE.length * PAGE))
    this.#before = Buffer.from(this.#background.subarray(0, WRITABLE.length * PAGE))
    machine.user(true)
    for (const va of PAGES) machine.vcpu.flushPage(BigInt(va))
  }

  /** Regions made so far. */
  get regions(): number {
    return this.#machine.runner.regions.count
  }

  run(c: Case): EngineOutcome {
    const { vcpu, views } = this.#machine
    this.#load(c.code)
    for (const [n, host] of this.#pages.entries())
      views.u8.set(this.#background.subarray(n * PAGE, (n + 1) * PAGE), host)
    this.#background.copy(this.#before, 0, 0, this.#before.length)
    for (const { address, bytes } of c.patches) this.#patch(address, bytes)
    views.u8.set(c.fx, vcpu.base + CPU.FX)
    vcpu.setI32(CPU.COMPAT, c.mode === 32 ? 1 : 0)
    vcpu.setU64(CPU.FSBASE, BigInt(c.fsbase))
    vcpu.setU64(CPU.GSBASE, BigInt(c.gsbase))
    for (let n = 0; n < 16; n++) vcpu.setGpr(n, c.gpr[n] as bigint)
    const start = this.#tier === 'regions' ? JUMP_AT : ENTRY
    this.#machine.state = { rip: BigInt(start), rflags: BigInt((c.rflags & 0xcd5) | 0x202) }
    return this.#outcome(this.#go())
  }

  /** To the end of the case; fxsave and fxrstor, which translated code leaves to TypeScript, are done as the PV layer does them. */
  #go(): Stop {
    const { runner, vcpu } = this.#machine
    for (;;) {
      const stop = this.#tier === 'steps' ? this.#machine.steps(LIMIT) : runner.run(LIMIT)
      if (stop !== 'trap' || TRAP_KINDS[vcpu.i32(CPU.TRAP)] !== 'fxstate') return stop
      const insn = runner.current()
      if (insn === undefined) return 'fault'
      const refused = fxState({ vcpu, memory: this.#memory }, insn)
      if (refused !== undefined && refused !== 'jumped') {
        vcpu.setI32(CPU.VECTOR, refused.vector)
        vcpu.setI32(CPU.ERROR, refused.error)
        vcpu.setU64(CPU.ADDRESS, refused.address ?? 0n)
        return 'fault'
      }
      vcpu.rip += BigInt(insn.length)
    }
  }

  /** The code page: int3 everywhere, the instruction, three nops. */
  #load(code: Uint8Array): void {
    if (this.#loaded === code) return
    this.#loaded = code
    const page = new Uint8Array(PAGE).fill(INT3)
    if (this.#tier === 'regions') page.set(JUMP, JUMP_AT - CODE)
    page.set(code, ENTRY - CODE)
    page.fill(NOP, ENTRY - CODE + code.length, ENTRY - CODE + code.length + 3)
    this.#machine.write(this.#code, page)
  }

  #patch(address: number, bytes: Uint8Array): void {
    for (let n = 0; n < bytes.length; n++) {
      const page = WRITABLE.findIndex((va) => address + n >= va && address + n < va + PAGE)
      if (page < 0) throw new RangeError(`no page at ${(address + n).toString(16)}`)
      const offset = address + n - (WRITABLE[page] as number)
      this.#machine.views.u8[(this.#pages[page] as number) + offset] = bytes[n] as number
      this.#before[page * PAGE + offset] = bytes[n] as number
    }
  }

  #outcome(stop: Stop): EngineOutcome {
    const { vcpu, views, state } = this.#machine
    if (stop === 'limit' || stop === 'absent')
      throw new Error(`the case stopped with '${stop}' at ${state.rip.toString(16)}`)
    const isFault = stop === 'fault'
    const kind = isFault ? undefined : TRAP_KINDS[vcpu.i32(CPU.TRAP)]
    const ended = kind === 'int3'
    const vector = isFault ? vcpu.i32(CPU.VECTOR) : ended ? BREAKPOINT : 0
    return {
      trap: ended ? undefined : kind,
      vector,
      error: isFault ? Math.max(0, vcpu.i32(CPU.ERROR)) : 0,
      address: vector === 14 ? vcpu.u64(CPU.ADDRESS) : 0n,
      rip: state.rip,
      gpr: BigUint64Array.from(state.gpr),
      rflags: Number(state.rflags),
      fx: views.u8.slice(vcpu.base + CPU.FX, vcpu.base + CPU.FX + FX_BYTES),
      fsbase: vcpu.u64(CPU.FSBASE),
      gsbase: vcpu.u64(CPU.GSBASE),
      memory: this.#changes(),
    }
  }

  #changes(): Word[] {
    const words: Word[] = []
    for (const [n, host] of this.#pages.entries()) {
      const now = Buffer.from(this.#machine.views.u8.buffer, host, PAGE)
      const before = this.#before.subarray(n * PAGE, (n + 1) * PAGE)
      if (now.equals(before)) continue
      for (let at = 0; at < PAGE; at += 8)
        if (now.readBigUInt64LE(at) !== before.readBigUInt64LE(at))
          words.push({ address: (WRITABLE[n] as number) + at, value: now.readBigUInt64LE(at) })
    }
    return words
  }
}
