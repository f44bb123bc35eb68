/** `xen/io/blkif.h`: the block device's ring, as 64-bit guests lay it out (protocol "x86_64-abi"). */
import { type Struct, struct } from '../struct.ts'

// blkif_request.operation
export const BLKIF_OP_READ = 0
export const BLKIF_OP_WRITE = 1
export const BLKIF_OP_WRITE_BARRIER = 2
export const BLKIF_OP_FLUSH_DISKCACHE = 3
export const BLKIF_OP_RESERVED_1 = 4
export const BLKIF_OP_DISCARD = 5
export const BLKIF_OP_INDIRECT = 6

export const BLKIF_MAX_SEGMENTS_PER_REQUEST = 11
export const BLKIF_MAX_INDIRECT_PAGES_PER_REQUEST = 8

const blkifRequestSegment = { gref: 'u32', first_sect: 'u8', last_sect: 'u8' } as const
/** Part of one page; sectors, both included, are of 512 bytes whatever the disk's are. */
export const blkif_request_segment: Struct<typeof blkifRequestSegment> = struct(
  'blkif_request_segment',
  blkifRequestSegment,
)
const blkifRequest = {
  operation: 'u8',
  nr_segments: 'u8',
  handle: 'u16',
  id: 'u64',
  sector_number: 'u64',
  seg: [blkif_request_segment as typeof blkif_request_segment, 11],
} as const
/** `handle` is the disk's number, `id` whatever the guest likes, `sector_number` in units of 512 bytes. */
export const blkif_request: Struct<typeof blkifRequest> = struct('blkif_request', blkifRequest)
/** blkif_request_discard.flag: the data must be beyond recovery. */
export const BLKIF_DISCARD_SECURE = 1
const blkifRequestDiscard = {
  operation: 'u8',
  flag: 'u8',
  handle: 'u16',
  id: 'u64',
  sector_number: 'u64',
  nr_sectors: 'u64',
} as const
/** BLKIF_OP_DISCARD, in place of blkif_request. */
export const blkif_request_discard: Struct<typeof blkifRequestDiscard> = struct(
  'blkif_request_discard',
  blkifRequestDiscard,
)
const blkifRequestIndirect = {
  operation: 'u8',
  indirect_op: 'u8',
  nr_segments: 'u16',
  id: 'u64',
  sector_number: 'u64',
  handle: 'u16',
  indirect_grefs: ['u32', 8],
} as const
/** BLKIF_OP_INDIRECT, in place of blkif_request: each granted page holds 512 segments. */
export const blkif_request_indirect: Struct<typeof blkifRequestIndirect> = struct(
  'blkif_request_indirect',
  blkifRequestIndirect,
)
const blkifResponse = { id: 'u64', operation: 'u8', status: 's16' } as const
/** `id` and `operation` repeat the request's, the latter from `indirect_op` where it was indirect. */
export const blkif_response: Struct<typeof blkifResponse> = struct('blkif_response', blkifResponse)

// blkif_response.status
export const BLKIF_RSP_EOPNOTSUPP = -2
export const BLKIF_RSP_ERROR = -1
export const BLKIF_RSP_OKAY = 0

const blkifSringEntry = {
  union: { req: blkif_request as typeof blkif_request, rsp: blkif_response as typeof blkif_response },
} as const
/** An entry of the ring. */
export const blkif_sring_entry: Struct<typeof blkifSringEntry> = struct('blkif_sring_entry', blkifSringEntry)

// The key "info" of the back-end.
export const VDISK_CDROM = 1
export const VDISK_REMOVABLE = 2
export const VDISK_READONLY = 4
