import { type RunnerOptions, type Stop, VcpuRunner } from '../src/run.ts'
import { initVcpu, planDomainMemory, setMode } from '../src/state/domain-memory.ts'
import { CPU } from '../src/state/layout.ts'
import { readRflags, writeRflags } from '../src/state/rflags.ts'
import { DomainViews, type VcpuMemory } from '../src/state/vcpu-memory.ts'

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

const FRAMES = 512

/**
 * A bare vCPU with page tables of the test's making and no hypervisor: runs instruction bytes in the cold tier (`run`) or one by
 * one in the slow step (`step`). Frames 1 to 255 are for page tables, data frames follow.
 */
export class Machine {
  readonly views: DomainViews
  readonly vcpu: VcpuMemory
  readonly runner: VcpuRunner
  readonly #frameBase: number
  #nextTable = 2
  #nextFrame = 256

  constructor(options: Partial<RunnerOptions> = {}) {
    const plan = planDomainMemory({ frames: FRAMES, gmfns: FRAMES, vcpus: 1, arenaBytes: 8 << 20 })
    if (!plan) throw new RangeError('the test machine does not fit')
    const memory = new WebAssembly.Memory({ initial: plan.wasmPages, maximum: 65536, shared: true })
    this.views = new DomainViews(memory)
    this.vcpu = initVcpu(this.views, plan, 0)
    this.#frameBase = plan.frameBase
    for (let n = 0; n < FRAMES; n++) this.views.i32[(plan.physmap >> 2) + n] = this.host(n)
    this.vcpu.setI32(CPU.ROOT, this.host(1))
    const none = () => {
      throw new TypeError('this test machine has no helpers: give `helpers`')
    }
    this.runner = new VcpuRunner(this.views, this.vcpu, {
      helpers: () => ({ sse: none, x87: none }),
      access: {
        mayEmulate: () => false,
        emulate: () => 'refused',
        written: (frame, offset, length) => this.runner.cache.written(frame, offset, length),
      },
      ...options,
    })
  }

  host(frame: number): number {
    return this.#frameBase + frame * 4096
  }

  /** Maps a page and answers the host address of its frame. */
  map(m: Mapping): number {
    let table = this.host(1)
    for (const shift of [39n, 30n, 21n]) {
      const slot = (table + Number((m.va >> shift) & 511n) * 8) >> 3
      if ((this.views.u64[slot] & 1n) === 0n) this.views.u64[slot] = (BigInt(this.#nextTable++) << 12n) | 7n
      table = this.host(Number(this.views.u64[slot] >> 12n))
    }
    const frame = m.frame ?? this.#nextFrame++
    const bits =
      1n | (m.writable === false ? 0n : 2n) | (m.user === false ? 0n : 4n) | (m.executable === false ? 1n << 63n : 0n)
    this.views.u64[(table + Number((m.va >> 12n) & 511n) * 8) >> 3] = (BigInt(frame) << 12n) | bits
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
