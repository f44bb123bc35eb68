/** A vCPU in a thread of its own that stores a counter into a page as fast as it can. */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { kick } from '../../src/mmu/safepoint.ts'
import { Machine, type SharedMachine } from '../machine.ts'

/** What the thread is told. */
export interface VcpuStart {
  readonly shared: SharedMachine
  /** WORD.* */
  readonly control: SharedArrayBuffer
  /** Instructions from one look at STOP to the next. */
  readonly stretch: number
  readonly regionThreshold: number
}

export const WORD = { STOP: 0, FAULTS: 1, REGIONS: 2, COUNT: 3 } as const

/** How the vCPU gets at the page. */
export interface Way {
  readonly name: string
  readonly stretch: number
  readonly regionThreshold: number
  /** Offset in the page at which the counter is stored. */
  readonly offset: number
}

const CODE = 0x400000n
/** The page that is taken away; the one behind it stays. */
export const PAGE = 0x600000n

/** inc rax; mov [rbx], rax; nop; jmp back to the inc. Long enough for a region. */
const LOOP = Uint8Array.of(0x48, 0xff, 0xc0, 0x48, 0x89, 0x03, 0x90, 0xeb, 0xf7)

export class HotVcpu {
  readonly machine = new Machine()
  /** Host address of the frame with the loop, which is at its start. */
  readonly code: number
  /** The page table entry of PAGE, as an index of 32-bit words. */
  readonly entry: number
  readonly #counter: number
  readonly #control = new SharedArrayBuffer(4 * WORD.COUNT)
  readonly words = new Int32Array(this.#control)
  readonly #worker: Worker

  constructor({ stretch, regionThreshold, offset }: Way) {
    const { machine } = this
    this.code = machine.map({ va: CODE })
    const page = machine.map({ va: PAGE })
    machine.map({ va: PAGE + 0x1000n })
    machine.write(this.code, LOOP)
    machine.state = { rip: CODE, gpr: [0n, 0n, 0n, PAGE + BigInt(offset)] }
    this.entry = machine.entry(PAGE) >> 2
    this.#counter = (page + offset) >> 2
    const start: VcpuStart = { shared: machine.shared, control: this.#control, stretch, regionThreshold }
    this.#worker = new Worker(new URL('./vcpu-worker.ts', import.meta.url), { workerData: start })
  }

  /** The counter's low bits as they are in the page. */
  get stored(): number {
    return Atomics.load(this.machine.views.i32, this.#counter)
  }

  /** Waits until the vCPU has stored something other than `before`. */
  untilStored(before: number): void {
    for (let looks = 0; this.stored === before; looks++)
      if (looks % 500 === 499) Atomics.wait(this.words, WORD.STOP, 0, 0.05)
  }

  /** Waits until the vCPU, which stores without end, has met a fault that it had not met before, or has stored. */
  untilFaultOrStored(faults: number, before: number): void {
    for (let looks = 0; Atomics.load(this.words, WORD.FAULTS) === faults && this.stored === before; looks++)
      if (looks % 500 === 499) Atomics.wait(this.words, WORD.STOP, 0, 0.05)
  }

  /** Ends the thread; what it threw is thrown here. */
  async stop(): Promise<void> {
    const ended = once(this.#worker, 'exit')
    Atomics.store(this.words, WORD.STOP, 1)
    kick(this.machine.vcpu)
    await ended
  }
}
