/** `xen/event_channel.h`: HYPERVISOR_event_channel_op and the pages of the FIFO ABI. */
import { type Struct, struct } from './struct.ts'

export const EVTCHNOP_bind_interdomain = 0
export const EVTCHNOP_bind_virq = 1
export const EVTCHNOP_bind_pirq = 2
export const EVTCHNOP_close = 3
export const EVTCHNOP_send = 4
export const EVTCHNOP_status = 5
export const EVTCHNOP_alloc_unbound = 6
export const EVTCHNOP_bind_ipi = 7
export const EVTCHNOP_bind_vcpu = 8
export const EVTCHNOP_unmask = 9
export const EVTCHNOP_reset = 10
export const EVTCHNOP_init_control = 11
export const EVTCHNOP_expand_array = 12
export const EVTCHNOP_set_priority = 13

const evtchnAllocUnbound = { dom: 'u16', remote_dom: 'u16', port: 'u32' } as const
/** A port that `remote_dom` may bind. IN: `dom`, `remote_dom`; OUT: `port`, in `dom`. Only dom0 for others than itself. */
export const evtchn_alloc_unbound: Struct<typeof evtchnAllocUnbound> = struct(
  'evtchn_alloc_unbound',
  evtchnAllocUnbound,
)
const evtchnBindInterdomain = { remote_dom: 'u16', remote_port: 'u32', local_port: 'u32' } as const
/** IN: `remote_dom`, `remote_port`, unbound and waiting for the caller; OUT: `local_port`, which starts pending. */
export const evtchn_bind_interdomain: Struct<typeof evtchnBindInterdomain> = struct(
  'evtchn_bind_interdomain',
  evtchnBindInterdomain,
)
const evtchnBindVirq = { virq: 'u32', vcpu: 'u32', port: 'u32' } as const
/** IN: `virq`, `vcpu` (0 for one that is global); OUT: `port`. -EEXIST if that virq has a port already. */
export const evtchn_bind_virq: Struct<typeof evtchnBindVirq> = struct('evtchn_bind_virq', evtchnBindVirq)
export const BIND_PIRQ__WILL_SHARE = 1
const evtchnBindPirq = { pirq: 'u32', flags: 'u32', port: 'u32' } as const
/** IN: `pirq`, `flags`; OUT: `port`. */
export const evtchn_bind_pirq: Struct<typeof evtchnBindPirq> = struct('evtchn_bind_pirq', evtchnBindPirq)
const evtchnBindIpi = { vcpu: 'u32', port: 'u32' } as const
/** IN: `vcpu`; OUT: `port`. */
export const evtchn_bind_ipi: Struct<typeof evtchnBindIpi> = struct('evtchn_bind_ipi', evtchnBindIpi)
const evtchnClose = { port: 'u32' } as const
/** IN: `port`; its far end, if any, falls back to unbound. */
export const evtchn_close: Struct<typeof evtchnClose> = struct('evtchn_close', evtchnClose)
const evtchnSend = { port: 'u32' } as const
/** IN: `port`. Succeeds in silence where nobody is bound. */
export const evtchn_send: Struct<typeof evtchnSend> = struct('evtchn_send', evtchnSend)

// evtchn_status.status
export const EVTCHNSTAT_closed = 0
export const EVTCHNSTAT_unbound = 1
export const EVTCHNSTAT_interdomain = 2
export const EVTCHNSTAT_pirq = 3
export const EVTCHNSTAT_virq = 4
export const EVTCHNSTAT_ipi = 5
const evtchnStatus = {
  dom: 'u16',
  port: 'u32',
  status: 'u32',
  vcpu: 'u32',
  u: { union: { unbound: { dom: 'u16' }, interdomain: { dom: 'u16', port: 'u32' }, pirq: 'u32', virq: 'u32' } },
} as const
/** IN: `dom`, `port`; OUT: `status`, `vcpu`, and of `u` the member for that status. */
export const evtchn_status: Struct<typeof evtchnStatus> = struct('evtchn_status', evtchnStatus)
const evtchnBindVcpu = { port: 'u32', vcpu: 'u32' } as const
/** IN: which vCPU is to be told of events on `port`. */
export const evtchn_bind_vcpu: Struct<typeof evtchnBindVcpu> = struct('evtchn_bind_vcpu', evtchnBindVcpu)
const evtchnUnmask = { port: 'u32' } as const
/** IN: `port`; raised again if it is pending. */
export const evtchn_unmask: Struct<typeof evtchnUnmask> = struct('evtchn_unmask', evtchnUnmask)
const evtchnReset = { dom: 'u16' } as const
/** IN: `dom`, all of whose ports are closed; also leaves the FIFO ABI. */
export const evtchn_reset: Struct<typeof evtchnReset> = struct('evtchn_reset', evtchnReset)
const evtchnInitControl = { control_gfn: 'u64', offset: 'u32', vcpu: 'u32', link_bits: 'u8', _pad: ['u8', 7] } as const
/** Enters the FIFO ABI on one vCPU. IN: page and offset of its control block; OUT: `link_bits`. */
export const evtchn_init_control: Struct<typeof evtchnInitControl> = struct('evtchn_init_control', evtchnInitControl)
const evtchnExpandArray = { array_gfn: 'u64' } as const
/** IN: a page for the next 1024 event words. */
export const evtchn_expand_array: Struct<typeof evtchnExpandArray> = struct('evtchn_expand_array', evtchnExpandArray)
const evtchnSetPriority = { port: 'u32', priority: 'u32' } as const
/** IN: `priority` from EVTCHN_FIFO_PRIORITY_MAX, the most urgent, to EVTCHN_FIFO_PRIORITY_MIN. */
export const evtchn_set_priority: Struct<typeof evtchnSetPriority> = struct('evtchn_set_priority', evtchnSetPriority)

const evtchnOp = {
  cmd: 'u32',
  u: {
    union: {
      alloc_unbound: evtchn_alloc_unbound as typeof evtchn_alloc_unbound,
      bind_interdomain: evtchn_bind_interdomain as typeof evtchn_bind_interdomain,
      bind_virq: evtchn_bind_virq as typeof evtchn_bind_virq,
      bind_pirq: evtchn_bind_pirq as typeof evtchn_bind_pirq,
      bind_ipi: evtchn_bind_ipi as typeof evtchn_bind_ipi,
      close: evtchn_close as typeof evtchn_close,
      send: evtchn_send as typeof evtchn_send,
      status: evtchn_status as typeof evtchn_status,
      bind_vcpu: evtchn_bind_vcpu as typeof evtchn_bind_vcpu,
      unmask: evtchn_unmask as typeof evtchn_unmask,
    },
  },
} as const
/** The argument of HYPERVISOR_event_channel_op_compat. */
export const evtchn_op: Struct<typeof evtchnOp> = struct('evtchn_op', evtchnOp)

/** Ports of the two-level ABI: one bit each in shared_info. */
export const EVTCHN_2L_NR_CHANNELS = 4096

// The FIFO ABI: priorities, and bit numbers in an event word.
export const EVTCHN_FIFO_PRIORITY_MAX = 0
export const EVTCHN_FIFO_PRIORITY_DEFAULT = 7
export const EVTCHN_FIFO_PRIORITY_MIN = 15
export const EVTCHN_FIFO_MAX_QUEUES = 16
export const EVTCHN_FIFO_PENDING = 31
export const EVTCHN_FIFO_MASKED = 30
export const EVTCHN_FIFO_LINKED = 29
export const EVTCHN_FIFO_BUSY = 28
export const EVTCHN_FIFO_LINK_BITS = 17
export const EVTCHN_FIFO_LINK_MASK = 0x1ffff
export const EVTCHN_FIFO_NR_CHANNELS = 0x20000
const evtchnFifoControlBlock = { ready: 'u32', _rsvd: 'u32', head: ['u32', 16] } as const
/** Per vCPU. `ready` has a bit for each queue that is not empty; `head` the first port of each queue. */
export const evtchn_fifo_control_block: Struct<typeof evtchnFifoControlBlock> = struct(
  'evtchn_fifo_control_block',
  evtchnFifoControlBlock,
)
