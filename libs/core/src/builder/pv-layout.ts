import { MAX_GUEST_CMDLINE } from '../abi/xen.ts'
import { bugOn } from '../errors.ts'
import { type BootMapping, planTables, type TableRun, tableCount } from './boot-tables.ts'
import { DomainBuildError } from './build-error.ts'
import { hex, isGuestRange, linear48, PAGE_BYTES, virtualAddress } from './guest-address.ts'
import type { PvImage } from './pv-image.ts'

/** What decides the layout of a domain. */
export interface LayoutRequest {
  readonly image: PvImage
  /** Passed to the guest as it is: a packed initrd is unpacked by the kernel, not here. Empty counts as absent. */
  readonly ramdisk?: Uint8Array | undefined
  /** Kernel command line, in UTF-8 at most 1023 bytes. */
  readonly cmdline: string
  /** Memory of the domain, in pages: PFNs 0 to pages - 1. */
  readonly pages: number
}

/** Frames [pfn, pfn + pages). */
export interface PfnRange {
  readonly pfn: number
  readonly pages: number
}

/** Which PFN of a new domain holds what. Every frame not named is ordinary, zeroed memory. */
export interface PvLayout {
  readonly ramdisk: PfnRange | undefined
  /** start_info.mod_start: a PFN if the image has `modStartPfn`, else a virtual address; 0 without a ramdisk. */
  readonly modStart: bigint
  /** The p2m list, 8 bytes per page of the domain, without its page tables. */
  readonly p2m: PfnRange
  readonly p2mVa: bigint
  /** The p2m list and the tables that map it, if it has a mapping of its own (INIT_P2M); else 0 pages at 0. */
  readonly p2mArea: PfnRange
  readonly startInfoPfn: number
  readonly storePfn: number
  readonly consolePfn: number
  readonly bootStackPfn: number
  /** Tables of the initial mapping, L4 first, in consecutive frames. */
  readonly bootTables: PfnRange
  /** All page tables, those of the p2m mapping last. */
  readonly tables: readonly TableRun[]
  /** What the tables map: all PFNs below `endOfMapping` from VIRT_BASE on, and the p2m list. */
  readonly mappings: readonly BootMapping[]
  /** First PFN above the initial mapping. */
  readonly endOfMapping: number
  /** First PFN that nothing here uses. */
  readonly end: number
}

const PAGES_PER_MIB = 256
/** The builder's promise of xen.h: at least this much is mapped and free behind the boot stack. */
const PADDING_PAGES = (512 * 1024) / PAGE_BYTES
const MAPPING_ALIGN = 4 * 1024 * 1024
const P2M_ENTRY_BYTES = 8

/**
 * Lays a domain out as Xen's domain builder does (`xen.h`, "Start-of-day memory layout"): kernel, ramdisk (if it is to be
 * mapped), p2m list (if it is to be there), start_info, xenstore page, console page, page tables, boot stack, padding to
 * 4 MiB; then, unmapped, the ramdisk of a kernel that takes a PFN, and the p2m list with a mapping of its own.
 * Throws `DomainBuildError` when memory, address space or start_info is too small.
 */
export function planPvLayout(request: LayoutRequest): PvLayout {
  bugOn(!Number.isSafeInteger(request.pages) || request.pages < 0, 'a domain has a whole number of pages')
  checkCmdline(request.cmdline)
  const layout = layOut(request, request.pages)
  if (layout.end > request.pages) failTooSmall(request)
  checkAddresses(request.image, layout)
  return layout
}

function layOut({ image, ramdisk }: LayoutRequest, pages: number): PvLayout {
  const base = Number(BigInt.asUintN(48, image.virtBase))
  const vaOf = (pfn: number): bigint => virtualAddress(base + pfn * PAGE_BYTES)
  let next = image.endPfn
  const take = (count: number): PfnRange => {
    next += count
    return { pfn: next - count, pages: count }
  }
  const ramdiskPages = Math.ceil((ramdisk?.length ?? 0) / PAGE_BYTES)
  const p2mPages = Math.ceil((pages * P2M_ENTRY_BYTES) / PAGE_BYTES)

  let ramdiskAt = ramdiskPages > 0 && !image.modStartPfn ? take(ramdiskPages) : undefined
  let p2m = image.initP2m === undefined ? take(p2mPages) : undefined
  const startInfoPfn = take(1).pfn
  const storePfn = take(1).pfn
  const consolePfn = take(1).pfn

  const { tables: bootRuns, endOfMapping } = planInitialMapping(base, next)
  const bootTables = take(tableCount(bootRuns))
  const bootStackPfn = take(1).pfn
  next = endOfMapping
  const mappings: BootMapping[] = [{ linear: base, pfn: 0, pages: endOfMapping }]

  let modStart = ramdiskAt === undefined ? 0n : vaOf(ramdiskAt.pfn)
  if (ramdiskPages > 0 && ramdiskAt === undefined) {
    ramdiskAt = take(ramdiskPages)
    modStart = BigInt(ramdiskAt.pfn)
  }
  const tables = [...bootRuns]
  let p2mArea: PfnRange = { pfn: 0, pages: 0 }
  if (p2m === undefined) {
    p2m = take(p2mPages)
    const linear = Number(BigInt.asUintN(48, image.initP2m ?? 0n))
    const runs = planTables(linear, p2mPages * PAGE_BYTES, next, bootRuns)
    const { pages: tablePages } = take(tableCount(runs))
    tables.push(...runs)
    mappings.push({ linear, ...p2m })
    p2mArea = { pfn: p2m.pfn, pages: p2mPages + tablePages }
  }
  return {
    ramdisk: ramdiskAt,
    modStart,
    p2m,
    p2mVa: image.initP2m ?? vaOf(p2m.pfn),
    p2mArea,
    startInfoPfn,
    storePfn,
    consolePfn,
    bootStackPfn,
    bootTables,
    tables,
    mappings,
    endOfMapping,
    end: next,
  }
}

/**
 * The tables, from `firstPfn` on, that map PFNs from 0 to the end of themselves, boot stack and padding. More tables may need
 * more room, which may need more tables.
 */
function planInitialMapping(base: number, firstPfn: number): { tables: TableRun[]; endOfMapping: number } {
  let needed = firstPfn + 1 + PADDING_PAGES
  for (;;) {
    const end = (Math.floor((base + needed * PAGE_BYTES) / MAPPING_ALIGN) + 1) * MAPPING_ALIGN
    const tables = planTables(base, end - base, firstPfn, [])
    needed = firstPfn + tableCount(tables) + 1 + PADDING_PAGES
    if (base + needed * PAGE_BYTES <= end) return { tables, endOfMapping: (end - base) / PAGE_BYTES }
  }
}

function checkCmdline(cmdline: string): void {
  const length = Buffer.byteLength(cmdline)
  if (length >= MAX_GUEST_CMDLINE) {
    throw new DomainBuildError(
      'CMDLINE',
      `extra: the kernel command line has ${length} bytes, a PV guest takes at most ${MAX_GUEST_CMDLINE - 1}; shorten it`,
    )
  }
  if (cmdline.includes('\0')) {
    throw new DomainBuildError('CMDLINE', 'extra: the kernel command line has a NUL character in it; remove it')
  }
}

function failTooSmall(request: LayoutRequest): never {
  // The p2m list grows by a page for every 512 pages, so this settles in a few steps.
  let mib = Math.ceil(request.pages / PAGES_PER_MIB)
  for (;;) {
    const needed = Math.ceil(layOut(request, mib * PAGES_PER_MIB).end / PAGES_PER_MIB)
    if (needed <= mib) break
    mib = needed
  }
  const given = request.pages / PAGES_PER_MIB
  const with_ = request.ramdisk !== undefined && request.ramdisk.length > 0 ? ' with its ramdisk' : ''
  throw new DomainBuildError(
    'MEMORY_TOO_SMALL',
    `memory=${given} is too small: kernel ${request.image.name}${with_} needs at least ${mib} MiB`,
  )
}

function checkAddresses(image: PvImage, { endOfMapping, p2m }: PvLayout): void {
  const base = linear48(image.virtBase) ?? 0
  if (!isGuestRange(base, base + endOfMapping * PAGE_BYTES)) {
    const mib = Math.floor((endOfMapping * PAGE_BYTES) / 2 ** 20)
    throw new DomainBuildError(
      'KERNEL_NOTES',
      `kernel ${image.name}: it wants ${mib} MiB mapped from VIRT_BASE ${hex(image.virtBase)} on, more than there is; use a smaller ramdisk or less memory`,
    )
  }
  if (image.initP2m === undefined) return
  const start = linear48(image.initP2m) ?? 0
  const end = start + p2m.pages * PAGE_BYTES
  if (end > base || !isGuestRange(start, end)) {
    throw new DomainBuildError(
      'KERNEL_NOTES',
      `kernel ${image.name}: the p2m list does not fit between INIT_P2M ${hex(image.initP2m)} and VIRT_BASE ${hex(image.virtBase)}; use less memory`,
    )
  }
}
