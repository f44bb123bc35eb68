import { performance } from 'node:perf_hooks'
import { HANDLER_MASK } from '../cold/record.ts'
import { CPU } from '../state/layout.ts'
import type { VcpuMemory } from '../state/vcpu-memory.ts'

/** Milliseconds of sleep after which a processor has little of a vCPU's left in its caches. */
const LONG = 2
/**
 * Instructions until regions are worth while again. A line of memory costs a hundred times what it does later, and a region has more
 * of them than records and the loop's bodies, which all instructions share: a guest that only looks at its clock and sleeps on takes a
 * third less time without regions.
 */
const WAKING = 20_000

/** Whether a vCPU that has begun to run goes by regions or by records alone. */
export class Waking {
  readonly #vcpu: VcpuMemory
  readonly #isAwake: boolean
  /** Instructions still to be run by records. */
  #few = 0
  /** When its translated code was left last. Guests see nothing of what follows from it. */
  #left = 0

  /** @param isAwake it goes by regions always */
  constructor(vcpu: VcpuMemory, isAwake: boolean) {
    this.#vcpu = vcpu
    this.#isAwake = isAwake
  }

  get isOver(): boolean {
    return this.#few <= 0
  }

  /** Instructions to run at most before the next look. */
  get most(): number {
    return this.isOver ? Number.POSITIVE_INFINITY : this.#few
  }

  begin(): void {
    if (!this.#isAwake && performance.now() - this.#left > LONG) this.#few = WAKING
    this.#choose()
  }

  /** So many instructions were run. */
  ran(count: number): void {
    this.#left = performance.now()
    if (this.isOver) return
    this.#few -= count
    this.#choose()
  }

  #choose(): void {
    this.#vcpu.setI32(CPU.HANDLER_MASK, this.isOver ? HANDLER_MASK.REGIONS : HANDLER_MASK.RECORDS)
  }
}
