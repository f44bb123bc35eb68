import { __HYPERVISOR_mmu_update } from '@paravane/core/abi'
import { expect } from 'vitest'
import { TRAP_KINDS } from '../../src/builder/builder.ts'
import type { Entries } from '../../src/cold/entries.ts'
import { kick } from '../../src/mmu/safepoint.ts'
import { type EntryPages, fastEntries } from '../../src/pv/fast/fast-entries.ts'
import type { Mmu } from '../../src/pv/mmu/mmu.ts'
import { PV } from '../../src/pv/pv-state.ts'
import type { PvStop, PvVcpu } from '../../src/pv/pv-vcpu.ts'
import { CPU, FRAME } from '../../src/state/layout.ts'
import type { VcpuMemory } from '../../src/state/vcpu-memory.ts'
import type { Machine, MachineOptions, Mapping } from '../machine.ts'
import { EntryMachine, USER_ROOT } from './entry-machine.ts'
import { GDT, SHARED_INFO } from './pv-machine.ts'

/** Two vCPUs that are given the same, of which one has its entries in WebAssembly and the other in TypeScript. */
export class EntryMachines {
  /** How often the entries gave each answer: [left to TypeScript, done, a store done]. */
  readonly traps: Record<'syscall' | 'iret' | 'fxstate', [number, number]> = {
    syscall: [0, 0],
    iret: [0, 0],
    fxstate: [0, 0],
  }
  readonly faults: [number, number, number] = [0, 0, 0]
  /** How often only some requests of an mmu_update were done by the entries, and all of several. */
  readonly batches: [number, number] = [0, 0]
  readonly #both: readonly [EntryMachine, EntryMachine]
  #kickAt = -1

  constructor(options: MachineOptions = {}) {
    const counted = (vcpu: VcpuMemory, pages: EntryPages): Entries => {
      const { trap, fault } = fastEntries(vcpu.views.memory, pages)
      return {
        trap: (cpu) => {
          if (this.traps.syscall[1] === this.#kickAt) kick(vcpu)
          const isBatch = !vcpu.i32(CPU.USER) && vcpu.gpr(0) === BigInt(__HYPERVISOR_mmu_update) && vcpu.gpr(6) > 1n
          const answer = trap(cpu)
          if (isBatch && (answer === 1 || vcpu.i32(PV.ROWS_DONE) !== 0)) this.batches[answer]++
          return this.#count(this.traps[TRAP_KINDS[vcpu.i32(CPU.TRAP)] as keyof EntryMachines['traps']], answer)
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

  #count(counts: number[] | undefined, answer: number): number {
    if (counts) counts[answer]++
    return answer
  }

  each(act: (vcpu: VcpuMemory, machine: Machine, mmu: Mmu) => void): void {
    for (const { pv, machine, mmu } of this.#both) act(pv.vcpu, machine, mmu)
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
      const frame = m.host(m.frameOf(va))
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
    const [frames, pages] = fast.memory()
    expect(differences(frames, slow.memory()[0]), `${what}: memory`).toEqual([])
    expect(differences(pages, slow.memory()[1]), `${what}: page types`).toEqual([])
    // A page is flushed by an entry without a hook (flushed-code.test.ts).
    const [told, expected] = [fast.told, slow.told].map((all) =>
      all.filter((line) => !line.startsWith('flush page 0,local')),
    )
    expect(told, what).toEqual(expected)
    return a
  }
}

/** Offsets of u64s that differ. */
function differences(a: Uint8Array, b: Uint8Array): string[] {
  if (Buffer.compare(a, b) === 0) return []
  const [x, y] = [a, b].map((of) => new BigUint64Array(of.buffer, of.byteOffset, of.byteLength >> 3))
  return [...x.keys()]
    .filter((n) => x[n] !== y[n])
    .map((n) => `${(n * 8).toString(16)}: ${x[n].toString(16)} ${y[n].toString(16)}`)
}
