/** `xen/grant_table.h`: entries of the shared table, and HYPERVISOR_grant_table_op. */
import { type Struct, struct } from './struct.ts'

const grantEntryV1 = { flags: 'u16', domid: 'u16', frame: 'u32' } as const
/** A version 1 entry. The guest writes `domid` and `frame`, then a write barrier, then `flags`. */
export const grant_entry_v1: Struct<typeof grantEntryV1> = struct('grant_entry_v1', grantEntryV1)

// Entries that the toolstack fills before the guest runs.
export const GNTTAB_NR_RESERVED_ENTRIES = 8
export const GNTTAB_RESERVED_CONSOLE = 0
export const GNTTAB_RESERVED_XENSTORE = 1

// Entry flags. Type and permissions are the guest's; reading and writing are Xen's, while the frame is mapped.
export const GTF_invalid = 0
export const GTF_permit_access = 1
export const GTF_accept_transfer = 2
export const GTF_transitive = 3
export const GTF_type_mask = 3
export const _GTF_readonly = 2
export const GTF_readonly = 4
export const _GTF_reading = 3
export const GTF_reading = 8
export const _GTF_writing = 4
export const GTF_writing = 0x10
export const _GTF_PWT = 5
export const GTF_PWT = 0x20
export const _GTF_PCD = 6
export const GTF_PCD = 0x40
export const _GTF_PAT = 7
export const GTF_PAT = 0x80
export const _GTF_sub_page = 8
export const GTF_sub_page = 0x100
export const _GTF_transfer_committed = 2
export const GTF_transfer_committed = 4
export const _GTF_transfer_completed = 3
export const GTF_transfer_completed = 8

const grantEntryHeader = { flags: 'u16', domid: 'u16' } as const
/** The part of a version 2 entry that every type has; its status word is in a table of its own. */
export const grant_entry_header: Struct<typeof grantEntryHeader> = struct('grant_entry_header', grantEntryHeader)
const grantEntryV2 = {
  union: {
    hdr: grant_entry_header as typeof grant_entry_header,
    full_page: { hdr: grant_entry_header as typeof grant_entry_header, pad0: 'u32', frame: 'u64' },
    sub_page: {
      hdr: grant_entry_header as typeof grant_entry_header,
      page_off: 'u16',
      length: 'u16',
      frame: 'u64',
    },
    transitive: {
      hdr: grant_entry_header as typeof grant_entry_header,
      trans_domid: 'u16',
      pad0: 'u16',
      gref: 'u32',
    },
    __spacer: ['u32', 4],
  },
} as const
export const grant_entry_v2: Struct<typeof grantEntryV2> = struct('grant_entry_v2', grantEntryV2)

export const GNTTABOP_map_grant_ref = 0
export const GNTTABOP_unmap_grant_ref = 1
export const GNTTABOP_setup_table = 2
export const GNTTABOP_dump_table = 3
export const GNTTABOP_transfer = 4
export const GNTTABOP_copy = 5
export const GNTTABOP_query_size = 6
export const GNTTABOP_unmap_and_replace = 7
export const GNTTABOP_set_version = 8
export const GNTTABOP_get_status_frames = 9
export const GNTTABOP_get_version = 10
export const GNTTABOP_swap_grant_ref = 11
export const GNTTABOP_cache_flush = 12

const gnttabMapGrantRef = {
  host_addr: 'u64',
  flags: 'u32',
  ref: 'u32',
  dom: 'u16',
  status: 's16',
  handle: 'u32',
  dev_bus_addr: 'u64',
} as const
/** IN: `host_addr` by `flags` (GNTMAP_*), `ref` of `dom`; OUT: `status`, `handle`, `dev_bus_addr`. */
export const gnttab_map_grant_ref: Struct<typeof gnttabMapGrantRef> = struct('gnttab_map_grant_ref', gnttabMapGrantRef)
const gnttabUnmapGrantRef = { host_addr: 'u64', dev_bus_addr: 'u64', handle: 'u32', status: 's16' } as const
/** IN: addresses (0 for one not to be unmapped) and `handle`; OUT: `status`. */
export const gnttab_unmap_grant_ref: Struct<typeof gnttabUnmapGrantRef> = struct(
  'gnttab_unmap_grant_ref',
  gnttabUnmapGrantRef,
)
const gnttabSetupTable = { dom: 'u16', nr_frames: 'u32', status: 's16', frame_list: 'handle' } as const
/** IN: `dom`, `nr_frames` of room; OUT: `status`, frame numbers in `frame_list`. Grows the table as needed. */
export const gnttab_setup_table: Struct<typeof gnttabSetupTable> = struct('gnttab_setup_table', gnttabSetupTable)
const gnttabDumpTable = { dom: 'u16', status: 's16' } as const
/** IN: `dom`; OUT: `status`. */
export const gnttab_dump_table: Struct<typeof gnttabDumpTable> = struct('gnttab_dump_table', gnttabDumpTable)
const gnttabTransfer = { mfn: 'u64', domid: 'u16', ref: 'u32', status: 's16' } as const
/** IN: `mfn` to give to `domid` through its entry `ref`; OUT: `status`. */
export const gnttab_transfer: Struct<typeof gnttabTransfer> = struct('gnttab_transfer', gnttabTransfer)

// gnttab_copy.flags: which side is a grant reference rather than a frame of the caller's.
export const _GNTCOPY_source_gref = 0
export const GNTCOPY_source_gref = 1
export const _GNTCOPY_dest_gref = 1
export const GNTCOPY_dest_gref = 2
const gnttabCopyPtr = { u: { union: { ref: 'u32', gmfn: 'u64' } }, domid: 'u16', offset: 'u16' } as const
export const gnttab_copy_ptr: Struct<typeof gnttabCopyPtr> = struct('gnttab_copy_ptr', gnttabCopyPtr)
const gnttabCopy = {
  source: gnttab_copy_ptr as typeof gnttab_copy_ptr,
  dest: gnttab_copy_ptr as typeof gnttab_copy_ptr,
  len: 'u16',
  flags: 'u16',
  status: 's16',
} as const
/** IN: `len` bytes that cross no page; OUT: `status`. */
export const gnttab_copy: Struct<typeof gnttabCopy> = struct('gnttab_copy', gnttabCopy)
const gnttabQuerySize = { dom: 'u16', nr_frames: 'u32', max_nr_frames: 'u32', status: 's16' } as const
/** IN: `dom`; OUT: frames in use, the most there may be, `status`. */
export const gnttab_query_size: Struct<typeof gnttabQuerySize> = struct('gnttab_query_size', gnttabQuerySize)
const gnttabUnmapAndReplace = { host_addr: 'u64', new_addr: 'u64', handle: 'u32', status: 's16' } as const
/** IN: unmap `host_addr` and put there what `new_addr` maps; OUT: `status`. */
export const gnttab_unmap_and_replace: Struct<typeof gnttabUnmapAndReplace> = struct(
  'gnttab_unmap_and_replace',
  gnttabUnmapAndReplace,
)
const gnttabSetVersion = { version: 'u32' } as const
/** IN: 1 or 2; OUT: the version in force. */
export const gnttab_set_version: Struct<typeof gnttabSetVersion> = struct('gnttab_set_version', gnttabSetVersion)
const gnttabGetStatusFrames = { nr_frames: 'u32', dom: 'u16', status: 's16', frame_list: 'handle' } as const
/** IN: `nr_frames` of room, `dom`; OUT: `status`, frame numbers in `frame_list`. Version 2 only. */
export const gnttab_get_status_frames: Struct<typeof gnttabGetStatusFrames> = struct(
  'gnttab_get_status_frames',
  gnttabGetStatusFrames,
)
const gnttabGetVersion = { dom: 'u16', pad: 'u16', version: 'u32' } as const
/** IN: `dom`; OUT: `version`. */
export const gnttab_get_version: Struct<typeof gnttabGetVersion> = struct('gnttab_get_version', gnttabGetVersion)
const gnttabSwapGrantRef = { ref_a: 'u32', ref_b: 'u32', status: 's16' } as const
/** IN: two entries to exchange; OUT: `status`. */
export const gnttab_swap_grant_ref: Struct<typeof gnttabSwapGrantRef> = struct(
  'gnttab_swap_grant_ref',
  gnttabSwapGrantRef,
)

// gnttab_cache_flush.op
export const GNTTAB_CACHE_CLEAN = 1
export const GNTTAB_CACHE_INVAL = 2
export const GNTTAB_CACHE_SOURCE_GREF = 0x80000000
const gnttabCacheFlush = {
  a: { union: { dev_bus_addr: 'u64', ref: 'u32' } },
  offset: 'u16',
  length: 'u16',
  op: 'u32',
} as const
export const gnttab_cache_flush: Struct<typeof gnttabCacheFlush> = struct('gnttab_cache_flush', gnttabCacheFlush)

// gnttab_map_grant_ref.flags
export const _GNTMAP_device_map = 0
export const GNTMAP_device_map = 1
export const _GNTMAP_host_map = 1
export const GNTMAP_host_map = 2
export const _GNTMAP_readonly = 2
export const GNTMAP_readonly = 4
export const _GNTMAP_application_map = 3
export const GNTMAP_application_map = 8
export const _GNTMAP_contains_pte = 4
export const GNTMAP_contains_pte = 0x10
export const _GNTMAP_guest_avail0 = 16
export const GNTMAP_guest_avail_mask = 0xffff0000

// The status of one operation: 0 or negative, unlike an errno.
export const GNTST_okay = 0
export const GNTST_general_error = -1
export const GNTST_bad_domain = -2
export const GNTST_bad_gntref = -3
export const GNTST_bad_handle = -4
export const GNTST_bad_virt_addr = -5
export const GNTST_bad_dev_addr = -6
export const GNTST_no_device_space = -7
export const GNTST_permission_denied = -8
export const GNTST_bad_page = -9
export const GNTST_bad_copy_arg = -10
export const GNTST_address_too_big = -11
export const GNTST_eagain = -12
export const GNTST_no_space = -13
