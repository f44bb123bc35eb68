import { expect } from 'vitest'
import type { Entries } from '../../src/cold/entries.ts'
import { kick } from '../../src/mmu/safepoint.ts'
import { cpuHypercalls } from '../../src/pv/cpu-hypercalls.ts'
import { fastEntries } from '../../src/pv/fast/fast-entries.ts'
import { PV } from '../../src/pv/pv-state.ts'
import type { PvStop, PvVcpu } from '../../src/pv/pv-vcpu.ts'
import { CPU, FRAME } from '../../src/state/layout.ts'
import type { VcpuMemory } from '../../src/state/vcpu-memory.ts'
import { Machine, type MachineOptions, type Mapping } from '../machine.ts'
import { GDT, pvOn, SHARED_INFO } from './pv-machine.ts'

/** A copy of the kernel's root, made after its upper entries. */
export const USER_ROOT = 250
/** State that says how the vCPU was run, and nothing of what the guest has: [from, to). */
const PASSING: readonly (readonly [number, number])[] = [
  [CPU.PAGE_VA, CPU.ZERO],
  [CPU.LIMIT, CPU.ROOT],
  [CPU.ARENA_NEXT, CPU.ARENA_END],
  [CPU.VECTOR, CPU.ARENA_START],
  [CPU.MISS, CPU.COMPAT],
  [CPU.TRAP, CPU.SAFEPOINT_ASKED],
  [CPU.IN_GUEST, CPU.CODE_STALE],
  [CPU.FREE_TABLES, CPU.OTHERS],
  [CPU.NEXT_REGION, CPU.CODE_LOCK],
  [CPU.BOUNCE, CPU.SIZE],
  [PV.VCPU_INFO, PV.FAULTS_LEFT + 4],
]
const STATE_BYTES = PV.TRAPS + 256 * PV.TRAP_BYTES
const FRAMES = 512

/** A PV vCPU, its entries in WebAssembly or all in TypeScript. */
class EntryMachine {
  readonly machine: Machine
  readonly pv: PvVcpu
  /** Writes to frames with flags that TypeScript made. */
  readonly written: string[] = []

  constructor(entries: MachineOptions['entries'], options: MachineOptions) {
    this.machine = new Machine({ entries, ...options })
    const { pv } = pvOn(this.machine, {
      rows: (current) => cpuHypercalls(current),
      written: (frame, offset, length) => this.written.push(`${frame - this.machine.host(0)} ${offset} ${length}`),
    })
    this.pv = pv
    pv.vcpu.setI32(PV.USER_ROOT, USER_ROOT)
  }

  /** How it ended, a crash by its reason. */
  run(count: number, exact: boolean): PvStop | string {
    this.written.length = 0
    try {
      return this.pv.run(count, exact)
    } catch (error) {
      return String(error)
    }
  }

  state(): Uint8Array {
    const { base, views } = this.pv.vcpu
    const bytes = views.u8.slice(base, base + STATE_BYTES)
    for (const [from, to] of PASSING) bytes.fill(0, from, to)
    return bytes
  }

  frames(): Buffer {
    return Buffer.from(this.machine.views.u8.buffer as ArrayBuffer, this.machine.host(0), FRAMES * 4096)
  }
}

/** Two vCPUs that are given the same, of which one has its entries in WebAssembly and the other in TypeScript. */
export class EntryMachines {
  /** Answers of the entries: [left to TypeScript, done]. */
  readonly syscalls: [number, number] = [0, 0]
  readonly faults: [number, number] = [0, 0]
  readonly #both: readonly [EntryMachine, EntryMachine]
  #kickAt = -1

  constructor(options: MachineOptions = {}) {
    const counted = (vcpu: VcpuMemory): Entries => {
      const { syscall, fault } = fastEntries(vcpu.views.memory)
      return {
        syscall: (cpu) => {
          if (this.syscalls[1] === this.#kickAt) kick(vcpu)
          return this.#count(this.syscalls, syscall(cpu))
        },
        fault: (cpu, va, info) => this.#count(this.faults, fault(cpu, va, info)),
      }
    }
    this.#both = [new EntryMachine(counted, options), new EntryMachine(undefined, options)]
  }

  /** Has the vCPU whose entries are in WebAssembly kicked within one of its system calls. */
  kickAt(syscall: number): void {
    this.#kickAt = syscall
  }

  /** The one whose entries are in WebAssembly. */
  get fast(): PvVcpu {
    return this.#both[0].pv
  }

  #count(counts: [number, number], answer: number): number {
    counts[answer]++
    return answer
  }

  each(act: (vcpu: VcpuMemory, machine: Machine) => void): void {
    for (const { pv, machine } of this.#both) act(pv.vcpu, machine)
  }

  map(mapping: Mapping, bytes: Uint8Array = new Uint8Array()): void {
    this.each((_, machine) => {
      const host = machine.map(mapping)
      if (bytes.length > 0) machine.write(host, bytes)
    })
  }

  /** After the last `map` that needed a table. */
  makeUserRoot(): void {
    this.each((_, m) => m.views.u8.copyWithin(m.host(USER_ROOT), m.host(1), m.host(2)))
  }

  /** Flags of the frame that a page is mapped to. */
  watch(va: bigint, on: boolean): void {
    this.each((vcpu, m) => {
      const frame = m.host(Number((m.views.u64[m.entry(va) >> 3] >> 12n) & 0xffffn))
      m.views.u8[vcpu.i32(CPU.FRAME_FLAGS) + (frame >>> 12)] = on ? FRAME.LOG_DIRTY : 0
      if (on) vcpu.revokeWrites()
    })
  }

  /** Bytes of the vcpu_info: pending, mask. */
  events(pending: number, mask: number): void {
    this.each((_, m) => m.views.u8.set([pending, mask], m.host(SHARED_INFO)))
  }

  descriptor(index: number, value: bigint): void {
    this.each((_, m) => {
      m.views.u64[(m.host(GDT) >> 3) + index] = value
    })
  }

  /** Runs both, and expects the same of them. */
  run(count: number, what: string, exact: boolean = false): PvStop | string {
    const [fast, slow] = this.#both
    const [a, b] = [fast.run(count, exact), slow.run(count, exact)]
    expect(a, what).toBe(b)
    expect(differences(fast.state(), slow.state()), what).toEqual([])
    expect(fast.frames().equals(slow.frames()), `${what}: memory`).toBe(true)
    expect(fast.written, what).toEqual(slow.written)
    return a
  }
}

/** Offsets of u64s that differ. */
function differences(a: Uint8Array, b: Uint8Array): string[] {
  const [x, y] = [new BigUint64Array(a.buffer), new BigUint64Array(b.buffer)]
  return [...x.keys()]
    .filter((n) => x[n] !== y[n])
    .map((n) => `${(n * 8).toString(16)}: ${x[n].toString(16)} ${y[n].toString(16)}`)
}
