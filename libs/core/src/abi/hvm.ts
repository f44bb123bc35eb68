/** `xen/hvm/hvm_op.h`, as far as a PV domain gets with HYPERVISOR_hvm_op; `xen/trace.h` has the size of one of its arrays. */
import { type Struct, struct } from './struct.ts'

const hvmParam = { domid: 'u16', pad: 'u16', index: 'u32', value: 'u64' } as const
export const xen_hvm_param: Struct<typeof hvmParam> = struct('xen_hvm_param', hvmParam)

export const HVMOP_pagetable_dying = 9
const hvmPagetableDying = { domid: 'u16', pad: ['u16', 3], gpa: 'u64' } as const
export const xen_hvm_pagetable_dying: Struct<typeof hvmPagetableDying> = struct(
  'xen_hvm_pagetable_dying',
  hvmPagetableDying,
)

export const HVMOP_get_time = 10
const hvmGetTime = { now: 'u64' } as const
export const xen_hvm_get_time: Struct<typeof hvmGetTime> = struct('xen_hvm_get_time', hvmGetTime)

export const HVMOP_xentrace = 11
const hvmXentrace = { event: 'u16', extra_bytes: 'u16', extra: ['u8', 28] } as const
export const xen_hvm_xentrace: Struct<typeof hvmXentrace> = struct('xen_hvm_xentrace', hvmXentrace)

export const HVMOP_get_mem_type = 15
const hvmGetMemType = { domid: 'u16', mem_type: 'u16', pad: ['u16', 2], pfn: 'u64' } as const
export const xen_hvm_get_mem_type: Struct<typeof hvmGetMemType> = struct('xen_hvm_get_mem_type', hvmGetMemType)
