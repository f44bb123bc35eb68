/** `xen/pmu.h`: HYPERVISOR_xenpmu_op, which a guest calls once to learn whether there is a PMU. */
import { type Struct, struct } from './struct.ts'

export const XENPMU_VER_MAJ = 0
export const XENPMU_VER_MIN = 1
export const XENPMU_mode_get = 0
export const XENPMU_mode_set = 1
export const XENPMU_feature_get = 2
export const XENPMU_feature_set = 3
export const XENPMU_init = 4
export const XENPMU_finish = 5
export const XENPMU_lvtpc_set = 6
export const XENPMU_flush = 7
const xenPmuParams = { version: { maj: 'u32', min: 'u32' }, val: 'u64', vcpu: 'u32', pad: 'u32' } as const
export const xen_pmu_params: Struct<typeof xenPmuParams> = struct('xen_pmu_params', xenPmuParams)

export const XENPMU_MODE_OFF = 0
export const XENPMU_MODE_SELF = 1
export const XENPMU_MODE_HV = 2
export const XENPMU_MODE_ALL = 4
export const XENPMU_FEATURE_INTEL_BTS = 1
export const XENPMU_FEATURE_IPC_ONLY = 2
export const XENPMU_FEATURE_ARCH_ONLY = 4
