/** `xen/io/fbif.h`: the page of a PV frame buffer. */
import { type Struct, struct } from '../struct.ts'

// Type of an event out of the guest, and the two of them.
export const XENFB_TYPE_UPDATE = 2
export const XENFB_TYPE_RESIZE = 3
const xenfbUpdate = { type: 'u8', x: 's32', y: 's32', width: 's32', height: 's32' } as const
/** A rectangle was drawn. Sent only if the back-end has set "request-update". */
export const xenfb_update: Struct<typeof xenfbUpdate> = struct('xenfb_update', xenfbUpdate)
const xenfbResize = { type: 'u8', width: 's32', height: 's32', stride: 's32', depth: 's32', offset: 's32' } as const
/** Bytes for `stride` and `offset`, bits for `depth`. Sent only if the back-end has set "feature-resize". */
export const xenfb_resize: Struct<typeof xenfbResize> = struct('xenfb_resize', xenfbResize)
export const XENFB_OUT_EVENT_SIZE = 40
const xenfbOutEvent = {
  union: {
    type: 'u8',
    update: xenfb_update as typeof xenfb_update,
    resize: xenfb_resize as typeof xenfb_resize,
    pad: ['u8', 40],
  },
} as const
export const xenfb_out_event: Struct<typeof xenfbOutEvent> = struct('xenfb_out_event', xenfbOutEvent)

// Type of the only event into the guest; a period of NO_REFRESH means that nobody looks.
export const XENFB_TYPE_REFRESH_PERIOD = 1
export const XENFB_NO_REFRESH = 0
const xenfbRefreshPeriod = { type: 'u8', period: 'u32' } as const
/** `period` in ms. */
export const xenfb_refresh_period: Struct<typeof xenfbRefreshPeriod> = struct(
  'xenfb_refresh_period',
  xenfbRefreshPeriod,
)
export const XENFB_IN_EVENT_SIZE = 40
const xenfbInEvent = {
  union: { type: 'u8', refresh_period: xenfb_refresh_period as typeof xenfb_refresh_period, pad: ['u8', 40] },
} as const
export const xenfb_in_event: Struct<typeof xenfbInEvent> = struct('xenfb_in_event', xenfbInEvent)

// Where the rings of events are in the page, in bytes, and how many events each holds.
export const XENFB_IN_RING_SIZE = 1024
export const XENFB_IN_RING_LEN = 25
export const XENFB_IN_RING_OFFS = 1024
export const XENFB_OUT_RING_SIZE = 2048
export const XENFB_OUT_RING_LEN = 51
export const XENFB_OUT_RING_OFFS = 2048

const xenfbPage = {
  in_cons: 'u32',
  in_prod: 'u32',
  out_cons: 'u32',
  out_prod: 'u32',
  width: 's32',
  height: 's32',
  line_length: 'u32',
  mem_length: 'u32',
  depth: 'u8',
  pd: ['u64', 256],
} as const
/** The page; `pd` holds frame numbers of pages full of the frame buffer's own frame numbers. */
export const xenfb_page: Struct<typeof xenfbPage> = struct('xenfb_page', xenfbPage)
