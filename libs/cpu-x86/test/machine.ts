import { type RunnerOptions, type Stop, VcpuRunner } from '../src/run.ts'
import { type DomainMemoryPlan, initVcpu, planDomainMemory, setMode } from '../src/state/domain-memory.ts'
import { CPU } from '../src/state/layout.ts'
import { readRflags, writeRflags } from '../src/state/rflags.ts'
import { DomainViews, VcpuMemory } from '../src/state/vcpu-memory.ts'

/** One page of a test machine: an address, and what may be done there. */
export interface Mapping {
  readonly va: bigint
  /** Frame number of the machine; several addresses may name one frame. Absent: a new one. */
  readonly frame?: number
  readonly writable?: boolean
  readonly user?: boolean
  readonly executable?: boolean
}

export interface MachineState {
  readonly gpr: readonly bigint[]
  readonly rip: bigint
  readonly rflags: bigint
}

/** What another thread needs to run the same vCPU; can be posted. */
export interface SharedMachine {
  readonly memory: WebAssembly.Memory
  readonly plan: DomainMemoryPlan
}

export interface MachineOptions extends Partial<RunnerOptions> {
  /** Room for translations. */
  readonly arenaBytes?: number
  /** The machine that another thread has made. */
  readonly shared?: SharedMachine
  /** How many vCPUs it has; all but the first are reached by `shared` and `index`. */
  readonly nrVcpus?: number
  /** Which of them this one is. */
  readonly index?: number
}

const FRAMES = 512
const ARENA_BYTES = 8 << 20

function createShared(arenaBytes: number, vcpus: number): SharedMachine {
  const plan = planDomainMemory({ frames: FRAMES, gmfns: FRAMES, vcpus, arenaBytes })
  if (!plan) throw new RangeError('the test machine does not fit')
  return { plan, memory: new WebAssembly.Memory({ initial: plan.wasmPages, maximum: 65536, shared: true }) }
}

/**
 * A bare vCPU with page tables of the test's making and no hypervisor: runs instruction bytes in the cold tier (`run`) or one by
 * one in the slow step (`step`). Frames 1 to 255 are for page tables, data frames follow.
 */
export class Machine {
  readonly views: DomainViews
  readonly vcpu: VcpuMemory
  readonly runner: VcpuRunner
  readonly shared: SharedMachine
  readonly #frameBase: number
  #nextTable = 2
  #nextFrame = 256

  constructor({ arenaBytes = ARENA_BYTES, shared, nrVcpus = 1, index = 0, ...options }: MachineOptions = {}) {
    this.shared = shared ?? createShared(arenaBytes, nrVcpus)
    const { memory, plan } = this.shared
    this.views = new DomainViews(memory)
    this.#frameBase = plan.frameBase
    const vcpus = plan.vcpuBases.map((base) => new VcpuMemory(this.views, base))
    this.vcpu = vcpus[index]
    if (!shared) {
      for (let n = 0; n < FRAMES; n++) this.views.i32[(plan.physmap >> 2) + n] = this.host(n)
      for (let n = 0; n < nrVcpus; n++) initVcpu(this.views, plan, n).setI32(CPU.ROOT, this.host(1))
    }
    const none = () => {
      throw new TypeError('this test machine has no helpers: give `helpers`')
    }
    this.runner = new VcpuRunner(this.views, this.vcpu, {
      // Programs of a few instructions: what is hot once shall be a region once.
      regions: { atOnce: true },
      helpers: () => ({ sse: none, x87: none, tsc: none }),
      access: {
        mayEmulate: () => false,
        emulate: () => 'refused',
        written: (frame, offset, length) => this.runner.cache.written(frame, offset, length),
      },
      vcpus,
      ...options,
    })
  }

  host(frame: number): number {
    return this.#frameBase + frame * 4096
  }

  /** Host address of the entry that maps the page; tables above it are made. */
  entry(va: bigint): number {
    let table = this.host(1)
    for (const shift of [39n, 30n, 21n]) {
      const slot = (table + Number((va >> shift) & 511n) * 8) >> 3
      if ((this.views.u64[slot] & 1n) === 0n) this.views.u64[slot] = (BigInt(this.#nextTable++) << 12n) | 7n
      table = this.host(Number(this.views.u64[slot] >> 12n))
    }
    return table + Number((va >> 12n) & 511n) * 8
  }

  /** The frame that a page is mapped to. */
  frameOf(va: bigint): number {
    return Number((this.views.u64[this.entry(va) >> 3] >> 12n) & 0xffffn)
  }

  /** Maps a page and answers the host address of its frame. */
  map(m: Mapping): number {
    const frame = m.frame ?? this.#nextFrame++
    const bits =
      1n | (m.writable === false ? 0n : 2n) | (m.user === false ? 0n : 4n) | (m.executable === false ? 1n << 63n : 0n)
    this.views.u64[this.entry(m.va) >> 3] = (BigInt(frame) << 12n) | bits
    this.vcpu.flushPage(m.va)
    return this.host(frame)
  }

  write(host: number, bytes: Uint8Array): void {
    this.views.u8.set(bytes, host)
    this.runner.cache.written(host & ~4095, host & 4095, bytes.length)
  }

  set state(s: Partial<MachineState>) {
    for (const [n, v] of (s.gpr ?? []).entries()) this.vcpu.setGpr(n, BigInt.asUintN(64, v))
    if (s.rip !== undefined) this.vcpu.rip = s.rip
    if (s.rflags !== undefined) writeRflags(this.vcpu, s.rflags)
  }

  get state(): MachineState {
    return {
      gpr: Array.from({ length: 16 }, (_, n) => this.vcpu.gpr(n)),
      rip: this.vcpu.rip,
      rflags: readRflags(this.vcpu),
    }
  }

  /** The exception that a run answered 'fault' for; error -1 for none. */
  get fault(): { readonly vector: number; readonly error: number } {
    return { vector: this.vcpu.i32(CPU.VECTOR), error: this.vcpu.i32(CPU.ERROR) }
  }

  user(on: boolean): void {
    setMode(this.vcpu, on)
  }

  /** Runs `count` instructions in the cold tier. */
  run(count: number): Stop {
    return this.runner.run(count, true)
  }

  /** Runs `count` instructions one by one. */
  steps(count: number): Stop {
    const end = this.vcpu.u64(CPU.ICOUNT) + BigInt(count)
    while (this.vcpu.u64(CPU.ICOUNT) < end) {
      const stop = this.runner.step()
      if (stop) return stop
    }
    return 'limit'
  }
}
