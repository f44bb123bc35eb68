/** `xen/memory.h`: HYPERVISOR_memory_op, but for the toolstack's paging, access and sharing of HVM guests. */
import { physdev_pci_device } from './physdev.ts'
import { type Struct, struct } from './struct.ts'

export const XENMEM_increase_reservation = 0
export const XENMEM_decrease_reservation = 1
export const XENMEM_populate_physmap = 6
export const XENMEM_exchange = 11
export const XENMEM_maximum_ram_page = 2
export const XENMEM_current_reservation = 3
export const XENMEM_maximum_reservation = 4
export const XENMEM_maximum_gpfn = 14
export const XENMEM_machphys_mfn_list = 5
export const XENMEM_machphys_compat_mfn_list = 25
export const XENMEM_machphys_mapping = 12
export const XENMEM_add_to_physmap = 7
export const XENMEM_add_to_physmap_batch = 23
export const XENMEM_remove_from_physmap = 15
export const XENMEM_memory_map = 9
export const XENMEM_machine_memory_map = 10
export const XENMEM_set_memory_map = 13
export const XENMEM_set_pod_target = 16
export const XENMEM_get_pod_target = 17
export const XENMEM_get_sharing_freed_pages = 18
export const XENMEM_get_sharing_shared_pages = 19
export const XENMEM_paging_op = 20
export const XENMEM_access_op = 21
export const XENMEM_sharing_op = 22
export const XENMEM_claim_pages = 24
export const XENMEM_reserved_device_memory_map = 27
export const XENMEM_acquire_resource = 28
export const XENMEM_get_vnumainfo = 26

// xen_memory_reservation.mem_flags; address bits are in bits 0 to 7, the node plus one in 8 to 15.
export const XENMEMF_populate_on_demand = 0x10000
export const XENMEMF_exact_node_request = 0x20000
export const XENMEMF_vnode = 0x40000
const xenMemoryReservation = {
  extent_start: 'handle',
  nr_extents: 'u64',
  extent_order: 'u32',
  mem_flags: 'u32',
  domid: 'u16',
} as const
/**
 * increase_reservation, decrease_reservation, populate_physmap. IN: `nr_extents` frame numbers at `extent_start`, each of
 * 2^extent_order pages; OUT: the new frames there, but for decrease. The call answers how many extents were done.
 */
export const xen_memory_reservation: Struct<typeof xenMemoryReservation> = struct(
  'xen_memory_reservation',
  xenMemoryReservation,
)
const xenMemoryExchange = {
  in: xen_memory_reservation as typeof xen_memory_reservation,
  out: xen_memory_reservation as typeof xen_memory_reservation,
  nr_exchanged: 'u64',
} as const
/** IN: extents to give and to get, of the same size in all; OUT: `nr_exchanged`. */
export const xen_memory_exchange: Struct<typeof xenMemoryExchange> = struct('xen_memory_exchange', xenMemoryExchange)
const xenMemoryDomain = { domid: 'u16' } as const
/** IN of current_reservation, maximum_reservation, maximum_gpfn. */
export const xen_memory_domain: Struct<typeof xenMemoryDomain> = struct('xen_memory_domain', xenMemoryDomain)
const xenMachphysMfnList = { max_extents: 'u32', extent_start: 'handle', nr_extents: 'u32' } as const
/** IN: room for `max_extents` frame numbers; OUT: those of the M2P table, one for 2 MiB, and how many. */
export const xen_machphys_mfn_list: Struct<typeof xenMachphysMfnList> = struct(
  'xen_machphys_mfn_list',
  xenMachphysMfnList,
)
const xenMachphysMapping = { v_start: 'u64', v_end: 'u64', max_mfn: 'u64' } as const
/** OUT: where the M2P table is in every guest's address space. */
export const xen_machphys_mapping: Struct<typeof xenMachphysMapping> = struct(
  'xen_machphys_mapping',
  xenMachphysMapping,
)

// xen_add_to_physmap.space
export const XENMAPSPACE_shared_info = 0
export const XENMAPSPACE_grant_table = 1
export const XENMAPSPACE_gmfn = 2
export const XENMAPSPACE_gmfn_range = 3
export const XENMAPSPACE_gmfn_foreign = 4
export const XENMAPSPACE_dev_mmio = 5
/** In `idx`: the frame is one of the grant status table's. */
export const XENMAPIDX_grant_table_status = 0x80000000
const xenAddToPhysmap = { domid: 'u16', size: 'u16', space: 'u32', idx: 'u64', gpfn: 'u64' } as const
/** IN: what to put at `gpfn` of a translated guest; `size` counts only for gmfn_range. */
export const xen_add_to_physmap: Struct<typeof xenAddToPhysmap> = struct('xen_add_to_physmap', xenAddToPhysmap)
const xenAddToPhysmapBatch = {
  domid: 'u16',
  space: 'u16',
  size: 'u16',
  u: { union: { foreign_domid: 'u16', res0: 'u16' } },
  idxs: 'handle',
  gpfns: 'handle',
  errs: 'handle',
} as const
export const xen_add_to_physmap_batch: Struct<typeof xenAddToPhysmapBatch> = struct(
  'xen_add_to_physmap_batch',
  xenAddToPhysmapBatch,
)
const xenRemoveFromPhysmap = { domid: 'u16', gpfn: 'u64' } as const
export const xen_remove_from_physmap: Struct<typeof xenRemoveFromPhysmap> = struct(
  'xen_remove_from_physmap',
  xenRemoveFromPhysmap,
)
const xenMemoryMap = { nr_entries: 'u32', buffer: 'handle' } as const
/** IN: room for `nr_entries` of e820entry; OUT: the map, and how many. */
export const xen_memory_map: Struct<typeof xenMemoryMap> = struct('xen_memory_map', xenMemoryMap)
const xenForeignMemoryMap = { domid: 'u16', map: xen_memory_map as typeof xen_memory_map } as const
/** IN of set_memory_map. */
export const xen_foreign_memory_map: Struct<typeof xenForeignMemoryMap> = struct(
  'xen_foreign_memory_map',
  xenForeignMemoryMap,
)

const e820entryFields = { addr: 'u64', size: 'u64', type: 'u32' } as const
/**
 * One entry of a memory map, as PC firmware defines it: 20 bytes, packed.
 * @c none not in Xen's public headers
 */
export const e820entry: Struct<typeof e820entryFields> = struct('e820entry', e820entryFields, 'packed')

const xenPodTarget = {
  target_pages: 'u64',
  tot_pages: 'u64',
  pod_cache_pages: 'u64',
  pod_entries: 'u64',
  domid: 'u16',
} as const
export const xen_pod_target: Struct<typeof xenPodTarget> = struct('xen_pod_target', xenPodTarget)
/** In `flags`: every region, not only those of one device. */
export const XENMEM_RDM_ALL = 1
const xenReservedDeviceMemory = { start_pfn: 'u64', nr_pages: 'u64' } as const
export const xen_reserved_device_memory: Struct<typeof xenReservedDeviceMemory> = struct(
  'xen_reserved_device_memory',
  xenReservedDeviceMemory,
)
const xenReservedDeviceMemoryMap = {
  flags: 'u32',
  nr_entries: 'u32',
  buffer: 'handle',
  dev: { union: { pci: physdev_pci_device as typeof physdev_pci_device } },
} as const
export const xen_reserved_device_memory_map: Struct<typeof xenReservedDeviceMemoryMap> = struct(
  'xen_reserved_device_memory_map',
  xenReservedDeviceMemoryMap,
)

// xen_mem_acquire_resource.type, and .id where the type is the grant table.
export const XENMEM_resource_ioreq_server = 0
export const XENMEM_resource_grant_table = 1
export const XENMEM_resource_vmtrace_buf = 2
export const XENMEM_resource_grant_table_id_shared = 0
export const XENMEM_resource_grant_table_id_status = 1
export const XENMEM_resource_ioreq_server_frame_bufioreq = 0
const xenMemAcquireResource = {
  domid: 'u16',
  type: 'u16',
  id: 'u32',
  nr_frames: 'u32',
  pad: 'u32',
  frame: 'u64',
  frame_list: 'handle',
} as const
/** IN: resource of `domid`, from `frame`; OUT: its frames in `frame_list`, or, of no room given, `nr_frames` there are. */
export const xen_mem_acquire_resource: Struct<typeof xenMemAcquireResource> = struct(
  'xen_mem_acquire_resource',
  xenMemAcquireResource,
)

const xenVmemrange = { start: 'u64', end: 'u64', flags: 'u32', nid: 'u32' } as const
export const xen_vmemrange: Struct<typeof xenVmemrange> = struct('xen_vmemrange', xenVmemrange)
const xenVnumaTopologyInfo = {
  domid: 'u16',
  pad: 'u16',
  nr_vnodes: 'u32',
  nr_vcpus: 'u32',
  nr_vmemranges: 'u32',
  vdistance: { union: { h: 'handle', pad: 'u64' } },
  vcpu_to_vnode: { union: { h: 'handle', pad: 'u64' } },
  vmemrange: { union: { h: 'handle', pad: 'u64' } },
} as const
export const xen_vnuma_topology_info: Struct<typeof xenVnumaTopologyInfo> = struct(
  'xen_vnuma_topology_info',
  xenVnumaTopologyInfo,
)
