import { EINVAL, ENOSYS } from '../../abi/errno.ts'
import * as abi from '../../abi/xen.ts'
import { DOMAIN } from '../../domain/domain-state.ts'
import type { HypercallRow } from '../table.ts'

/** Types a 64-bit PV domain may switch; those of 32-bit ones are accepted and mean nothing. */
const TYPES: ReadonlySet<number> = new Set([
  abi.VMASST_TYPE_4gb_segments,
  abi.VMASST_TYPE_4gb_segments_notify,
  abi.VMASST_TYPE_writable_pagetables,
  abi.VMASST_TYPE_pae_extended_cr3,
  abi.VMASST_TYPE_architectural_iopl,
  abi.VMASST_TYPE_runstate_update_flag,
  abi.VMASST_TYPE_m2p_strict,
])

/** vm_assist(cmd, type): sets or clears a bit of `DOMAIN.vmAssist`. */
export const vmAssist: HypercallRow = {
  nr: abi.__HYPERVISOR_vm_assist,
  name: 'vm_assist',
  callers: 'any',
  commands: [
    { cmd: abi.VMASST_CMD_enable, name: 'enable' },
    { cmd: abi.VMASST_CMD_disable, name: 'disable' },
  ],
  handler: ({ domain }, args) => {
    const type = args.u32(1)
    if (!TYPES.has(type)) return -EINVAL
    const bit = 1 << (type & 31)
    switch (args.u32(0)) {
      case abi.VMASST_CMD_enable:
        DOMAIN.vmAssist.or(domain.state.memory, 0, bit, type >> 5)
        return 0
      case abi.VMASST_CMD_disable:
        DOMAIN.vmAssist.clear(domain.state.memory, 0, bit, type >> 5)
        return 0
      default:
        return -ENOSYS
    }
  },
}
