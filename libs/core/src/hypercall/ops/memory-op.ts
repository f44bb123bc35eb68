import { EACCES, EFAULT, EINVAL, ENOSYS, EOPNOTSUPP, EPERM, ESRCH } from '../../abi/errno.ts'
import type { NumberField } from '../../abi/field.ts'
import * as abi from '../../abi/memory.ts'
import { sizeof } from '../../abi/struct.ts'
import { __HYPERVISOR_memory_op, DOMID_SELF, shared_info } from '../../abi/xen.ts'
import { DOMAIN, E820, MAX_E820_ENTRIES } from '../../domain/domain-state.ts'
import { setE820 } from '../../domain/memory-map.ts'
import { sharedInfoOffset } from '../../domain/vcpu-info.ts'
import { GuestCopy } from '../guest-handle.ts'
import type { HypercallArgs } from '../hypercall-args.ts'
import type { HypercallContext } from '../hypercall-context.ts'
import { type HypercallResult, type HypercallRow, refusedRow, type SubOpHandler, type SubOpRow } from '../table.ts'
import { notSelf } from '../whose.ts'
import { exchangeMemory } from './memory-exchange.ts'
import { decreaseReservation, increaseReservation, populatePhysmap } from './memory-reservation.ts'

/** Answers a count of a domain's pages; a guest may ask about itself only. */
function pageCount(count: (ctx: HypercallContext) => number): SubOpHandler {
  return (ctx, { view }) => notSelf(ctx, abi.xen_memory_domain.domid.get(view, 0)) || count(ctx)
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
  if (DOMAIN.nrE820.load(memory, 0) === 0) return -ENOSYS
  const count = Math.min(abi.xen_memory_map.nr_entries.get(view, 0), DOMAIN.nrE820.load(memory, 0))
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

/** A guest may replace its own map; nothing else reads it. */
const setMemoryMap: SubOpHandler = (ctx, { view }) => {
  const { domid, map } = abi.xen_foreign_memory_map
  const count = map.nr_entries.get(view, 0)
  if (count > MAX_E820_ENTRIES) return -EINVAL
  const foreign = notSelf(ctx, domid.get(view, 0))
  if (foreign !== 0) return foreign
  const entries = new GuestCopy(count * ENTRY)
  if (!entries.copyFrom(ctx.guest, map.buffer.get(view, 0))) return -EFAULT
  setE820(
    ctx.domain.state,
    Array.from({ length: count }, (_, i) => ({
      addr: abi.e820entry.addr.get(entries.view, i * ENTRY),
      size: abi.e820entry.size.get(entries.view, i * ENTRY),
      type: abi.e820entry.type.get(entries.view, i * ENTRY),
    })),
  )
  return 0
}

/** There are no frames of the table that a guest could be shown: gmfns are no machine frames. */
const machphysMfnList: SubOpHandler = (_ctx, { view }) => {
  abi.xen_machphys_mfn_list.nr_extents.set(view, 0, 0)
  return 0
}

/** Populate-on-demand is for translated guests. */
const podTarget: SubOpHandler = ({ domain, services }, { view }) => {
  const domid = abi.xen_pod_target.domid.get(view, 0)
  const known = domid === DOMID_SELF || domid === domain.domid || services.domains.get(domid) !== undefined
  return known ? -EINVAL : -ESRCH
}

/** As Xen looks at it: what is wrong in itself goes before who asks. DOMID_SELF is nobody here. */
const claimPages: SubOpHandler = ({ services }, { view }) => {
  const { extent_start, extent_order, mem_flags, domid } = abi.xen_memory_reservation
  if (extent_start.get(view, 0) !== 0n || extent_order.get(view, 0) !== 0) return -EINVAL
  if (mem_flags.get(view, 0) !== 0 || services.domains.get(domid.get(view, 0)) === undefined) return -EINVAL
  return -EPERM
}

const ofDomain =
  (domid: NumberField, own: number): SubOpHandler =>
  (ctx, { view }) =>
    notSelf(ctx, domid.get(view, 0)) || own

/** For toolstacks: a domain's own resources are not its to ask for. */
const acquireResource: SubOpHandler = ({ domain, services }, { view }) => {
  const domid = abi.xen_mem_acquire_resource.domid.get(view, 0)
  if (domid === domain.domid) return -EPERM
  return services.domains.get(domid) === undefined ? -ESRCH : -EPERM
}

const reservedDeviceMemory: SubOpHandler = (_ctx, { view }) => {
  abi.xen_reserved_device_memory_map.nr_entries.set(view, 0, 0)
  return 0
}

const TRANSLATED = 'for guests whose physical addresses the hypervisor translates'
const TOOLSTACK = "the toolstack's; domain 0 is no guest here"
const reservation = abi.xen_memory_reservation
const rows: SubOpRow[] = [
  {
    cmd: abi.XENMEM_increase_reservation,
    name: 'increase_reservation',
    arg: reservation,
    handler: increaseReservation,
  },
  {
    cmd: abi.XENMEM_exchange,
    name: 'exchange',
    arg: abi.xen_memory_exchange,
    copy: 'inout',
    handler: exchangeMemory,
  },
  {
    cmd: abi.XENMEM_machphys_mfn_list,
    name: 'machphys_mfn_list',
    arg: abi.xen_machphys_mfn_list,
    copy: 'inout',
    handler: machphysMfnList,
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
  {
    cmd: abi.XENMEM_set_memory_map,
    name: 'set_memory_map',
    arg: abi.xen_foreign_memory_map,
    handler: setMemoryMap,
  },
  refusedRow(abi.XENMEM_machine_memory_map, 'machine_memory_map', EPERM, TOOLSTACK),
  refusedRow(abi.XENMEM_machphys_compat_mfn_list, 'machphys_compat_mfn_list', EOPNOTSUPP, 'for 32-bit guests'),
  // For guests whose physical addresses the hypervisor translates.
  refusedRow(abi.XENMEM_add_to_physmap, 'add_to_physmap', EACCES, TRANSLATED, abi.xen_add_to_physmap),
  refusedRow(abi.XENMEM_add_to_physmap_batch, 'add_to_physmap_batch', EACCES, TRANSLATED, abi.xen_add_to_physmap_batch),
  refusedRow(abi.XENMEM_remove_from_physmap, 'remove_from_physmap', EACCES, TRANSLATED, abi.xen_remove_from_physmap),
  {
    ...refusedRow(abi.XENMEM_set_pod_target, 'set_pod_target', EINVAL, TRANSLATED, abi.xen_pod_target),
    handler: podTarget,
  },
  {
    ...refusedRow(abi.XENMEM_get_pod_target, 'get_pod_target', EINVAL, TRANSLATED, abi.xen_pod_target),
    handler: podTarget,
  },
  // No frame is shared between domains.
  { cmd: abi.XENMEM_get_sharing_freed_pages, name: 'get_sharing_freed_pages', handler: () => 0 },
  { cmd: abi.XENMEM_get_sharing_shared_pages, name: 'get_sharing_shared_pages', handler: () => 0 },
  refusedRow(abi.XENMEM_paging_op, 'paging_op', ENOSYS, TOOLSTACK),
  // Xen copies its 24 bytes before it finds that the guest is not translated.
  refusedRow(abi.XENMEM_access_op, 'access_op', EINVAL, TOOLSTACK, abi.xen_machphys_mapping),
  refusedRow(abi.XENMEM_sharing_op, 'sharing_op', ENOSYS, TOOLSTACK),
  {
    ...refusedRow(abi.XENMEM_claim_pages, 'claim_pages', EPERM, TOOLSTACK, reservation),
    handler: claimPages,
  },
  {
    ...refusedRow(abi.XENMEM_get_vnumainfo, 'get_vnumainfo', EOPNOTSUPP, 'no NUMA nodes', abi.xen_vnuma_topology_info),
    handler: ofDomain(abi.xen_vnuma_topology_info.domid, -EOPNOTSUPP),
  },
  {
    cmd: abi.XENMEM_reserved_device_memory_map,
    name: 'reserved_device_memory_map',
    arg: abi.xen_reserved_device_memory_map,
    copy: 'inout',
    handler: reservedDeviceMemory,
  },
  {
    ...refusedRow(abi.XENMEM_acquire_resource, 'acquire_resource', EPERM, TOOLSTACK, abi.xen_mem_acquire_resource),
    handler: acquireResource,
  },
]

/** Above these bits of the command are the extents done so far. */
const CMD_MASK = 63

const EXTENT_SHIFT = 6n

/** What could not even be read leaves the extents done so far; the calls about counts of extents have no errors. */
function unreadable(_ctx: HypercallContext, args: HypercallArgs): HypercallResult {
  switch (args.u32(0) & CMD_MASK) {
    case abi.XENMEM_increase_reservation:
    case abi.XENMEM_decrease_reservation:
    case abi.XENMEM_populate_physmap:
      return args.u64(0) >> EXTENT_SHIFT
    default:
      return -EFAULT
  }
}

/** memory_op(cmd, arg*). */
export const memoryOp: HypercallRow = {
  nr: __HYPERVISOR_memory_op,
  name: 'memory_op',
  callers: 'any',
  subOps: { cmdArg: 0, cmdMask: CMD_MASK, pointerArg: 1, unknown: ENOSYS, unreadable, rows },
}
