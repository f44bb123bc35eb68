import { DomainBuildError } from './build-error.ts'
import { type ElfFile, PT_LOAD, readElf } from './elf.ts'
import { type NoteSource, readXenNotes, type XenNotes } from './elf-notes.ts'
import type { FileView } from './file-view.ts'
import { hex, isGuestRange, linear48, PAGE_BYTES } from './guest-address.ts'
import { type KernelFeatures, kernelFeatures } from './kernel-features.ts'
import { openKernelFile } from './kernel-file.ts'

/** Part of a kernel as it goes into memory: `bytes` at `offset` bytes from PFN 0, zeroes up to `memBytes`. */
export interface PvSegment {
  readonly offset: number
  readonly bytes: Uint8Array
  readonly memBytes: number
}

/** A 64-bit PV kernel that was read and found sound. Addresses are virtual and 64 bits wide. */
export interface PvImage {
  /** Name of its file, for messages. */
  readonly name: string
  readonly entry: bigint
  /** Where PFN 0 is mapped. */
  readonly virtBase: bigint
  /** The kernel occupies PFNs [startPfn, endPfn). */
  readonly startPfn: number
  readonly endPfn: number
  readonly segments: readonly PvSegment[]
  /** The page to fill with hypercall stubs, if the kernel has one. */
  readonly hypercallPfn: number | undefined
  /** Where it wants the p2m list mapped; undefined: in the initial mapping. */
  readonly initP2m: bigint | undefined
  /** Whether it takes its ramdisk by PFN, unmapped. */
  readonly modStartPfn: boolean
  /** Whether SCHEDOP_shutdown with SHUTDOWN_suspend may return 1: suspend was cancelled. */
  readonly suspendCancel: boolean
  readonly features: KernelFeatures
  readonly guestOs: string
  readonly guestVersion: string
}

/** Bytes a kernel may span. Far above any kernel, and low enough that sums of sizes stay exact. */
const MAX_SPAN = 2n ** 40n

/**
 * Reads a kernel file (ELF64, bzImage, or either one packed) as a 64-bit Xen PV guest: segments by physical address, Xen's
 * notes. `name` is for messages. NetBSD's BSD_SYMTAB is ignored: the kernel runs without its symbol table.
 * Throws `DomainBuildError`.
 */
export function parsePvKernel(file: Uint8Array, name: string): PvImage {
  const view = openKernelFile(file, name)
  const elf = readElf(view)
  const found = readXenNotes(elf, view)
  if (found === undefined) {
    throw new DomainBuildError(
      'KERNEL_NOT_PV',
      `kernel ${name}: not a Xen PV kernel: no Xen ELF notes; use a kernel built with CONFIG_XEN_PV`,
    )
  }
  const { notes, source } = found
  checkGuestKind(notes, name)
  const virtBase = notes.virtBase ?? 0n
  const segments = placeSegments(elf, view, notes.paddrOffset ?? defaultPaddrOffset(source, virtBase))
  const start = Math.min(...segments.map(({ offset }) => offset))
  const end = Math.max(...segments.map(({ offset, memBytes }) => offset + memBytes))
  const entry = notes.entry ?? elf.entry
  checkAddresses({ name, virtBase, start, end, entry, initP2m: notes.initP2m })
  return {
    name,
    entry,
    virtBase,
    startPfn: Math.floor(start / PAGE_BYTES),
    endPfn: Math.ceil(end / PAGE_BYTES),
    segments,
    hypercallPfn: hypercallPfn(notes.hypercallPage, virtBase, start, end, name),
    initP2m: notes.initP2m,
    modStartPfn: (notes.modStartPfn ?? 0n) !== 0n,
    suspendCancel: (notes.suspendCancel ?? 0n) !== 0n,
    features: kernelFeatures(notes.features, notes.supportedFeatures, name),
    guestOs: notes.guestOs ?? '',
    guestVersion: notes.guestVersion ?? '',
  }
}

/** Kernels with notes count physical addresses from 0; those with the string section, from VIRT_BASE. */
function defaultPaddrOffset(source: NoteSource, virtBase: bigint): bigint {
  return source === 'notes' ? 0n : virtBase
}

function checkGuestKind(notes: XenNotes, name: string): void {
  const refuse = (why: string): never => {
    throw new DomainBuildError('KERNEL_NOT_PV', `kernel ${name}: ${why}; use a kernel built with CONFIG_XEN_PV`)
  }
  if (notes.xenVersion === undefined && notes.phys32Entry !== undefined) refuse('it can start as PVH only, not as PV')
  if (!(notes.xenVersion ?? '').startsWith('xen-3.0')) {
    refuse(`its notes are for Xen version ${JSON.stringify(notes.xenVersion ?? '')}, not "xen-3.0"`)
  }
  if (!(notes.loader ?? '').startsWith('generic') && !(notes.guestOs ?? '').startsWith('linux')) {
    refuse(`its notes ask for the loader ${JSON.stringify(notes.loader ?? '')}, not "generic"`)
  }
}

function placeSegments(elf: ElfFile, view: FileView, paddrOffset: bigint): PvSegment[] {
  const loads = elf.segments.filter(({ type, memBytes }) => type === PT_LOAD && memBytes > 0n)
  if (loads.length === 0) view.fail('nothing to load in it')
  return loads.map(({ paddr, memBytes, bytes }) => {
    const offset = paddr - paddrOffset
    if (offset < 0n) notesFail(view.name, `a segment at ${hex(paddr)} is below the PADDR_OFFSET ${hex(paddrOffset)}`)
    if (offset > MAX_SPAN || memBytes > MAX_SPAN) {
      notesFail(view.name, `a segment of ${hex(memBytes)} bytes at physical ${hex(offset)} is beyond any memory`)
    }
    return { offset: Number(offset), bytes, memBytes: Number(memBytes) }
  })
}

interface Addresses {
  readonly name: string
  readonly virtBase: bigint
  /** Bytes from PFN 0. */
  readonly start: number
  readonly end: number
  readonly entry: bigint
  readonly initP2m: bigint | undefined
}

function checkAddresses({ name, virtBase, start, end, entry, initP2m }: Addresses): void {
  const base = linear48(virtBase)
  if (base === undefined || base % PAGE_BYTES !== 0) {
    notesFail(name, `VIRT_BASE ${hex(virtBase)} is no address of a page`)
  }
  if (!isGuestRange(base, base + end)) {
    notesFail(name, `VIRT_BASE ${hex(virtBase)} puts it over the hypervisor or the end of the address space`)
  }
  if (entry < virtBase + BigInt(start) || entry > virtBase + BigInt(end)) {
    notesFail(name, `its entry ${hex(entry)} is outside of it`)
  }
  if (initP2m === undefined) return
  const p2m = linear48(initP2m)
  if (p2m === undefined || p2m % PAGE_BYTES !== 0 || p2m >= base || !isGuestRange(p2m, p2m + PAGE_BYTES)) {
    notesFail(name, `INIT_P2M ${hex(initP2m)} is no address of a page below VIRT_BASE that a guest may use`)
  }
}

function hypercallPfn(
  va: bigint | undefined,
  virtBase: bigint,
  start: number,
  end: number,
  name: string,
): number | undefined {
  if (va === undefined) return undefined
  const offset = va - virtBase
  if (offset % BigInt(PAGE_BYTES) !== 0n || offset + BigInt(PAGE_BYTES) <= BigInt(start) || offset >= BigInt(end)) {
    notesFail(name, `HYPERCALL_PAGE ${hex(va)} is no page of it`)
  }
  return Number(offset) / PAGE_BYTES
}

function notesFail(name: string, why: string): never {
  throw new DomainBuildError('KERNEL_NOTES', `kernel ${name}: ${why}; its Xen notes are wrong, use another build of it`)
}
