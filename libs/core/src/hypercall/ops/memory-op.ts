import { EACCES, EFAULT, EINVAL, ENOSYS, EOPNOTSUPP, EPERM } from '../../abi/errno.ts'
import * as abi from '../../abi/memory.ts'
import { sizeof } from '../../abi/struct.ts'
import { __HYPERVISOR_memory_op, DOMID_SELF, shared_info } from '../../abi/xen.ts'
import { DOMAIN, E820 } from '../../domain/domain-state.ts'
import { sharedInfoOffset } from '../../domain/vcpu-info.ts'
import { GuestCopy } from '../guest-handle.ts'
import type { HypercallContext } from '../hypercall-context.ts'
import { type HypercallRow, type SubOpHandler, type SubOpRow, subOpHandler } from '../table.ts'
import { decreaseReservation, increaseReservation, populatePhysmap } from './memory-reservation.ts'

/** Answers a count of a domain's pages; a guest may ask about itself only. */
function pageCount(count: (ctx: HypercallContext) => number): SubOpHandler {
  return (ctx, { view }) => {
    const domid = abi.xen_memory_domain.domid.get(view, 0)
    return domid === DOMID_SELF || domid === ctx.domain.domid ? count(ctx) : -EPERM
  }
}

const maximumGpfn = pageCount(({ domain }) => {
  const { bytes } = domain.memory
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const pages = shared_info.arch.max_pfn.getNumber(view, sharedInfoOffset(domain))
  // The guest writes max_pfn itself: what is no number of pages counts as none.
  return pages > 0 && pages < Number.POSITIVE_INFINITY ? pages - 1 : 0
})

const M2P_START = 0xffff_8000_0000_0000n
const M2P_END = 0xffff_8040_0000_0000n

const machphysMapping: SubOpHandler = (_ctx, { view }) => {
  const { v_start, v_end, max_mfn } = abi.xen_machphys_mapping
  v_start.set(view, 0, M2P_START)
  v_end.set(view, 0, M2P_END)
  max_mfn.set(view, 0, (M2P_END - M2P_START) / 8n - 1n)
  return 0
}

const ENTRY = sizeof(abi.e820entry)

const memoryMap: SubOpHandler = ({ domain, guest }, { view }) => {
  const { memory } = domain.state
  const count = DOMAIN.nrE820.load(memory, 0)
  if (count === 0) return -ENOSYS
  if (abi.xen_memory_map.nr_entries.get(view, 0) < count) return -EINVAL
  const map = new GuestCopy(count * ENTRY)
  for (let i = 0; i < count; i++) {
    const entry = DOMAIN.e820.at(0, i)
    abi.e820entry.addr.set(map.view, i * ENTRY, E820.addr.load(memory, entry))
    abi.e820entry.size.set(map.view, i * ENTRY, E820.size.load(memory, entry))
    abi.e820entry.type.set(map.view, i * ENTRY, Number(E820.type.load(memory, entry)))
  }
  if (!map.copyTo(guest, abi.xen_memory_map.buffer.get(view, 0))) return -EFAULT
  abi.xen_memory_map.nr_entries.set(view, 0, count)
  return 0
}

const refuse =
  (errno: number): SubOpHandler =>
  () =>
    -errno

const reservation = abi.xen_memory_reservation
const rows: SubOpRow[] = [
  {
    cmd: abi.XENMEM_increase_reservation,
    name: 'increase_reservation',
    arg: reservation,
    handler: increaseReservation,
  },
  {
    cmd: abi.XENMEM_decrease_reservation,
    name: 'decrease_reservation',
    arg: reservation,
    handler: decreaseReservation,
  },
  { cmd: abi.XENMEM_populate_physmap, name: 'populate_physmap', arg: reservation, handler: populatePhysmap },
  { cmd: abi.XENMEM_maximum_ram_page, name: 'maximum_ram_page', handler: ({ domain }) => domain.frames.limit },
  {
    cmd: abi.XENMEM_current_reservation,
    name: 'current_reservation',
    arg: abi.xen_memory_domain,
    handler: pageCount(({ domain }) => DOMAIN.totPages.load(domain.state.memory, 0)),
  },
  {
    cmd: abi.XENMEM_maximum_reservation,
    name: 'maximum_reservation',
    arg: abi.xen_memory_domain,
    handler: pageCount(({ domain }) => DOMAIN.maxPages.load(domain.state.memory, 0)),
  },
  { cmd: abi.XENMEM_maximum_gpfn, name: 'maximum_gpfn', arg: abi.xen_memory_domain, handler: maximumGpfn },
  {
    cmd: abi.XENMEM_machphys_mapping,
    name: 'machphys_mapping',
    arg: abi.xen_machphys_mapping,
    copy: 'inout',
    handler: machphysMapping,
  },
  { cmd: abi.XENMEM_memory_map, name: 'memory_map', arg: abi.xen_memory_map, copy: 'inout', handler: memoryMap },
  { cmd: abi.XENMEM_machine_memory_map, name: 'machine_memory_map', handler: refuse(EPERM) },
  { cmd: abi.XENMEM_set_memory_map, name: 'set_memory_map', handler: refuse(EPERM) },
  { cmd: abi.XENMEM_claim_pages, name: 'claim_pages', handler: refuse(EPERM) },
  { cmd: abi.XENMEM_acquire_resource, name: 'acquire_resource', handler: refuse(EPERM) },
  { cmd: abi.XENMEM_get_vnumainfo, name: 'get_vnumainfo', handler: refuse(EOPNOTSUPP) },
  // For guests whose physical addresses the hypervisor translates.
  { cmd: abi.XENMEM_add_to_physmap, name: 'add_to_physmap', handler: refuse(EACCES) },
  { cmd: abi.XENMEM_add_to_physmap_batch, name: 'add_to_physmap_batch', handler: refuse(EACCES) },
  { cmd: abi.XENMEM_remove_from_physmap, name: 'remove_from_physmap', handler: refuse(EACCES) },
]

/** Above these bits of the command are the extents done so far. */
const CMD_MASK = 63

/** memory_op(cmd, arg*). XENMEM_exchange is not offered: no guest without devices needs contiguous frames. */
export const memoryOp: HypercallRow = {
  nr: __HYPERVISOR_memory_op,
  name: 'memory_op',
  callers: 'any',
  handler: subOpHandler({ cmdArg: 0, cmdMask: CMD_MASK, pointerArg: 1, unknown: ENOSYS, rows }),
}
