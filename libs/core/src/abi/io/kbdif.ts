/** `xen/io/kbdif.h`: the page of a PV keyboard, mouse and touch screen. */
import { type Struct, struct } from '../struct.ts'

// Type of an event into the guest.
export const XENKBD_TYPE_MOTION = 1
export const XENKBD_TYPE_RESERVED = 2
export const XENKBD_TYPE_KEY = 3
export const XENKBD_TYPE_POS = 4
export const XENKBD_TYPE_MTOUCH = 5
const xenkbdMotion = { type: 'u8', rel_x: 's32', rel_y: 's32', rel_z: 's32' } as const
/** Relative; `rel_z` is the wheel. */
export const xenkbd_motion: Struct<typeof xenkbdMotion> = struct('xenkbd_motion', xenkbdMotion)
const xenkbdKey = { type: 'u8', pressed: 'u8', keycode: 'u32' } as const
/** `keycode` is one of Linux's KEY_* or BTN_*. */
export const xenkbd_key: Struct<typeof xenkbdKey> = struct('xenkbd_key', xenkbdKey)
const xenkbdPosition = { type: 'u8', abs_x: 's32', abs_y: 's32', rel_z: 's32' } as const
/** In pixels, from the top left; `rel_z` is the wheel. Only if the front-end has set "request-abs-pointer". */
export const xenkbd_position: Struct<typeof xenkbdPosition> = struct('xenkbd_position', xenkbdPosition)
// xenkbd_mtouch.event_type
export const XENKBD_MT_EV_DOWN = 0
export const XENKBD_MT_EV_UP = 1
export const XENKBD_MT_EV_MOTION = 2
export const XENKBD_MT_EV_SYN = 3
export const XENKBD_MT_EV_SHAPE = 4
export const XENKBD_MT_EV_ORIENT = 5
const xenkbdMtouch = {
  type: 'u8',
  event_type: 'u8',
  contact_id: 'u8',
  reserved: ['u8', 5],
  u: { union: { pos: { abs_x: 's32', abs_y: 's32' }, shape: { major: 'u32', minor: 'u32' }, orientation: 's16' } },
} as const
export const xenkbd_mtouch: Struct<typeof xenkbdMtouch> = struct('xenkbd_mtouch', xenkbdMtouch)
export const XENKBD_IN_EVENT_SIZE = 40
export const XENKBD_OUT_EVENT_SIZE = 40
const xenkbdInEvent = {
  union: {
    type: 'u8',
    motion: xenkbd_motion as typeof xenkbd_motion,
    key: xenkbd_key as typeof xenkbd_key,
    pos: xenkbd_position as typeof xenkbd_position,
    mtouch: xenkbd_mtouch as typeof xenkbd_mtouch,
    pad: ['u8', 40],
  },
} as const
export const xenkbd_in_event: Struct<typeof xenkbdInEvent> = struct('xenkbd_in_event', xenkbdInEvent)
const xenkbdOutEvent = { union: { type: 'u8', pad: ['u8', 40] } } as const
/** No such event was ever defined. */
export const xenkbd_out_event: Struct<typeof xenkbdOutEvent> = struct('xenkbd_out_event', xenkbdOutEvent)

// Where the rings of events are in the page, in bytes, and how many events each holds.
export const XENKBD_IN_RING_SIZE = 2048
export const XENKBD_IN_RING_LEN = 51
export const XENKBD_IN_RING_OFFS = 1024
export const XENKBD_OUT_RING_SIZE = 1024
export const XENKBD_OUT_RING_LEN = 25
export const XENKBD_OUT_RING_OFFS = 3072

const xenkbdPage = { in_cons: 'u32', in_prod: 'u32', out_cons: 'u32', out_prod: 'u32' } as const
/** The head of the page. */
export const xenkbd_page: Struct<typeof xenkbdPage> = struct('xenkbd_page', xenkbdPage)
