import { SIF_MOD_START_PFN, start_info } from '../abi/xen.ts'
import type { BuildRequest } from './build-request.ts'
import { PAGE_BYTES, virtualAddress } from './guest-address.ts'
import type { PvLayout } from './pv-layout.ts'

const MAGIC = 'xen-3.0-x86_64'

/** Fills the start_info page (`xen/xen.h`) of a new domain; `page` must be zero before. */
export function fillStartInfo(page: Uint8Array, request: BuildRequest, layout: PvLayout): void {
  const { image, pfnToMfn } = request
  const view = new DataView(page.buffer, page.byteOffset, PAGE_BYTES)
  const ramdisk = layout.ramdisk !== undefined
  start_info.magic.set(view, 0, MAGIC)
  start_info.nr_pages.setNumber(view, 0, request.pages)
  start_info.shared_info.setNumber(view, 0, request.sharedInfoMfn * PAGE_BYTES)
  start_info.flags.set(view, 0, (request.flags ?? 0) | (ramdisk && image.modStartPfn ? SIF_MOD_START_PFN : 0))
  start_info.store_mfn.setNumber(view, 0, pfnToMfn(layout.storePfn))
  start_info.store_evtchn.set(view, 0, request.storeEvtchn)
  start_info.console.domU.mfn.setNumber(view, 0, pfnToMfn(layout.consolePfn))
  start_info.console.domU.evtchn.set(view, 0, request.consoleEvtchn)
  start_info.pt_base.set(view, 0, pfnToVa(image.virtBase, layout.bootTables.pfn))
  start_info.nr_pt_frames.setNumber(view, 0, layout.bootTables.pages)
  start_info.mfn_list.set(view, 0, layout.p2mVa)
  start_info.mod_start.set(view, 0, layout.modStart)
  start_info.mod_len.setNumber(view, 0, ramdisk ? (request.ramdisk?.length ?? 0) : 0)
  start_info.cmd_line.set(view, 0, request.cmdline)
  start_info.first_p2m_pfn.setNumber(view, 0, layout.p2mArea.pfn)
  start_info.nr_p2m_frames.setNumber(view, 0, layout.p2mArea.pages)
}

/** Where the initial mapping has a PFN. */
export function pfnToVa(virtBase: bigint, pfn: number): bigint {
  return virtualAddress(Number(BigInt.asUintN(48, virtBase)) + pfn * PAGE_BYTES)
}
