import { DOMAIN, SharedLock } from '@paravane/core'
import type { Entries } from '../../src/cold/entries.ts'
import { cpuHypercalls } from '../../src/pv/cpu-hypercalls.ts'
import type { EntryPages } from '../../src/pv/fast/fast-entries.ts'
import { emulatePteWrite } from '../../src/pv/mmu/emulate-pte-write.ts'
import { mmuHypercalls } from '../../src/pv/mmu/hypercalls.ts'
import { Mmu } from '../../src/pv/mmu/mmu.ts'
import { PageInfo } from '../../src/pv/mmu/page-info.ts'
import { PV } from '../../src/pv/pv-state.ts'
import type { PvStop, PvVcpu } from '../../src/pv/pv-vcpu.ts'
import { CPU } from '../../src/state/layout.ts'
import type { VcpuMemory } from '../../src/state/vcpu-memory.ts'
import { Machine, type MachineOptions } from '../machine.ts'
import { pvOn } from './pv-machine.ts'

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
  [CPU.TARGET, CPU.HANDLER_MASK],
  [CPU.SITE, CPU.ENTRY + 4],
  [CPU.BOUNCE, CPU.SIZE],
  [PV.VCPU_INFO, PV.FAULTS_LEFT + 4],
]
const STATE_BYTES = PV.TRAPS + 256 * PV.TRAP_BYTES
const OWNER = 1

/** A PV vCPU with page types, its entries as given, or all in TypeScript. */
export class EntryMachine {
  readonly machine: Machine
  readonly pv: PvVcpu
  readonly mmu: Mmu
  /** What TypeScript told of writes to frames with flags, and asked of the engine. */
  readonly told: string[] = []
  readonly #pages = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true })

  constructor(entries: ((vcpu: VcpuMemory, pages: EntryPages) => Entries) | undefined, options: MachineOptions) {
    const pages: EntryPages = {
      memory: this.#pages,
      lock: () => (this.mmu.tryAcquire() ? 1 : 0),
      unlock: () => this.mmu.release(),
    }
    this.machine = new Machine({
      ...(entries && { entries: (vcpu) => entries(vcpu, pages) }),
      access: {
        mayEmulate: (gmfn) => this.mmu.info.tableLevel(gmfn) === 1,
        emulate: (gmfn, offset, bytes, old) => {
          const outcome = emulatePteWrite(this.mmu, gmfn, offset, old, bytes)
          return outcome === 0 ? 'done' : outcome === -11 ? 'again' : 'refused'
        },
        written: (frame, offset, length) => this.machine.runner.cache.written(frame, offset, length),
      },
      ...options,
    })
    const { pv, domain } = pvOn(this.machine, {
      rows: (current) => [...cpuHypercalls(current), ...mmuHypercalls(() => this.mmu).rows],
      written: (frame, offset, length) => this.#written(frame, offset, length),
    })
    this.pv = pv
    pv.vcpu.setI32(PV.USER_ROOT, USER_ROOT)
    this.mmu = this.#makeMmu(new SharedLock(domain.state.memory, DOMAIN.pageLock, 0, OWNER))
    pv.vcpu.setI32(PV.PAGE_RECORDS, this.mmu.info.firstRecord * 4)
  }

  #makeMmu(lock: SharedLock): Mmu {
    const { plan, memory } = this.machine.shared
    const tell =
      (what: string) =>
      (...about: unknown[]): void =>
        void this.told.push(`${what} ${about.join()}`)
    return new Mmu({
      memory,
      physmap: plan.physmap,
      m2p: plan.m2p,
      nrGmfns: plan.gmfns,
      state: this.#pages.buffer as unknown as SharedArrayBuffer,
      stateOffset: 0,
      nrVcpus: 1,
      lock,
      hooks: {
        flushTlb: tell('flush'),
        flushPage: tell('flush page'),
        safepoint: tell('safepoint'),
        setBaseptr: tell('base'),
        setUserBaseptr: tell('user base'),
        setLdt: tell('ldt'),
        setGdt: tell('gdt'),
        written: (gmfn, offset, length) => this.#written(this.machine.host(gmfn), offset, length),
      },
    })
  }

  #written(frame: number, offset: number, length: number): void {
    const { vcpu } = this.pv
    if (vcpu.views.u8[vcpu.i32(CPU.FRAME_FLAGS) + (frame >>> 12)] === 0) return
    this.told.push(`written ${frame - this.machine.host(0)} ${offset} ${length}`)
  }

  /** How it ended, a crash by its reason. */
  run(count: number, exact: boolean): PvStop | string {
    this.told.length = 0
    try {
      return this.pv.run(count, exact)
    } catch (error) {
      return String(error)
    }
  }

  /** What the guest has of its vCPU. */
  state(): Uint8Array {
    const { base, views } = this.pv.vcpu
    const bytes = views.u8.slice(base, base + STATE_BYTES)
    for (const [from, to] of PASSING) bytes.fill(0, from, to)
    return bytes
  }

  /** Its memory, and the page types. */
  memory(): readonly [Buffer, Buffer] {
    const from = (memory: WebAssembly.Memory, at: number, bytes: number): Buffer =>
      Buffer.from(memory.buffer, at, bytes)
    const { plan, memory } = this.machine.shared
    return [
      from(memory, this.machine.host(0), plan.gmfns * 4096),
      from(this.#pages, 0, PageInfo.bytes(plan.gmfns, plan.vcpus)),
    ]
  }
}
