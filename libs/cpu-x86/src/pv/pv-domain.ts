import {
  DOMAIN,
  type DomainFrames,
  DomainState,
  type EngineDomain,
  GuestPorts,
  type LockOwner,
  type PortOps,
  SharedLock,
} from '@paravane/core'
import { VMASST_TYPE_writable_pagetables } from '@paravane/core/abi'
import { codeWritten } from '../mmu/code-written.ts'
import { kick, takeAway } from '../mmu/safepoint.ts'
import { flushForKernelRoot } from '../mmu/tlb-flush.ts'
import type { DomainMemoryPlan } from '../state/domain-memory.ts'
import { CPU, FRAME } from '../state/layout.ts'
import { type MemoryHash, memoryHash } from '../state/memory-hash.ts'
import { DomainViews, VcpuMemory } from '../state/vcpu-memory.ts'
import { PvDomainMemory } from './domain-memory-port.ts'
import { GmfnAllocator } from './gmfn-allocator.ts'
import { domainFrames } from './mmu/frame-owner.ts'
import { gdtFrame } from './mmu/gdt.ts'
import { Mmu } from './mmu/mmu.ts'
import type { FlushTargets, MmuHooks } from './mmu/mmu-hooks.ts'
import { frameHost, inKernel } from './mode.ts'
import { PV } from './pv-state.ts'
import { readContext } from './read-context.ts'
import { stateHash } from './state-hash.ts'

/** What every thread is given of a PV domain; all of it can be posted. */
export interface PvDomainShared {
  readonly domid: number
  readonly memory: WebAssembly.Memory
  readonly plan: DomainMemoryPlan
  /** DomainState's buffer. */
  readonly state: SharedArrayBuffer
  /** Page types: `PageInfo.bytes(plan.gmfns, plan.vcpus)` of it. */
  readonly pages: WebAssembly.Memory
  /** Whether hot code is translated in regions. */
  readonly regions: boolean
}

/** One thread's handle on a PV domain: its memory, page types and vCPU records. */
export class PvDomain implements EngineDomain {
  readonly domid: number
  readonly state: DomainState
  readonly memory: PvDomainMemory
  readonly frames: DomainFrames
  readonly ports: PortOps
  readonly views: DomainViews
  readonly plan: DomainMemoryPlan
  readonly mmu: Mmu
  readonly vcpus: readonly VcpuMemory[]
  #hash: MemoryHash | undefined

  constructor(shared: PvDomainShared, owner: LockOwner) {
    this.domid = shared.domid
    this.plan = shared.plan
    this.state = new DomainState(shared.state)
    this.views = new DomainViews(shared.memory)
    this.vcpus = shared.plan.vcpuBases.map((base) => new VcpuMemory(this.views, base))
    this.memory = new PvDomainMemory(this.views, shared.plan, (host, offset, length) =>
      this.written(host, offset, length),
    )
    const lock = new SharedLock(this.state.memory, DOMAIN.pageLock, 0, owner)
    this.mmu = new Mmu({
      memory: shared.memory,
      physmap: shared.plan.physmap,
      nrGmfns: shared.plan.gmfns,
      m2p: shared.plan.m2p,
      state: shared.pages.buffer as unknown as SharedArrayBuffer,
      stateOffset: 0,
      nrVcpus: shared.plan.vcpus,
      hooks: this.#mmuHooks(),
      lock,
    })
    this.frames = domainFrames(this.mmu, new GmfnAllocator(this))
    this.ports = new GuestPorts(this, owner)
  }

  /** Bytes of a frame with flags were changed, by anything but translated code. */
  written(frameHost: number, offset: number, length: number): void {
    codeWritten(this.vcpus, frameHost, offset, length)
  }

  /** Whether the guest asked that its stores to L1 tables be done for it (vm_assist). */
  get writablePageTables(): boolean {
    return ((DOMAIN.vmAssist.load(this.state.memory, 0) >> VMASST_TYPE_writable_pagetables) & 1) !== 0
  }

  #mmuHooks(): MmuHooks {
    return {
      flushTlb: (vcpu, targets) => this.#each(vcpu, targets, (target) => this.#flushTlb(target)),
      flushPage: (vcpu, targets, lo, hi) => {
        const va = (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0)
        this.#each(vcpu, targets, (target) => target.flushPage(va))
      },
      safepoint: (request, gmfn) =>
        this.#each(-1, 'all', (target) => {
          if (request === 'revoke-writes') target.revokeWritesTo(this.hostOf(gmfn))
          else if (request === 'unmap') target.flushAll()
        }),
      setBaseptr: (vcpu, gmfn) => this.#setKernelRoot(this.vcpus[vcpu], gmfn),
      setUserBaseptr: (vcpu, gmfn) => this.#setUserRoot(this.vcpus[vcpu], gmfn),
      setLdt: (vcpu, lo, hi, entries) => {
        this.vcpus[vcpu].setU64(PV.LDT_BASE, (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0))
        this.vcpus[vcpu].setI32(PV.LDT_ENTRIES, entries)
      },
      setGdt: (vcpu, entries) => {
        this.vcpus[vcpu].setI32(PV.GDT_ENTRIES, entries)
        for (let n = 0; n * 512 < entries; n++)
          this.vcpus[vcpu].setI32(PV.GDT_FRAMES + n * 4, gdtFrame(this.mmu, vcpu, n))
      },
      written: (gmfn, offset, length) => this.memory.written(gmfn, offset, length),
    }
  }

  /** `local` is the caller's own vCPU, which is out of the guest now; the others may be in. */
  #each(local: number, targets: FlushTargets, act: (vcpu: VcpuMemory) => void): void {
    this.vcpus.forEach((vcpu, n) => {
      const meant = targets === 'all' || (targets === 'local' ? n === local : (targets[n >> 3] & (1 << (n & 7))) !== 0)
      if (!meant) return
      if (n === local) act(vcpu)
      else takeAway(vcpu, act)
    })
  }

  /** Of code nothing is stale where no entry that code was run through was replaced since. */
  #flushTlb(vcpu: VcpuMemory): void {
    const changes = this.mmu.info.codeMaps
    vcpu.flushDataTlb(false)
    vcpu.flushDataTlb(true)
    if (vcpu.i32(PV.CODE_MAPS) === changes) return
    vcpu.setI32(PV.CODE_MAPS, changes)
    vcpu.flushExecuteTlb(false)
    vcpu.flushExecuteTlb(true)
  }

  #setKernelRoot(vcpu: VcpuMemory, gmfn: number): void {
    const before = frameHost(vcpu, vcpu.i32(PV.KERNEL_ROOT))
    const after = frameHost(vcpu, gmfn)
    vcpu.setI32(PV.KERNEL_ROOT, gmfn)
    flushForKernelRoot(vcpu, before, after)
    if (inKernel(vcpu)) vcpu.setI32(CPU.ROOT, after)
  }

  #setUserRoot(vcpu: VcpuMemory, gmfn: number): void {
    vcpu.setI32(PV.USER_ROOT, Math.max(gmfn, 0))
    if (vcpu.i32(PV.USER_CACHED) === 0) return
    vcpu.flushDataTlb(true)
    vcpu.flushExecuteTlb(true)
    vcpu.setI32(PV.USER_CACHED, 0)
  }

  /** See EngineDomain. Under a virtual clock a run ends where its count says, and nowhere else. */
  kick(vcpu: number): void {
    if (!this.state.virtualTime) kick(this.vcpus[vcpu])
  }

  /** See EngineDomain. */
  retired(): bigint {
    return this.vcpus.reduce((sum, vcpu) => sum + vcpu.u64(CPU.ICOUNT), 0n)
  }

  /** See EngineDomain. A hypercall answers in RAX; the vCPU is behind the instruction. */
  setResult(vcpu: number, value: bigint): void {
    this.vcpus[vcpu].setGpr(0, BigInt.asUintN(64, value))
  }

  /** See EngineDomain. */
  stateHash(): bigint {
    this.#hash ??= memoryHash(this.views.memory)
    return stateHash(this, this.#hash)
  }

  /** See EngineDomain. */
  readContext(vcpu: number, context: DataView): void {
    readContext(this, vcpu, context)
  }

  /** See EngineDomain. Frames of Xen's own, which the guest shares, have an entry past any pfn. */
  *pages(): Generator<readonly [number, number]> {
    const { physmap, m2p, gmfns } = this.plan
    for (let gmfn = 1; gmfn < gmfns; gmfn++) {
      const pfn = this.views.u64[(m2p >>> 3) + gmfn]
      if (this.views.i32[(physmap >>> 2) + gmfn] !== 0 && pfn < BigInt(gmfns)) yield [Number(pfn), gmfn]
    }
  }

  /** Host address of the frame that belongs to a gmfn. */
  hostOf(gmfn: number): number {
    return this.plan.frameBase + (gmfn - 1) * 4096
  }

  /** Makes the gmfn's frame present, zeroed, and gives it its M2P entry. */
  present(gmfn: number, pfn: number): void {
    const host = this.hostOf(gmfn)
    this.views.u8.fill(0, host, host + 4096)
    this.place(gmfn, pfn)
  }

  /** As `present`, of a frame whose bytes are right already (a new memory is zero). */
  place(gmfn: number, pfn: number): void {
    const host = this.hostOf(gmfn)
    this.views.i32[(this.plan.physmap >>> 2) + gmfn] = host
    this.views.u64[(this.plan.m2p >>> 3) + gmfn] = pfn < 0 ? INVALID_M2P : BigInt(pfn)
  }

  /** A frame that was given up is no place of code and of nothing else any more. */
  absent(gmfn: number): void {
    const host = this.hostOf(gmfn)
    this.memory.written(gmfn, 0, 4096)
    this.views.i32[(this.plan.physmap >>> 2) + gmfn] = 0
    Atomics.and(this.views.u8, this.plan.frameFlags + (host >>> 12), ~FRAME.LOG_DIRTY)
  }
}

const INVALID_M2P = 0xffff_ffff_ffff_ffffn
