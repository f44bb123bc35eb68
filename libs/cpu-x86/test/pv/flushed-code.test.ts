/**
 * A guest that replaces the entry of a page of code and flushes runs the code that is there now, by whatever way it does both. Where
 * no such entry was replaced its jumps between regions stay known: a flush is then not felt by code.
 */
import { createDomainState } from '@paravane/core'
import {
  __HYPERVISOR_mmu_update,
  __HYPERVISOR_mmuext_op,
  __HYPERVISOR_update_va_mapping,
  DOMID_SELF,
  MMUEXT_INVLPG_LOCAL,
  MMUEXT_TLB_FLUSH_ALL,
  MMUEXT_TLB_FLUSH_LOCAL,
  UVMF_ALL,
  UVMF_INVLPG,
  UVMF_LOCAL,
  UVMF_NONE,
  UVMF_TLB_FLUSH,
} from '@paravane/core/abi'
import { describe, expect, test } from 'vitest'
import type { Entries } from '../../src/cold/entries.ts'
import { fastEntries } from '../../src/pv/fast/fast-entries.ts'
import { emulatePteWrite } from '../../src/pv/mmu/emulate-pte-write.ts'
import { mmuHypercalls } from '../../src/pv/mmu/hypercalls.ts'
import { KERNEL_ROOT, OWNED, TYPE_WRITABLE, VALIDATED } from '../../src/pv/mmu/page-info.ts'
import { PvDomain } from '../../src/pv/pv-domain.ts'
import { PV } from '../../src/pv/pv-state.ts'
import type { PvVcpu } from '../../src/pv/pv-vcpu.ts'
import { CPU } from '../../src/state/layout.ts'
import { Machine } from '../machine.ts'
import { pvOn, SHARED_INFO } from './pv-machine.ts'

const CODE = 0x400000n
/** Calls of the function, a hypercall, a store to a table, and loads, each followed by a jump to itself. */
const [CALLS, HYPERCALL, STORE, LOADS] = [CODE, CODE + 0x100n, CODE + 0x200n, CODE + 0x280n]
/** A page of its own L2 slot, so that its L1 table has nothing else; and the next page, which is data. */
const FUNCTION = 0x1000_0000n
const PLAIN = FUNCTION + 0x1000n
const STACK = 0x500000n
const ARGUMENTS = 0x600000n
const TABLE = 0x700000n
const TURNS = 20
const NX = 1n << 63n
const STAY = [0xeb, 0xfe]

type Gpr = readonly bigint[]

/** A vCPU of a domain whose page types are right as far as tests go, with fast entries or none. */
class FlushingGuest {
  readonly machine: Machine
  readonly #pv: PvVcpu
  readonly #domain: PvDomain
  /** Hypercalls that fast entries did. */
  fast = 0

  constructor(isFast: boolean, regionThreshold: number) {
    const pages = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true })
    const lock = {
      memory: pages,
      lock: () => (this.#domain.mmu.tryAcquire() ? 1 : 0),
      unlock: () => this.#domain.mmu.release(),
    }
    this.machine = new Machine({
      regionThreshold,
      ...(isFast && { entries: (vcpu) => this.#counted(fastEntries(vcpu.views.memory, lock)) }),
      access: {
        mayEmulate: (gmfn) => this.#domain.mmu.info.tableLevel(gmfn) === 1,
        emulate: (gmfn, offset, bytes, old) =>
          emulatePteWrite(this.#domain.mmu, gmfn, offset, old, bytes) === 0 ? 'done' : 'refused',
        written: (frame, offset, length) => this.machine.runner.cache.written(frame, offset, length),
      },
    })
    const { machine } = this
    const { memory, plan } = machine.shared
    const state = createDomainState({ domid: 1, nrVcpus: 1, maxPages: 1, sharedInfoFrame: SHARED_INFO })
    const shared = { domid: 1, memory, plan, state: state.memory.buffer as SharedArrayBuffer, pages, regions: true }
    this.#domain = new PvDomain(shared, 1)
    this.#pv = pvOn(machine, { rows: () => mmuHypercalls(() => this.#domain.mmu).rows }).pv
    for (const va of [CODE, STACK, ARGUMENTS, FUNCTION, PLAIN]) machine.map({ va })
    this.#makeCode()
    this.#makeTypes()
  }

  #counted({ trap, fault }: Entries): Entries {
    return {
      trap: (vcpu) => {
        const done = trap(vcpu)
        this.fast += done
        return done
      },
      fault,
    }
  }

  #makeCode(): void {
    const { machine } = this
    const code = new Uint8Array(0x300)
    const relative = Number(FUNCTION - CALLS) - 8
    // xor eax, eax; (call:) call; dec edx; jnz to the call
    code.set([
      0x31,
      0xc0,
      0x90,
      0xe8,
      ...new Uint8Array(Int32Array.of(relative).buffer),
      0xff,
      0xca,
      0x75,
      0xf7,
      ...STAY,
    ])
    code.set([0x0f, 0x05, ...STAY], Number(HYPERCALL - CODE))
    // xchg [rbx], rax
    code.set([0x48, 0x87, 0x03, ...STAY], Number(STORE - CODE))
    // mov eax, [rbx]; dec edx; jnz to the load
    code.set([0x8b, 0x03, 0xff, 0xca, 0x75, 0xfa, ...STAY], Number(LOADS - CODE))
    machine.write(machine.host(machine.frameOf(CODE)), code)
  }

  #makeTypes(): void {
    const { machine } = this
    const { info } = this.#domain.mmu
    for (let gmfn = 256; gmfn < 512; gmfn++) info.i32.set([OWNED | TYPE_WRITABLE, 4, 40, 0, 0], info.record(gmfn))
    const table = (machine.entry(FUNCTION) - machine.host(0)) >> 12
    let gmfn = 1
    for (const [level, shift] of [
      [4, 39n],
      [3, 30n],
      [2, 21n],
      [1, 12n],
    ] as const) {
      info.i32.set([OWNED | level | VALIDATED, 1, 40, 0, 0], info.record(gmfn))
      gmfn = Number(
        (machine.views.u64[(machine.host(gmfn) >> 3) + Number((FUNCTION >> shift) & 511n)] >> 12n) & 0xfffffn,
      )
    }
    machine.map({ va: TABLE, frame: table, writable: false })
    info.i32[info.vcpu(0) + KERNEL_ROOT] = 2
    this.#pv.vcpu.setI32(PV.PAGE_RECORDS, info.firstRecord * 4)
  }

  /** A frame with a function that adds so much. */
  frame(adds: number): bigint {
    const { machine } = this
    const spare = 0x900000n + BigInt(adds) * 0x1000n
    // add eax, imm32; ret
    machine.write(machine.map({ va: spare }), Uint8Array.of(0x05, adds, 0, 0, 0, 0xc3))
    return BigInt(machine.frameOf(spare)) << 12n
  }

  #run(rip: bigint, gpr: Gpr): bigint {
    const rsp = STACK + 0x800n
    this.machine.state = { rip, gpr: [...gpr.slice(0, 4), rsp, ...gpr.slice(5)], rflags: 0x202n }
    // More than that is spent where all of these stay; what is exact to the end would be run step by step.
    expect(this.#pv.run(1000, false)).toBe('limit')
    return this.machine.vcpu.gpr(0)
  }

  hypercall(number: number, a: bigint, b: bigint, c: bigint, d: bigint): void {
    const gpr = [BigInt(number), 0n, c, 0n, 0n, 0n, b, a, 0n, 0n, d]
    expect(this.#run(HYPERCALL, gpr)).toBe(0n)
  }

  store(value: bigint): void {
    const at = TABLE + BigInt(this.machine.entry(FUNCTION) & 4095)
    this.#run(STORE, [value, 0n, 0n, at])
  }

  arguments(...words: readonly bigint[]): void {
    const at = this.machine.host(this.machine.frameOf(ARGUMENTS)) >> 3
    words.forEach((word, n) => {
      this.machine.views.u64[at + n] = word
    })
  }

  /** What the function adds when called TURNS times. */
  added(): number {
    return Number(this.#run(CALLS, [0n, 0n, BigInt(TURNS)])) / TURNS
  }

  /** What TURNS loads find last. */
  loaded(va: bigint): number {
    return Number(this.#run(LOADS, [0n, 0n, BigInt(TURNS), va]))
  }

  get generation(): number {
    return this.machine.vcpu.i32(CPU.JUMPS_KERNEL)
  }
}

const NONE = 0n
const pointer = (guest: FlushingGuest, va: bigint): bigint =>
  (BigInt((guest.machine.entry(va) - guest.machine.host(0)) >> 12) << 12n) | BigInt(guest.machine.entry(va) & 4095)

const mmuext = (guest: FlushingGuest, op: number, arg1 = 0n): void => {
  guest.arguments(BigInt(op), arg1, 0n)
  guest.hypercall(__HYPERVISOR_mmuext_op, ARGUMENTS, 1n, NONE, BigInt(DOMID_SELF))
}

/** Ways to replace the entry of a page. */
const REPLACES: Readonly<Record<string, (guest: FlushingGuest, va: bigint, entry: bigint) => void>> = {
  update_va_mapping: (guest, va, entry) =>
    guest.hypercall(__HYPERVISOR_update_va_mapping, va, entry, BigInt(UVMF_NONE), NONE),
  mmu_update: (guest, va, entry) => {
    guest.arguments(pointer(guest, va), entry)
    guest.hypercall(__HYPERVISOR_mmu_update, ARGUMENTS, 1n, NONE, BigInt(DOMID_SELF))
  },
  'mmu_update of two': (guest, va, entry) => {
    guest.arguments(pointer(guest, va), 0n, pointer(guest, va), entry)
    guest.hypercall(__HYPERVISOR_mmu_update, ARGUMENTS, 2n, NONE, BigInt(DOMID_SELF))
  },
  'a store to the table': (guest, va, entry) => {
    expect(va).toBe(FUNCTION)
    guest.store(entry)
  },
}

const FLUSHES: Readonly<Record<string, (guest: FlushingGuest) => void>> = {
  TLB_FLUSH_LOCAL: (guest) => mmuext(guest, MMUEXT_TLB_FLUSH_LOCAL),
  TLB_FLUSH_ALL: (guest) => mmuext(guest, MMUEXT_TLB_FLUSH_ALL),
  INVLPG_LOCAL: (guest) => mmuext(guest, MMUEXT_INVLPG_LOCAL, FUNCTION),
}

const TIERS = [
  { tier: 'in the cold tier', regionThreshold: 0 },
  { tier: 'in regions', regionThreshold: 3 },
]

describe.each(TIERS)('$tier', ({ regionThreshold }) => {
  describe.each([
    ['fast entries', true],
    ['no fast entries', false],
  ])('with %s', (_, isFast) => {
    test.each(Object.keys(REPLACES).flatMap((how) => Object.keys(FLUSHES).map((flush) => [how, flush] as const)))(
      'by %s and %s',
      (how, flush) => {
        const guest = new FlushingGuest(isFast, regionThreshold)
        for (const adds of [3, 7, 9, 7, 3]) {
          REPLACES[how](guest, FUNCTION, guest.frame(adds) | 7n)
          FLUSHES[flush](guest)
          for (let n = 0; n < 3; n++) expect(guest.added()).toBe(adds)
        }
      },
    )

    test.each([
      ['all', UVMF_TLB_FLUSH | UVMF_LOCAL],
      ['all of all vCPUs', UVMF_TLB_FLUSH | UVMF_ALL],
      ['the page', UVMF_INVLPG | UVMF_LOCAL],
    ])('by update_va_mapping that flushes %s', (_, flags) => {
      const guest = new FlushingGuest(isFast, regionThreshold)
      for (const adds of [3, 7, 9, 7, 3]) {
        const entry = guest.frame(adds) | 7n
        guest.hypercall(__HYPERVISOR_update_va_mapping, FUNCTION, entry, BigInt(flags), NONE)
        for (let n = 0; n < 3; n++) expect(guest.added()).toBe(adds)
      }
    })

    test('by INVLPG_LOCAL of data', () => {
      const guest = new FlushingGuest(isFast, regionThreshold)
      const all = [3, 7, 9, 7, 3]
      const entries = all.map((adds) => guest.frame(adds) | 7n | NX)
      const { views } = guest.machine
      const found = entries.map((entry) => {
        // Without a hypercall, which may flush by itself.
        views.u64[guest.machine.entry(PLAIN) >> 3] = entry
        // It may be the old one or the new.
        guest.loaded(PLAIN)
        const before = guest.fast
        mmuext(guest, MMUEXT_INVLPG_LOCAL, PLAIN + 0x123n)
        expect(guest.fast - before).toBe(isFast ? 1 : 0)
        return guest.loaded(PLAIN)
      })
      // The bytes of the function's add.
      expect(found).toEqual(all.map((adds) => adds * 256 + 5))
    })

    test('jumps stay known where only entries of data were replaced', () => {
      const guest = new FlushingGuest(isFast, regionThreshold)
      REPLACES.update_va_mapping(guest, FUNCTION, guest.frame(5) | 7n)
      REPLACES.update_va_mapping(guest, PLAIN, guest.frame(6) | 7n | NX)
      mmuext(guest, MMUEXT_TLB_FLUSH_LOCAL)
      const frame = guest.frame(8)
      for (let n = 0; n < 3; n++) expect(guest.added()).toBe(5)
      const { generation } = guest
      REPLACES.update_va_mapping(guest, PLAIN, frame | 7n | NX)
      mmuext(guest, MMUEXT_TLB_FLUSH_LOCAL)
      expect(guest.added()).toBe(5)
      expect(guest.generation).toBe(generation)
      // As code, and as nothing once more.
      REPLACES.update_va_mapping(guest, PLAIN, frame | 7n)
      REPLACES.update_va_mapping(guest, PLAIN, 0n)
      mmuext(guest, MMUEXT_TLB_FLUSH_LOCAL)
      expect(guest.added()).toBe(5)
      expect(guest.generation).not.toBe(generation)
    })
  })
})
