/** `xen/vcpu.h`: HYPERVISOR_vcpu_op. */
import { type Struct, struct } from './struct.ts'

export const VCPUOP_initialise = 0
export const VCPUOP_up = 1
export const VCPUOP_down = 2
export const VCPUOP_is_up = 3
export const VCPUOP_get_runstate_info = 4
export const VCPUOP_register_runstate_memory_area = 5
export const VCPUOP_set_periodic_timer = 6
export const VCPUOP_stop_periodic_timer = 7
export const VCPUOP_set_singleshot_timer = 8
export const VCPUOP_stop_singleshot_timer = 9
export const VCPUOP_register_vcpu_info = 10
export const VCPUOP_send_nmi = 11
export const VCPUOP_get_physid = 12
export const VCPUOP_register_vcpu_time_memory_area = 13

export const RUNSTATE_running = 0
export const RUNSTATE_runnable = 1
export const RUNSTATE_blocked = 2
export const RUNSTATE_offline = 3
/** In `state_entry_time`, while the hypervisor writes, if VMASST_TYPE_runstate_update_flag is on. */
export const XEN_RUNSTATE_UPDATE = 0x8000000000000000n
const vcpuRunstateInfo = { state: 's32', state_entry_time: 'u64', time: ['u64', 4] } as const
/** Times in ns of guest time; `time` is indexed by RUNSTATE_*. */
export const vcpu_runstate_info: Struct<typeof vcpuRunstateInfo> = struct('vcpu_runstate_info', vcpuRunstateInfo)
const vcpuRegisterRunstateMemoryArea = { addr: { union: { h: 'handle', v: 'handle', p: 'u64' } } } as const
/** IN: a vcpu_runstate_info at this virtual address from now on. */
export const vcpu_register_runstate_memory_area: Struct<typeof vcpuRegisterRunstateMemoryArea> = struct(
  'vcpu_register_runstate_memory_area',
  vcpuRegisterRunstateMemoryArea,
)

const vcpuSetPeriodicTimer = { period_ns: 'u64' } as const
export const vcpu_set_periodic_timer: Struct<typeof vcpuSetPeriodicTimer> = struct(
  'vcpu_set_periodic_timer',
  vcpuSetPeriodicTimer,
)
const vcpuSetSingleshotTimer = { timeout_abs_ns: 'u64', flags: 'u32' } as const
/** IN: absolute guest time. */
export const vcpu_set_singleshot_timer: Struct<typeof vcpuSetSingleshotTimer> = struct(
  'vcpu_set_singleshot_timer',
  vcpuSetSingleshotTimer,
)
/** Answer -ETIME for a time that is past, instead of a VIRQ_TIMER at once. */
export const _VCPU_SSHOTTMR_future = 0
export const VCPU_SSHOTTMR_future = 1

const vcpuRegisterVcpuInfo = { mfn: 'u64', offset: 'u32', rsvd: 'u32' } as const
/** IN: move the vCPU's vcpu_info to `offset` of this frame; once in its life. */
export const vcpu_register_vcpu_info: Struct<typeof vcpuRegisterVcpuInfo> = struct(
  'vcpu_register_vcpu_info',
  vcpuRegisterVcpuInfo,
)
const vcpuGetPhysid = { phys_id: 'u64' } as const
/** OUT: APIC id in bits 0 to 31, ACPI id above. */
export const vcpu_get_physid: Struct<typeof vcpuGetPhysid> = struct('vcpu_get_physid', vcpuGetPhysid)
const vcpuRegisterTimeMemoryArea = { addr: { union: { h: 'handle', v: 'handle', p: 'u64' } } } as const
/** IN: a vcpu_time_info at this virtual address from now on. */
export const vcpu_register_time_memory_area: Struct<typeof vcpuRegisterTimeMemoryArea> = struct(
  'vcpu_register_time_memory_area',
  vcpuRegisterTimeMemoryArea,
)
