import { FLAT_KERNEL_CS64, FLAT_KERNEL_SS64, VGCF_in_kernel, VGCF_online } from '../abi/arch-x86/xen-x86-64.ts'
import { writeTables } from './boot-tables.ts'
import type { BuildRequest, BuiltDomain, InitialVcpu } from './build-request.ts'
import { PAGE_BYTES } from './guest-address.ts'
import { copyToFrames, type GuestFrames } from './guest-frames.ts'
import { fillHypercallPage } from './hypercall-page.ts'
import type { PvLayout } from './pv-layout.ts'
import { fillStartInfo, pfnToVa } from './start-info.ts'

const RFLAGS_IF = 0x200n
const DR6_INITIAL = 0xffff0ff0n
const DR7_INITIAL = 0x400n

/**
 * Writes a 64-bit PV domain into `frames`, which must be zero, as `layout` (of the same request) says: kernel, ramdisk, p2m
 * list, start_info, page tables, hypercall page. Throws nothing for what a kernel file can contain.
 */
export function buildPvDomain(request: BuildRequest, layout: PvLayout, frames: GuestFrames): BuiltDomain {
  const { image, pfnToMfn, ramdisk } = request
  for (const { offset, bytes } of image.segments) copyToFrames(frames, offset, bytes)
  if (image.hypercallPfn !== undefined) fillHypercallPage(frames.frame(image.hypercallPfn))
  if (ramdisk !== undefined && layout.ramdisk !== undefined) {
    copyToFrames(frames, layout.ramdisk.pfn * PAGE_BYTES, ramdisk)
  }
  writeP2m(layout, request.pages, frames, pfnToMfn)
  fillStartInfo(frames.frame(layout.startInfoPfn), request, layout)
  writeTables(layout.tables, layout.mappings, frames, pfnToMfn)

  const l4Pfn = layout.bootTables.pfn
  const l4Mfn = pfnToMfn(l4Pfn)
  return {
    vcpu: initialVcpu(request, layout, l4Mfn),
    startInfoPfn: layout.startInfoPfn,
    startInfoVa: pfnToVa(image.virtBase, layout.startInfoPfn),
    storePfn: layout.storePfn,
    storeMfn: pfnToMfn(layout.storePfn),
    consolePfn: layout.consolePfn,
    consoleMfn: pfnToMfn(layout.consolePfn),
    pageTables: layout.tables.flatMap(({ level, pfn, count }) =>
      Array.from({ length: count }, (_, i) => ({ pfn: pfn + i, level })),
    ),
    l4Pfn,
    l4Mfn,
  }
}

/** The p2m list: an entry of 8 bytes per PFN, all ones (no frame) where the last page goes on behind the last PFN. */
function writeP2m({ p2m }: PvLayout, pages: number, frames: GuestFrames, pfnToMfn: (pfn: number) => number): void {
  const perFrame = PAGE_BYTES / 8
  for (let i = 0; i < p2m.pages; i++) {
    const frame = frames.frame(p2m.pfn + i)
    const view = new DataView(frame.buffer, frame.byteOffset, PAGE_BYTES)
    const first = i * perFrame
    const count = Math.min(perFrame, pages - first)
    for (let entry = 0; entry < count; entry++) {
      // In halves, as a bigint for each page of the domain would take most of the time of a build.
      const mfn = pfnToMfn(first + entry)
      view.setUint32(entry * 8, mfn, true)
      view.setUint32(entry * 8 + 4, Math.floor(mfn / 2 ** 32), true)
    }
    frame.fill(0xff, count * 8)
  }
}

function initialVcpu({ image }: BuildRequest, layout: PvLayout, l4Mfn: number): InitialVcpu {
  const stackTop = pfnToVa(image.virtBase, layout.bootStackPfn) + BigInt(PAGE_BYTES)
  return {
    rip: image.entry,
    rsp: stackTop,
    rsi: pfnToVa(image.virtBase, layout.startInfoPfn),
    rflags: RFLAGS_IF,
    cs: FLAT_KERNEL_CS64,
    ss: FLAT_KERNEL_SS64,
    ds: 0,
    es: 0,
    fs: 0,
    gs: 0,
    cr3: BigInt(l4Mfn) << 12n,
    kernelSs: FLAT_KERNEL_SS64,
    kernelSp: stackTop,
    dr6: DR6_INITIAL,
    dr7: DR7_INITIAL,
    flags: VGCF_in_kernel | VGCF_online,
  }
}
