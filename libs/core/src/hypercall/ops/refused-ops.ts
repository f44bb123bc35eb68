import { ENOSYS, EOPNOTSUPP } from '../../abi/errno.ts'
import * as abi from '../../abi/xen.ts'
import type { HypercallRow } from '../table.ts'

/** Calls of a toolstack or of domain 0, which here is no guest: -EPERM to every guest. */
const PRIVILEGED: readonly (readonly [number, string])[] = [
  [abi.__HYPERVISOR_platform_op, 'platform_op'],
  [abi.__HYPERVISOR_sysctl, 'sysctl'],
  [abi.__HYPERVISOR_domctl, 'domctl'],
  [abi.__HYPERVISOR_kexec_op, 'kexec_op'],
  [abi.__HYPERVISOR_dm_op, 'dm_op'],
  [abi.__HYPERVISOR_hypfs_op, 'hypfs_op'],
  [abi.__HYPERVISOR_xenoprof_op, 'xenoprof_op'],
]

/** Rows that refuse in a way a guest understands; what is in no row at all answers -ENOSYS. */
export const refusedOps: readonly HypercallRow[] = [
  ...PRIVILEGED.map(([nr, name]): HypercallRow => ({ nr, name, callers: 'privileged', handler: () => -ENOSYS })),
  // There is no virtual PMU, and this is how Xen says so.
  { nr: abi.__HYPERVISOR_xenpmu_op, name: 'xenpmu_op', callers: 'any', handler: () => -EOPNOTSUPP },
]
