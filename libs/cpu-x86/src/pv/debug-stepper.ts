import type { Observed } from '../cold/slow-access.ts'
import type { LinearMemory } from '../mmu/linear-memory.ts'
import type { VcpuRunner } from '../run.ts'
import { CPU } from '../state/layout.ts'
import type { VcpuMemory } from '../state/vcpu-memory.ts'
import { dataHits, instructionHits, noteDebug, SINGLE_STEP } from './debug-registers.ts'
import { PV } from './pv-state.ts'
import { resumeFlag } from './resume-flag.ts'

const TF = 0x100n

/**
 * What debug exceptions one instruction makes (SDM vol. 3 17.3.1). `begin` before it, `end` after it; both note in DR6 what they
 * found and say whether #DB is to be raised.
 */
export class DebugStepper {
  readonly #runner: VcpuRunner
  readonly #vcpu: VcpuMemory
  readonly #memory: LinearMemory
  readonly #accesses: Observed[] = []
  #stepping = false
  /** The instruction before loaded SS. */
  #isHeld = false

  constructor(runner: VcpuRunner, memory: LinearMemory) {
    this.#runner = runner
    this.#vcpu = runner.vcpu
    this.#memory = memory
  }

  /** True: a breakpoint is on the instruction at RIP, which is not to run. */
  begin(): boolean {
    const vcpu = this.#vcpu
    this.#isHeld = vcpu.u64(PV.SS_LOADED_AT) === vcpu.u64(CPU.ICOUNT)
    if (!this.#isHeld) vcpu.setI32(PV.HELD_DEBUG, 0)
    if (!this.#isHeld && !resumeFlag(vcpu)) {
      const hits = instructionHits(vcpu, vcpu.rip)
      noteDebug(vcpu, hits)
      if (hits) return true
    }
    this.#stepping = (vcpu.u64(CPU.RFLAGS) & TF) !== 0n
    this.#accesses.length = 0
    this.#runner.observed = this.#accesses
    this.#memory.observed = this.#accesses
    return false
  }

  stop(): void {
    this.#runner.observed = undefined
    this.#memory.observed = undefined
  }

  /** `completed`: it is done, or one round of a repetition; it has neither faulted nor entered the kernel. */
  end(completed: boolean): boolean {
    const vcpu = this.#vcpu
    const held = this.#isHeld ? vcpu.i32(PV.HELD_DEBUG) : 0
    vcpu.setI32(PV.HELD_DEBUG, 0)
    if (!completed) return false
    const hits = held | dataHits(vcpu, this.#accesses)
    // It loaded SS: nothing is reported before the next instruction, which shall set RSP, is done.
    if (vcpu.u64(PV.SS_LOADED_AT) === vcpu.u64(CPU.ICOUNT) && !this.#isHeld) {
      vcpu.setI32(PV.HELD_DEBUG, hits)
      return false
    }
    const bits = hits | (this.#stepping ? SINGLE_STEP : 0)
    noteDebug(vcpu, bits)
    return bits !== 0
  }
}
