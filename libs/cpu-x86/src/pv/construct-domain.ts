import {
  type BuiltDomain,
  bugOn,
  buildPvDomain,
  CodedError,
  createDomainState,
  DOM0_OWNER,
  DOMAIN,
  E820_RAM,
  type PvImage,
  planPvLayout,
  setE820,
  VCPU,
  VCPU_INITIALISED,
  VCPU_UP,
} from '@paravane/core'
import { type DomainMemoryPlan, initVcpu, planDomainMemory } from '../state/domain-memory.ts'
import { CPU, TSC_TRAPS } from '../state/layout.ts'
import { FIRST_RAM_GMFN, SHARED_INFO_GMFN, SPARE_GMFNS } from './gmfn-allocator.ts'
import { addXenFrame, adoptBuiltDomain } from './mmu/domain-frames.ts'
import { PageInfo } from './mmu/page-info.ts'
import { PvDomain, type PvDomainShared } from './pv-domain.ts'
import { startVcpu } from './vcpu-context.ts'

/** A PV domain as the toolstack asks for it. */
export interface PvDomainRequest {
  readonly domid: number
  readonly image: PvImage
  readonly ramdisk?: Uint8Array
  readonly cmdline: string
  /** MiB. */
  readonly memory: number
  readonly vcpus: number
  /** OPTION_* of DomainState. */
  readonly options?: number
  readonly handle?: Uint8Array
  /** ns from the epoch to guest time 0. */
  readonly wallclock: bigint
  /** Ports of the guest for the store and the console. */
  readonly storePort: number
  readonly consolePort: number
  /** Whether hot code is translated in regions. */
  readonly regions: boolean
}

/**
 * Bytes of translated code a vCPU, taken from the host as they are used: a C compiler alone fills half of that. The largest domains have
 * room for less.
 */
const ARENA_BYTES = [192 << 20, 64 << 20] as const
const PAGES_PER_MIB = 256

/** Undefined: there is no room for so much. */
function planOf(memory: number, vcpus: number): DomainMemoryPlan | undefined {
  const gmfns = FIRST_RAM_GMFN + memory * PAGES_PER_MIB
  const plan = (frames: number, arenaBytes: number): DomainMemoryPlan | undefined =>
    planDomainMemory({ frames, gmfns: frames, vcpus, arenaBytes })
  const [usual, least] = ARENA_BYTES
  // The largest domains do without spare ones.
  return plan(gmfns + SPARE_GMFNS, usual) ?? plan(gmfns + SPARE_GMFNS, least) ?? plan(gmfns, least)
}

function tooLarge({ memory, vcpus }: PvDomainRequest): CodedError<{ code: string; memory: number; vcpus: number }> {
  let most = memory
  do most--
  while (most > 0 && planOf(most, vcpus) === undefined)
  return new CodedError(
    { code: 'MEMORY_TOO_LARGE', memory, vcpus },
    `memory=${memory}: a domain of vcpus=${vcpus} has room for ${most} MiB; give less memory, or fewer vCPUs`,
  )
}

/** What a new domain is made of before its image is built: memory, records, page types. @throws CodedError `MEMORY_TOO_LARGE` */
export function allocatePvDomain(request: PvDomainRequest): PvDomainShared {
  const pages = request.memory * PAGES_PER_MIB
  const plan = planOf(request.memory, request.vcpus)
  if (plan === undefined) throw tooLarge(request)
  const state = createDomainState({
    domid: request.domid,
    nrVcpus: request.vcpus,
    maxPages: pages,
    sharedInfoFrame: SHARED_INFO_GMFN,
    maxGrantFrames: 64,
    options: request.options,
    handle: request.handle,
    wallclock: request.wallclock,
  })
  setE820(state, [{ addr: 0n, size: BigInt(request.memory) << 20n, type: E820_RAM }])
  const memory = new WebAssembly.Memory({ initial: plan.wasmPages, maximum: 65536, shared: true })
  return {
    domid: request.domid,
    memory,
    plan,
    state: state.memory.buffer,
    pages: pageMemory(plan),
    regions: request.regions,
  }
}

/** Zeroes for the page types: a memory of their own, that the entries in WebAssembly may reach, and the guest's code may not. */
function pageMemory({ gmfns, vcpus }: DomainMemoryPlan): WebAssembly.Memory {
  const pages = Math.ceil(PageInfo.bytes(gmfns, vcpus) / 65536)
  return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true })
}

/**
 * Builds the guest's image in its frames, validates and pins its page tables and makes vCPU 0 ready: the domain may then be
 * unpaused. Runs on domain 0's thread. @throws DomainBuildError
 */
export function constructPvDomain(
  request: PvDomainRequest,
  shared: PvDomainShared,
): { domain: PvDomain; built: BuiltDomain } {
  const pages = request.memory * PAGES_PER_MIB
  const layout = planPvLayout({ image: request.image, ramdisk: request.ramdisk, cmdline: request.cmdline, pages })
  const domain = new PvDomain(shared, DOM0_OWNER)
  for (let n = 0; n < request.vcpus; n++)
    initVcpu(domain.views, shared.plan, n).setI32(CPU.TSC_TRAPS, domain.state.virtualTime ? TSC_TRAPS.COUNTED : 0)
  domain.present(SHARED_INFO_GMFN, -1)
  for (let pfn = 0; pfn < pages; pfn++) domain.place(FIRST_RAM_GMFN + pfn, pfn)
  const built = buildPvDomain(
    {
      image: request.image,
      ramdisk: request.ramdisk,
      cmdline: request.cmdline,
      pages,
      pfnToMfn: (pfn) => pfn + FIRST_RAM_GMFN,
      sharedInfoMfn: SHARED_INFO_GMFN,
      storeEvtchn: request.storePort,
      consoleEvtchn: request.consolePort,
    },
    layout,
    {
      frame: (pfn) => {
        const host = domain.hostOf(FIRST_RAM_GMFN + pfn)
        return domain.views.u8.subarray(host, host + 4096)
      },
    },
  )
  addXenFrame(domain.mmu, SHARED_INFO_GMFN)
  const outcome = adoptBuiltDomain(domain.mmu, built.l4Mfn, ramFrames(pages))
  bugOn(outcome !== 0, 'the page tables of a new domain were refused')
  DOMAIN.totPages.store(domain.state.memory, 0, pages)
  startVcpu(domain.vcpus[0], built.vcpu)
  VCPU.flags.or(domain.state.memory, domain.state.vcpu(0), VCPU_INITIALISED | VCPU_UP)
  return { domain, built }
}

function* ramFrames(pages: number): Generator<number> {
  for (let pfn = 0; pfn < pages; pfn++) yield FIRST_RAM_GMFN + pfn
}
