import { HANDLER_MASK } from '../cold/record.ts'
import { CPU, REGION, TSC_TRAPS } from './layout.ts'
import { type DomainViews, VcpuMemory } from './vcpu-memory.ts'

/** What a domain's memory must hold. */
export interface DomainMemoryRequest {
  /** Frames the guest may own, and frames of Xen's that it may map (shared_info, grant table). */
  readonly frames: number
  /** Length of the physmap: one more than the highest gmfn. */
  readonly gmfns: number
  readonly vcpus: number
  /** Bytes of translated code and records a vCPU. */
  readonly arenaBytes: number
}

/** Host addresses (offsets in the domain's wasm memory) of its parts. All tables start zeroed. */
export interface DomainMemoryPlan extends DomainMemoryRequest {
  readonly vcpuBases: readonly number[]
  readonly physmap: number
  readonly m2p: number
  readonly frameFlags: number
  /** First of `frames` page-aligned frames. */
  readonly frameBase: number
  /** Length in wasm pages of 64 KiB. */
  readonly wasmPages: number
}

/** Behind the list of forms (cold/form-registry.ts). */
const FIRST_VCPU = 0x80000
const MOST_BYTES = 65536 * 65536
const page = (n: number): number => Math.ceil(n / 4096) * 4096

/** Lays out a domain's memory; undefined if it does not fit in 4 GiB. */
export function planDomainMemory(request: DomainMemoryRequest): DomainMemoryPlan | undefined {
  const { frames, gmfns, vcpus, arenaBytes } = request
  const vcpuBases: number[] = []
  let at = FIRST_VCPU
  // A code table pointer for each frame of the whole memory; the length is not known before the end, so count what it may be.
  const fixed = vcpus * (REGION.CODE_TABLES + arenaBytes + 0x20000) + gmfns * 12 + frames * 4096 + 0x100000
  const allFrames = Math.min(1 << 20, Math.ceil((fixed * 1.02) / 4096) + 64)
  for (let n = 0; n < vcpus; n++) {
    vcpuBases.push(at)
    at += page(REGION.CODE_TABLES + allFrames * 4 + arenaBytes)
  }
  const physmap = at
  const m2p = page(physmap + gmfns * 4)
  const frameFlags = page(m2p + gmfns * 8)
  const frameBase = page(frameFlags + allFrames)
  const end = frameBase + frames * 4096
  if (end > MOST_BYTES || end > allFrames * 4096) return undefined
  return { ...request, vcpuBases, physmap, m2p, frameFlags, frameBase, wasmPages: Math.ceil(end / 65536) }
}

/** Gives a vCPU its pointers, empty TLBs and reset x87/SSE state. Registers stay 0. */
export function initVcpu(views: DomainViews, plan: DomainMemoryPlan, n: number): VcpuMemory {
  const vcpu = new VcpuMemory(views, plan.vcpuBases[n])
  const tables = vcpu.base + REGION.CODE_TABLES
  const end = n + 1 < plan.vcpus ? plan.vcpuBases[n + 1] : plan.physmap
  const arena = end - plan.arenaBytes
  const words: readonly (readonly [number, number])[] = [
    [CPU.PHYSMAP, plan.physmap],
    [CPU.NR_GMFNS, plan.gmfns],
    [CPU.M2P, plan.m2p],
    [CPU.M2P_BYTES, page(plan.gmfns * 8)],
    [CPU.FRAME_FLAGS, plan.frameFlags],
    [CPU.CODE_TABLES, tables],
    [CPU.ARENA_START, arena],
    [CPU.ARENA_NEXT, arena],
    [CPU.ARENA_END, end],
    [CPU.TLB, vcpu.base + REGION.TLB_KERNEL],
    [CPU.XTLB, vcpu.base + REGION.XTLB_KERNEL],
    [CPU.HANDLER_MASK, HANDLER_MASK.REGIONS],
    [CPU.MXCSR, 0x1f80],
    [CPU.MXCSR + 4, 0xffff],
    [CPU.FX, 0x37f],
    [CPU.TSC_TRAPS, TSC_TRAPS.COUNTED],
    [CPU.OTHERS, plan.vcpus > 1 ? 1 : 0],
  ]
  for (const [offset, value] of words) vcpu.setI32(offset, value)
  vcpu.setU64(CPU.RFLAGS, 0x202n)
  vcpu.setU64(CPU.FZ, 1n)
  vcpu.setU64(CPU.FS, 1n)
  vcpu.resetTlbs()
  return vcpu
}

/** Switches a vCPU between kernel and user mode: TLB banks and the mode flag; the root is the caller's. */
export function setMode(vcpu: VcpuMemory, user: boolean): void {
  vcpu.setI32(CPU.USER, user ? 1 : 0)
  vcpu.setI32(CPU.TLB, vcpu.base + (user ? REGION.TLB_USER : REGION.TLB_KERNEL))
  vcpu.setI32(CPU.XTLB, vcpu.base + (user ? REGION.XTLB_USER : REGION.XTLB_KERNEL))
  vcpu.setI32(CPU.REC, 0)
}
