import { E2BIG, EACCES, EFAULT, EINVAL, ENOSYS, EOPNOTSUPP, EPERM, ESRCH } from '../../abi/errno.ts'
import * as abi from '../../abi/xen.ts'
import { GuestCopy } from '../guest-handle.ts'
import type { CommandRow, HypercallHandler, HypercallRow } from '../table.ts'

const TOOLSTACK = "the toolstack's; domain 0 is no guest here"

function refused(nr: number, name: string, errno: number, because: string, handler?: HypercallHandler): HypercallRow {
  return { nr, name, callers: 'any', refused: { errno, because }, handler: handler ?? (() => -errno) }
}

/** `interface_version` of the header, its second word: a caller that was made for another Xen learns so first. */
const VERSIONS: Readonly<Record<number, number>> = {
  [abi.__HYPERVISOR_platform_op]: 0x0300_0001,
  [abi.__HYPERVISOR_sysctl]: 0x15,
  [abi.__HYPERVISOR_domctl]: 0x15,
}

function versioned(nr: number): HypercallHandler {
  const head = new GuestCopy(8)
  return ({ guest }, args) => {
    if (!head.copyFrom(guest, args.u64(0))) return -EFAULT
    return head.view.getUint32(4, true) === VERSIONS[nr] ? -EPERM : -EACCES
  }
}

/** Buffers of a dm_op at most. */
const DM_BUFFERS = 3

/** dm_op(domid, nr_bufs, bufs*): for the device model of another domain, which must be HVM. */
const dmOp: HypercallHandler = ({ domain, services }, args) => {
  if (args.u32(1) > DM_BUFFERS) return -E2BIG
  const domid = args.u32(0) & 0xffff
  if (domid === domain.domid || domid === abi.DOMID_SELF) return -EPERM
  return services.domains.get(domid) === undefined ? -ESRCH : -EINVAL
}

const row = (cmd: number, name: string, errno: number, because: string): CommandRow => ({
  cmd,
  name,
  refused: { errno, because },
})

const PROFILER = 'there is no profiler'
const XENOPROF: readonly string[] = [
  ...['init', 'reset_active_list', 'reset_passive_list', 'set_active', 'set_passive', 'reserve_counters', 'counter'],
  ...['setup_events', 'enable_virq', 'start', 'stop', 'disable_virq', 'release_counters', 'shutdown', 'get_buffer'],
  ...['set_backtrace', 'get_ibs_caps', 'ibs_counter'],
]

const xenoprof: HypercallRow = {
  ...refused(abi.__HYPERVISOR_xenoprof_op, 'xenoprof_op', EPERM, PROFILER),
  commands: XENOPROF.map((name, cmd) => row(cmd, name, EPERM, PROFILER)),
  handler: (_ctx, args) => (args.u32(0) < XENOPROF.length ? -EPERM : -EINVAL),
}

const PMU = 'there is no virtual PMU'
const XENPMU: readonly string[] = [
  ...['mode_get', 'mode_set', 'feature_get', 'feature_set', 'init', 'finish', 'lvtpc_set', 'flush'],
]
const HYPFS: readonly string[] = ['get_version', 'read', 'write_contents']
const ARGO: readonly string[] = ['register_ring', 'unregister_ring', 'sendv', 'notify']

/** Calls that are refused whatever they ask, as Xen refuses them to a domU. */
export const refusedOps: readonly HypercallRow[] = [
  refused(abi.__HYPERVISOR_platform_op, 'platform_op', EPERM, TOOLSTACK, versioned(abi.__HYPERVISOR_platform_op)),
  refused(abi.__HYPERVISOR_sysctl, 'sysctl', EPERM, TOOLSTACK, versioned(abi.__HYPERVISOR_sysctl)),
  refused(abi.__HYPERVISOR_domctl, 'domctl', EPERM, TOOLSTACK, versioned(abi.__HYPERVISOR_domctl)),
  refused(abi.__HYPERVISOR_kexec_op, 'kexec_op', EPERM, TOOLSTACK),
  refused(abi.__HYPERVISOR_arch_0, 'mca', EPERM, TOOLSTACK),
  refused(abi.__HYPERVISOR_arch_1, 'paging_domctl_cont', EOPNOTSUPP, TOOLSTACK),
  refused(abi.__HYPERVISOR_dm_op, 'dm_op', EINVAL, 'there is no device model for a PV domain', dmOp),
  {
    ...refused(abi.__HYPERVISOR_hypfs_op, 'hypfs_op', EPERM, TOOLSTACK),
    commands: HYPFS.map((name, cmd) => row(cmd, name, EPERM, TOOLSTACK)),
  },
  xenoprof,
  {
    ...refused(abi.__HYPERVISOR_xenpmu_op, 'xenpmu_op', EOPNOTSUPP, PMU),
    commands: XENPMU.map((name, cmd) => row(cmd, name, EOPNOTSUPP, PMU)),
  },
  refused(abi.__HYPERVISOR_xsm_op, 'xsm_op', ENOSYS, 'built without XSM, as Debian builds Xen'),
  refused(abi.__HYPERVISOR_tmem_op, 'tmem_op', ENOSYS, 'gone since Xen 4.13'),
  {
    ...refused(abi.__HYPERVISOR_argo_op, 'argo_op', ENOSYS, 'built without Argo, as Debian builds Xen'),
    commands: ARGO.map((name, i) => row(i + 1, name, ENOSYS, 'built without Argo')),
  },
]
