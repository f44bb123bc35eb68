import { EINVAL, ENOSYS, EOPNOTSUPP, EPERM, ESRCH } from '../../abi/errno.ts'
import {
  HVMOP_get_mem_type,
  HVMOP_get_time,
  HVMOP_pagetable_dying,
  HVMOP_xentrace,
  xen_hvm_get_mem_type,
  xen_hvm_get_time,
  xen_hvm_pagetable_dying,
  xen_hvm_param,
  xen_hvm_xentrace,
} from '../../abi/hvm.ts'
import { __HYPERVISOR_hvm_op } from '../../abi/xen.ts'
import { guestTime } from '../../time/system-time.ts'
import { type HypercallRow, refusedRow, type SubOpHandler, type SubOpRow } from '../table.ts'
import { isSelf } from '../whose.ts'

const getTime: SubOpHandler = ({ domain, clock }, { view }) => {
  xen_hvm_get_time.now.set(view, 0, guestTime(domain, clock))
  return 0
}

const memType: SubOpHandler = (ctx, { view }) => {
  const domid = xen_hvm_get_mem_type.domid.get(view, 0)
  if (isSelf(ctx, domid)) return -EINVAL
  return ctx.services.domains.get(domid) === undefined ? -ESRCH : -EPERM
}

const NOT_HVM = 'for HVM domains'
const GONE = 'became a dm_op'
const rows: SubOpRow[] = [
  { cmd: HVMOP_get_time, name: 'get_time', arg: xen_hvm_get_time, copy: 'inout', handler: getTime },
  // Accepted, and no trace is kept.
  { cmd: HVMOP_xentrace, name: 'xentrace', arg: xen_hvm_xentrace, handler: () => 0 },
  refusedRow(0, 'set_param', EINVAL, NOT_HVM, xen_hvm_param),
  refusedRow(1, 'get_param', EINVAL, NOT_HVM, xen_hvm_param),
  refusedRow(2, 'set_pci_intx_level', ENOSYS, GONE),
  refusedRow(3, 'set_isa_irq_level', ENOSYS, GONE),
  refusedRow(4, 'set_pci_link_route', ENOSYS, GONE),
  refusedRow(5, 'flush_tlbs', EINVAL, NOT_HVM),
  refusedRow(HVMOP_pagetable_dying, 'pagetable_dying', EOPNOTSUPP, NOT_HVM, xen_hvm_pagetable_dying),
  refusedRow(12, 'set_mem_access', ENOSYS, 'became a memory_op'),
  refusedRow(13, 'get_mem_access', ENOSYS, 'became a memory_op'),
  { ...refusedRow(HVMOP_get_mem_type, 'get_mem_type', EINVAL, NOT_HVM, xen_hvm_get_mem_type), handler: memType },
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
