/** `xen/xen.h`: hypercall numbers and the structures a domain shares with the hypervisor. */
import { arch_shared_info, arch_vcpu_info } from './arch-x86/xen-x86-64.ts'
import { type Struct, struct } from './struct.ts'

// Hypercall numbers, in RAX.
export const __HYPERVISOR_set_trap_table = 0
export const __HYPERVISOR_mmu_update = 1
export const __HYPERVISOR_set_gdt = 2
export const __HYPERVISOR_stack_switch = 3
export const __HYPERVISOR_set_callbacks = 4
export const __HYPERVISOR_fpu_taskswitch = 5
export const __HYPERVISOR_sched_op_compat = 6
export const __HYPERVISOR_platform_op = 7
export const __HYPERVISOR_set_debugreg = 8
export const __HYPERVISOR_get_debugreg = 9
export const __HYPERVISOR_update_descriptor = 10
export const __HYPERVISOR_memory_op = 12
export const __HYPERVISOR_multicall = 13
export const __HYPERVISOR_update_va_mapping = 14
export const __HYPERVISOR_set_timer_op = 15
export const __HYPERVISOR_event_channel_op_compat = 16
export const __HYPERVISOR_xen_version = 17
export const __HYPERVISOR_console_io = 18
export const __HYPERVISOR_physdev_op_compat = 19
export const __HYPERVISOR_grant_table_op = 20
export const __HYPERVISOR_vm_assist = 21
export const __HYPERVISOR_update_va_mapping_otherdomain = 22
export const __HYPERVISOR_iret = 23
export const __HYPERVISOR_vcpu_op = 24
export const __HYPERVISOR_set_segment_base = 25
export const __HYPERVISOR_mmuext_op = 26
export const __HYPERVISOR_xsm_op = 27
export const __HYPERVISOR_nmi_op = 28
export const __HYPERVISOR_sched_op = 29
export const __HYPERVISOR_callback_op = 30
export const __HYPERVISOR_xenoprof_op = 31
export const __HYPERVISOR_event_channel_op = 32
export const __HYPERVISOR_physdev_op = 33
export const __HYPERVISOR_hvm_op = 34
export const __HYPERVISOR_sysctl = 35
export const __HYPERVISOR_domctl = 36
export const __HYPERVISOR_kexec_op = 37
export const __HYPERVISOR_tmem_op = 38
export const __HYPERVISOR_argo_op = 39
export const __HYPERVISOR_xenpmu_op = 40
export const __HYPERVISOR_dm_op = 41
export const __HYPERVISOR_hypfs_op = 42
export const __HYPERVISOR_arch_0 = 48
export const __HYPERVISOR_arch_1 = 49
export const __HYPERVISOR_arch_2 = 50
export const __HYPERVISOR_arch_3 = 51
export const __HYPERVISOR_arch_4 = 52
export const __HYPERVISOR_arch_5 = 53
export const __HYPERVISOR_arch_6 = 54
export const __HYPERVISOR_arch_7 = 55

// Virtual interrupts. TIMER, DEBUG, XENOPROF and XENPMU exist once per vCPU, the others once per domain.
export const VIRQ_TIMER = 0
export const VIRQ_DEBUG = 1
export const VIRQ_CONSOLE = 2
export const VIRQ_DOM_EXC = 3
export const VIRQ_TBUF = 4
export const VIRQ_DEBUGGER = 6
export const VIRQ_XENOPROF = 7
export const VIRQ_CON_RING = 8
export const VIRQ_PCPU_STATE = 9
export const VIRQ_MEM_EVENT = 10
export const VIRQ_ARGO = 11
export const VIRQ_ENOMEM = 12
export const VIRQ_XENPMU = 13
export const VIRQ_ARCH_0 = 16
export const VIRQ_ARCH_1 = 17
export const VIRQ_ARCH_2 = 18
export const VIRQ_ARCH_3 = 19
export const VIRQ_ARCH_4 = 20
export const VIRQ_ARCH_5 = 21
export const VIRQ_ARCH_6 = 22
export const VIRQ_ARCH_7 = 23
/** One more than the highest VIRQ number. */
export const NR_VIRQS = 24

// What the low two bits of mmu_update.ptr ask for.
export const MMU_NORMAL_PT_UPDATE = 0
export const MMU_MACHPHYS_UPDATE = 1
export const MMU_PT_UPDATE_PRESERVE_AD = 2
export const MMU_PT_UPDATE_NO_TRANSLATE = 3
const mmuUpdate = { ptr: 'u64', val: 'u64' } as const
/** One request of HYPERVISOR_mmu_update: a machine address with the command in its low bits, and what to store there. */
export const mmu_update: Struct<typeof mmuUpdate> = struct('mmu_update', mmuUpdate)

// Commands of HYPERVISOR_mmuext_op; 14 was never assigned.
export const MMUEXT_PIN_L1_TABLE = 0
export const MMUEXT_PIN_L2_TABLE = 1
export const MMUEXT_PIN_L3_TABLE = 2
export const MMUEXT_PIN_L4_TABLE = 3
export const MMUEXT_UNPIN_TABLE = 4
export const MMUEXT_NEW_BASEPTR = 5
export const MMUEXT_TLB_FLUSH_LOCAL = 6
export const MMUEXT_INVLPG_LOCAL = 7
export const MMUEXT_TLB_FLUSH_MULTI = 8
export const MMUEXT_INVLPG_MULTI = 9
export const MMUEXT_TLB_FLUSH_ALL = 10
export const MMUEXT_INVLPG_ALL = 11
export const MMUEXT_FLUSH_CACHE = 12
export const MMUEXT_SET_LDT = 13
export const MMUEXT_NEW_USER_BASEPTR = 15
export const MMUEXT_CLEAR_PAGE = 16
export const MMUEXT_COPY_PAGE = 17
export const MMUEXT_FLUSH_CACHE_GLOBAL = 18
export const MMUEXT_MARK_SUPER = 19
export const MMUEXT_UNMARK_SUPER = 20
const mmuextOp = {
  cmd: 'u32',
  arg1: { union: { mfn: 'u64', linear_addr: 'u64' } },
  arg2: { union: { nr_ents: 'u32', vcpumask: 'handle', src_mfn: 'u64' } },
} as const
/** One operation of HYPERVISOR_mmuext_op. Which arguments count depends on `cmd`. */
export const mmuext_op: Struct<typeof mmuextOp> = struct('mmuext_op', mmuextOp)

// Flags of HYPERVISOR_update_va_mapping: what to flush, and (or a pointer to a bitmap of vCPUs) on which vCPUs.
export const UVMF_NONE = 0
export const UVMF_TLB_FLUSH = 1
export const UVMF_INVLPG = 2
export const UVMF_FLUSHTYPE_MASK = 3
export const UVMF_MULTI = 0
export const UVMF_LOCAL = 0
export const UVMF_ALL = 4

// Commands of HYPERVISOR_console_io.
export const CONSOLEIO_write = 0
export const CONSOLEIO_read = 1

// Commands and types of HYPERVISOR_vm_assist.
export const VMASST_CMD_enable = 0
export const VMASST_CMD_disable = 1
export const VMASST_TYPE_4gb_segments = 0
export const VMASST_TYPE_4gb_segments_notify = 1
export const VMASST_TYPE_writable_pagetables = 2
export const VMASST_TYPE_pae_extended_cr3 = 3
export const VMASST_TYPE_architectural_iopl = 4
export const VMASST_TYPE_runstate_update_flag = 5
export const VMASST_TYPE_m2p_strict = 32

// Domain ids. Guests have 0 to DOMID_FIRST_RESERVED - 1; the others name somebody where a domid is asked for.
export const DOMID_FIRST_RESERVED = 0x7ff0
export const DOMID_SELF = 0x7ff0
export const DOMID_IO = 0x7ff1
export const DOMID_XEN = 0x7ff2
export const DOMID_COW = 0x7ff3
export const DOMID_INVALID = 0x7ff4
export const DOMID_IDLE = 0x7fff
export const DOMID_MASK = 0x7fff

const multicallEntry = { op: 'u64', result: 'u64', args: ['u64', 6] } as const
/** One call of HYPERVISOR_multicall. OUT: `result`, what the call would have returned in RAX. */
export const multicall_entry: Struct<typeof multicallEntry> = struct('multicall_entry', multicallEntry)

// Bits of vcpu_time_info.flags.
export const XEN_PVCLOCK_TSC_STABLE_BIT = 1
export const XEN_PVCLOCK_GUEST_STOPPED = 2

const vcpuTimeInfo = {
  version: 'u32',
  pad0: 'u32',
  tsc_timestamp: 'u64',
  system_time: 'u64',
  tsc_to_system_mul: 'u32',
  tsc_shift: 's8',
  flags: 'u8',
  pad1: ['u8', 2],
} as const
/**
 * Guest time of one vCPU. `version` is odd while the hypervisor writes; ns since boot =
 * `system_time` + ((tsc - `tsc_timestamp`) shifted left by `tsc_shift`) * `tsc_to_system_mul` / 2^32.
 */
export const vcpu_time_info: Struct<typeof vcpuTimeInfo> = struct('vcpu_time_info', vcpuTimeInfo)

const vcpuInfo = {
  evtchn_upcall_pending: 'u8',
  evtchn_upcall_mask: 'u8',
  evtchn_pending_sel: 'u64',
  arch: arch_vcpu_info as typeof arch_vcpu_info,
  time: vcpu_time_info as typeof vcpu_time_info,
} as const
/** Event state and time of one vCPU; in shared_info until VCPUOP_register_vcpu_info moves it. */
export const vcpu_info: Struct<typeof vcpuInfo> = struct('vcpu_info', vcpuInfo)

const sharedInfo = {
  vcpu_info: [vcpu_info as typeof vcpu_info, 32],
  evtchn_pending: ['u64', 64],
  evtchn_mask: ['u64', 64],
  wc_version: 'u32',
  wc_sec: 'u32',
  wc_nsec: 'u32',
  wc_sec_hi: 'u32',
  arch: arch_shared_info as typeof arch_shared_info,
} as const
/** The page each domain shares with the hypervisor. Wall clock: `wc_*` is when guest time was 0, `wc_version` as above. */
export const shared_info: Struct<typeof sharedInfo> = struct('shared_info', sharedInfo)

export const MAX_GUEST_CMDLINE = 1024
const startInfo = {
  magic: ['char', 32],
  nr_pages: 'u64',
  shared_info: 'u64',
  flags: 'u32',
  store_mfn: 'u64',
  store_evtchn: 'u32',
  console: { union: { domU: { mfn: 'u64', evtchn: 'u32' }, dom0: { info_off: 'u32', info_size: 'u32' } } },
  pt_base: 'u64',
  nr_pt_frames: 'u64',
  mfn_list: 'u64',
  mod_start: 'u64',
  mod_len: 'u64',
  cmd_line: ['char', 1024],
  first_p2m_pfn: 'u64',
  nr_p2m_frames: 'u64',
} as const
/** What a new PV kernel finds at RSI. `shared_info` is a machine address; `pt_base`, `mfn_list`, `mod_start` are virtual. */
export const start_info: Struct<typeof startInfo> = struct('start_info', startInfo)

// Bits of start_info.flags.
export const SIF_PRIVILEGED = 1
export const SIF_INITDOMAIN = 2
export const SIF_MULTIBOOT_MOD = 4
export const SIF_MOD_START_PFN = 8
export const SIF_VIRT_P2M_4TOOLS = 0x10
export const SIF_PM_MASK = 0xff00

const xenMultibootModList = { mod_start: 'u32', mod_end: 'u32', cmdline: 'u32', pad: 'u32' } as const
/** One module of SIF_MULTIBOOT_MOD; addresses are physical, as a PV kernel counts them. */
export const xen_multiboot_mod_list: Struct<typeof xenMultibootModList> = struct(
  'xen_multiboot_mod_list',
  xenMultibootModList,
)

const xenctlBitmap = { bitmap: 'handle', nr_bits: 'u32' } as const
/** A bitmap in the memory of the toolstack. */
export const xenctl_bitmap: Struct<typeof xenctlBitmap> = struct('xenctl_bitmap', xenctlBitmap)
