import { EINVAL, ENOSYS, EOPNOTSUPP, EPERM, ESRCH } from '../../abi/errno.ts'
import { type Struct, struct } from '../../abi/struct.ts'
import { __HYPERVISOR_hvm_op } from '../../abi/xen.ts'
import { guestTime } from '../../time/system-time.ts'
import { type HypercallRow, refusedRow, type SubOpHandler, type SubOpRow } from '../table.ts'
import { isSelf } from '../whose.ts'

// Structures of xen/hvm/hvm_op.h, as far as a PV domain gets with them.
const hvmParam = { domid: 'u16', pad: 'u16', index: 'u32', value: 'u64' } as const
const xen_hvm_param: Struct<typeof hvmParam> = struct('xen_hvm_param', hvmParam)
const hvmGetTime = { now: 'u64' } as const
const xen_hvm_get_time: Struct<typeof hvmGetTime> = struct('xen_hvm_get_time', hvmGetTime)
const hvmXentrace = { event: 'u16', extra_bytes: 'u16', extra: ['u8', 28] } as const
const xen_hvm_xentrace: Struct<typeof hvmXentrace> = struct('xen_hvm_xentrace', hvmXentrace)
const hvmDomain = { domid: 'u16', a: 'u16', b: 'u16', c: 'u16', pfn: 'u64' } as const
const xen_hvm_domain: Struct<typeof hvmDomain> = struct('xen_hvm_get_mem_type', hvmDomain)

const getTime: SubOpHandler = ({ domain, clock }, { view }) => {
  xen_hvm_get_time.now.set(view, 0, guestTime(domain, clock))
  return 0
}

const memType: SubOpHandler = (ctx, { view }) => {
  const domid = xen_hvm_domain.domid.get(view, 0)
  if (isSelf(ctx, domid)) return -EINVAL
  return ctx.services.domains.get(domid) === undefined ? -ESRCH : -EPERM
}

const NOT_HVM = 'for HVM domains'
const GONE = 'became a dm_op'
const rows: SubOpRow[] = [
  { cmd: 10, name: 'get_time', arg: xen_hvm_get_time, copy: 'inout', handler: getTime },
  // Accepted, and no trace is kept.
  { cmd: 11, name: 'xentrace', arg: xen_hvm_xentrace, handler: () => 0 },
  refusedRow(0, 'set_param', EINVAL, NOT_HVM, xen_hvm_param),
  refusedRow(1, 'get_param', EINVAL, NOT_HVM, xen_hvm_param),
  refusedRow(2, 'set_pci_intx_level', ENOSYS, GONE),
  refusedRow(3, 'set_isa_irq_level', ENOSYS, GONE),
  refusedRow(4, 'set_pci_link_route', ENOSYS, GONE),
  refusedRow(5, 'flush_tlbs', EINVAL, NOT_HVM),
  refusedRow(9, 'pagetable_dying', EOPNOTSUPP, NOT_HVM, xen_hvm_domain),
  refusedRow(12, 'set_mem_access', ENOSYS, 'became a memory_op'),
  refusedRow(13, 'get_mem_access', ENOSYS, 'became a memory_op'),
  { ...refusedRow(15, 'get_mem_type', EINVAL, NOT_HVM, xen_hvm_domain), handler: memType },
  refusedRow(23, 'set_evtchn_upcall_vector', EINVAL, NOT_HVM),
  refusedRow(24, 'guest_request_vm_event', EINVAL, NOT_HVM),
  refusedRow(25, 'altp2m', EOPNOTSUPP, NOT_HVM),
]

/** hvm_op(op, arg*): what is left of it for a PV domain. */
export const hvmOp: HypercallRow = {
  nr: __HYPERVISOR_hvm_op,
  name: 'hvm_op',
  callers: 'any',
  subOps: { cmdArg: 0, pointerArg: 1, unknown: ENOSYS, rows },
}
