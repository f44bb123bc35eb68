import { EINVAL, ENOSYS } from '../../abi/errno.ts'
import * as abi from '../../abi/nmi.ts'
import { __HYPERVISOR_nmi_op } from '../../abi/xen.ts'
import type { HypercallRow, SubOpHandler, SubOpRow } from '../table.ts'

/** Each vCPU says where it takes its own. */
const register: SubOpHandler = ({ domain, vcpu, services }, { view }) => {
  const address = abi.xennmi_callback.handler_address.get(view, 0)
  if (BigInt.asUintN(64, BigInt.asIntN(48, address)) !== address) return -EINVAL
  return services.engine.setNmiCallback(domain.domid, vcpu, address)
}

const unregister: SubOpHandler = ({ domain, vcpu, services }) => services.engine.setNmiCallback(domain.domid, vcpu, 0n)

const rows: SubOpRow[] = [
  { cmd: abi.XENNMI_register_callback, name: 'register_callback', arg: abi.xennmi_callback, handler: register },
  { cmd: abi.XENNMI_unregister_callback, name: 'unregister_callback', handler: unregister },
]

export const nmiOp: HypercallRow = {
  nr: __HYPERVISOR_nmi_op,
  name: 'nmi_op',
  callers: 'any',
  subOps: { cmdArg: 0, pointerArg: 1, unknown: ENOSYS, rows },
}
