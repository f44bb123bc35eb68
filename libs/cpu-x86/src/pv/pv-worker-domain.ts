import type { Clock, HypercallContext, HypercallDispatcher, HypervisorServices, LockOwner } from '@paravane/core'
import { EAGAIN } from '@paravane/core/abi'
import type { Helpers } from '../cold/cold-tier.ts'
import type { Entries } from '../cold/entries.ts'
import type { SlowAccessHooks } from '../cold/slow-access.ts'
import { sseHelper } from '../insn/sse-helper.ts'
import { tscHelper } from '../insn/tsc-helper.ts'
import { x87Helper } from '../insn/x87-helper.ts'
import type { CompilerThread } from '../jit/compiler-thread.ts'
import { VcpuRunner } from '../run.ts'
import type { CpuPolicy } from '../state/policy.ts'
import { fastEntries } from './fast/fast-entries.ts'
import { LOCK_FOR } from './fast/page-tables.ts'
import { emulatePteWrite } from './mmu/emulate-pte-write.ts'
import { ldtFrame, mapLdtPage } from './mmu/ldt.ts'
import { RESTART } from './mmu/outcome.ts'
import { newBaseptr } from './mmu/roots.ts'
import { PvDomain, type PvDomainShared } from './pv-domain.ts'
import { PV } from './pv-state.ts'
import { PvVcpu } from './pv-vcpu.ts'

/** Jumps to a place before a region is made of it: compiling one costs about as much as so many rounds in the cold loop. */
const REGION_THRESHOLD = 500
/** A region costs V8 some 4 ms of a processor: with fewer jumps to it in a second a minute would not save that. */
const RARE = 1500

/** What the vCPUs of all domains share on one worker. */
export interface PvWorkerServices {
  readonly owner: LockOwner
  readonly dispatcher: HypercallDispatcher
  readonly services: HypervisorServices
  readonly policy: CpuPolicy
  /** What compiles the hot code of this worker's vCPUs. */
  readonly compiler: CompilerThread
  /** Whether the run under way is to end after a hypercall. */
  mustLeave(): boolean
}

/** A PV domain on one worker: the thread's handle on it, and what runs those of its vCPUs that came here. */
export class PvWorkerDomain {
  readonly domain: PvDomain
  readonly clock: Clock
  readonly #worker: PvWorkerServices
  readonly #vcpus: (PvVcpu | undefined)[] = []
  readonly #helpers: Helpers
  readonly #entries: Entries
  readonly #regions: boolean

  constructor(shared: PvDomainShared, worker: PvWorkerServices, clockOf: (domain: PvDomain) => Clock) {
    this.#worker = worker
    this.#regions = shared.regions
    this.domain = new PvDomain(shared, worker.owner)
    this.clock = clockOf(this.domain)
    const memory = new DataView(shared.memory.buffer)
    const { mmu } = this.domain
    this.#entries = fastEntries(shared.memory, {
      memory: shared.pages,
      lock: (what) => ((what === LOCK_FOR.UPDATE || this.domain.writablePageTables) && mmu.tryAcquire() ? 1 : 0),
      unlock: () => mmu.release(),
    })
    this.#helpers = { sse: sseHelper(memory), x87: x87Helper(memory), tsc: tscHelper(memory, this.clock) }
  }

  /** What runs the vCPU here, made at its first turn on this worker. */
  vcpu(n: number): PvVcpu {
    this.#vcpus[n] ??= this.#make(n)
    return this.#vcpus[n]
  }

  #make(n: number): PvVcpu {
    const { domain, clock } = this
    const { dispatcher, services, mustLeave, policy, compiler } = this.#worker
    domain.vcpus[n].setI32(PV.PAGE_RECORDS, domain.mmu.info.firstRecord * 4)
    const runner = new VcpuRunner(domain.views, domain.vcpus[n], {
      helpers: () => this.#helpers,
      policy,
      regionThreshold: this.#regions ? REGION_THRESHOLD : 0,
      regions: { compiler, rare: RARE },
      access: this.#access(),
      entries: () => this.#entries,
      vcpus: domain.vcpus,
    })
    const context: HypercallContext = {
      domain,
      vcpu: n,
      get guest() {
        return pv.memory.guest
      },
      clock,
      services,
    }
    const pv: PvVcpu = new PvVcpu(domain, n, runner, clock, {
      dispatcher,
      context,
      policy,
      mustLeave,
      ldtPage: (page) => this.#ldtPage(n, pv, page),
      newBaseptr: (gmfn) => this.#newBaseptr(n, gmfn),
      written: (host, offset, length) => domain.written(host, offset, length),
    })
    return pv
  }

  #access(): SlowAccessHooks {
    const { mmu } = this.domain
    return {
      mayEmulate: (gmfn) => this.domain.writablePageTables && mmu.info.tableLevel(gmfn) === 1,
      emulate: (gmfn, offset, bytes, old) => {
        const outcome = emulatePteWrite(mmu, gmfn, offset, old, bytes)
        return outcome === 0 ? 'done' : outcome === -EAGAIN ? 'again' : 'refused'
      },
      written: (host, offset, length) => this.domain.written(host, offset, length),
    }
  }

  /** The page is typed when a selector of it is first used. */
  #ldtPage(n: number, { vcpu, memory }: PvVcpu, page: number): number {
    const { mmu } = this.domain
    let gmfn = ldtFrame(mmu, n, page)
    if (gmfn < 0) {
      gmfn = memory.kernelFrame(BigInt.asUintN(64, vcpu.u64(PV.LDT_BASE) + BigInt(page * 4096)))
      if (gmfn < 0 || !mapLdtPage(mmu, n, page, gmfn)) return 0
    }
    return this.domain.hostOf(gmfn)
  }

  #newBaseptr(n: number, gmfn: number): boolean {
    const { mmu } = this.domain
    for (;;) {
      mmu.types.startStretch()
      const outcome = newBaseptr(mmu, n, gmfn)
      if (outcome !== RESTART) return outcome === 0
    }
  }
}
