/** `xen/arch-x86/xen.h` and `xen-x86_64.h`: what a 64-bit PV guest sees of the processor. */
import { type Struct, struct } from '../struct.ts'

// Selectors into the hypervisor's part of every GDT, all of ring 3: kernel and user of a PV guest run there.
export const FLAT_RING3_CS32 = 0xe023
export const FLAT_RING3_CS64 = 0xe033
export const FLAT_RING3_DS32 = 0xe02b
export const FLAT_RING3_DS64 = 0
export const FLAT_RING3_SS32 = 0xe02b
export const FLAT_RING3_SS64 = 0xe02b
export const FLAT_KERNEL_DS64 = 0
export const FLAT_KERNEL_DS32 = 57387
export const FLAT_KERNEL_DS = 0
export const FLAT_KERNEL_CS64 = 57395
export const FLAT_KERNEL_CS32 = 57379
export const FLAT_KERNEL_CS = 57395
export const FLAT_KERNEL_SS64 = 57387
export const FLAT_KERNEL_SS32 = 57387
export const FLAT_KERNEL_SS = 57387
export const FLAT_USER_DS64 = 0
export const FLAT_USER_DS32 = 57387
export const FLAT_USER_DS = 0
export const FLAT_USER_CS64 = 57395
export const FLAT_USER_CS32 = 57379
export const FLAT_USER_CS = 57395
export const FLAT_USER_SS64 = 57387
export const FLAT_USER_SS32 = 57387
export const FLAT_USER_SS = 57387

/** The first entries of a GDT are the guest's, in pages of 512; those from here on are the hypervisor's. */
export const FIRST_RESERVED_GDT_PAGE = 14
export const FIRST_RESERVED_GDT_BYTE = 57344
export const FIRST_RESERVED_GDT_ENTRY = 7168

/** vCPUs whose vcpu_info is in shared_info to begin with. */
export const XEN_LEGACY_MAX_VCPUS = 32

// The hypervisor's virtual addresses: L4 slots 256 to 271; the first of them is the M2P, readable by guests.
export const HYPERVISOR_VIRT_START = -140737488355328
export const HYPERVISOR_VIRT_END = -131941395333120
export const MACH2PHYS_VIRT_START = -140737488355328
export const MACH2PHYS_VIRT_END = -140462610448384
/** Entries of the M2P: a u64 per machine frame. */
export const MACH2PHYS_NR_ENTRIES = 34359738368

// What HYPERVISOR_set_segment_base sets; the last takes a selector.
export const SEGBASE_FS = 0
export const SEGBASE_GS_USER = 1
export const SEGBASE_GS_KERNEL = 2
export const SEGBASE_GS_USER_SEL = 3

const trapInfo = { vector: 'u8', flags: 'u8', cs: 'u16', address: 'u64' } as const
/** One row of HYPERVISOR_set_trap_table; `address` 0 ends it. `flags`: bits 0 and 1 the DPL, bit 2 masks events. */
export const trap_info: Struct<typeof trapInfo> = struct('trap_info', trapInfo)

const iretContext = {
  rax: 'u64',
  r11: 'u64',
  rcx: 'u64',
  flags: 'u64',
  rip: 'u64',
  cs: 'u64',
  rflags: 'u64',
  rsp: 'u64',
  ss: 'u64',
} as const
/** What the kernel leaves on its stack for HYPERVISOR_iret. `flags`: VGCF_in_syscall, or 0 to restore RCX and R11 too. */
export const iret_context: Struct<typeof iretContext> = struct('iret_context', iretContext)

const cpuUserRegs = {
  r15: 'u64',
  r14: 'u64',
  r13: 'u64',
  r12: 'u64',
  rbp: 'u64',
  rbx: 'u64',
  r11: 'u64',
  r10: 'u64',
  r9: 'u64',
  r8: 'u64',
  rax: 'u64',
  rcx: 'u64',
  rdx: 'u64',
  rsi: 'u64',
  rdi: 'u64',
  error_code: 'u32',
  entry_vector: 'u32',
  rip: 'u64',
  cs: 'u16',
  _pad0: ['u16', 1],
  saved_upcall_mask: 'u8',
  _pad1: ['u8', 3],
  rflags: 'u64',
  rsp: 'u64',
  ss: 'u16',
  _pad2: ['u16', 3],
  es: 'u16',
  _pad3: ['u16', 3],
  ds: 'u16',
  _pad4: ['u16', 3],
  fs: 'u16',
  _pad5: ['u16', 3],
  gs: 'u16',
  _pad6: ['u16', 3],
} as const
/** General registers of a vCPU. The headers have more names for the parts of each register. */
export const cpu_user_regs: Struct<typeof cpuUserRegs> = struct('cpu_user_regs', cpuUserRegs)

// Bits of vcpu_guest_context.flags; in_syscall is for iret_context.flags.
export const VGCF_I387_VALID = 1
export const VGCF_IN_KERNEL = 4
export const _VGCF_i387_valid = 0
export const VGCF_i387_valid = 1
export const _VGCF_in_kernel = 2
export const VGCF_in_kernel = 4
export const _VGCF_failsafe_disables_events = 3
export const VGCF_failsafe_disables_events = 8
export const _VGCF_syscall_disables_events = 4
export const VGCF_syscall_disables_events = 0x10
export const _VGCF_online = 5
export const VGCF_online = 0x20
export const _VGCF_in_syscall = 8
export const VGCF_in_syscall = 0x100
export const VGCF_IN_SYSCALL = 256
const vcpuGuestContext = {
  fpu_ctxt: { x: ['u8', 512] },
  flags: 'u64',
  user_regs: cpu_user_regs as typeof cpu_user_regs,
  trap_ctxt: [trap_info as typeof trap_info, 256],
  ldt_base: 'u64',
  ldt_ents: 'u64',
  gdt_frames: ['u64', 16],
  gdt_ents: 'u64',
  kernel_ss: 'u64',
  kernel_sp: 'u64',
  ctrlreg: ['u64', 8],
  debugreg: ['u64', 8],
  event_callback_eip: 'u64',
  failsafe_callback_eip: 'u64',
  syscall_callback_eip: 'u64',
  vm_assist: 'u64',
  fs_base: 'u64',
  gs_base_kernel: 'u64',
  gs_base_user: 'u64',
} as const
/**
 * The whole state of a vCPU, for VCPUOP_initialise and the toolstack. `fpu_ctxt` is an FXSAVE image; `ctrlreg[1]` is the
 * user root, `ctrlreg[3]` the kernel's.
 */
export const vcpu_guest_context: Struct<typeof vcpuGuestContext> = struct('vcpu_guest_context', vcpuGuestContext)

const archVcpuInfo = { cr2: 'u64', pad: 'u64' } as const
/** The processor's part of vcpu_info: the address of the last page fault. */
export const arch_vcpu_info: Struct<typeof archVcpuInfo> = struct('arch_vcpu_info', archVcpuInfo)

const archSharedInfo = {
  max_pfn: 'u64',
  pfn_to_mfn_frame_list_list: 'u64',
  nmi_reason: 'u64',
  p2m_cr3: 'u64',
  p2m_vaddr: 'u64',
  p2m_generation: 'u64',
} as const
/** The processor's part of shared_info: how the toolstack finds the guest's p2m when it saves it. */
export const arch_shared_info: Struct<typeof archSharedInfo> = struct('arch_shared_info', archSharedInfo)

// Devices the hypervisor may emulate for an HVM domain.
export const _XEN_X86_EMU_LAPIC = 0
export const XEN_X86_EMU_LAPIC = 1
export const _XEN_X86_EMU_HPET = 1
export const XEN_X86_EMU_HPET = 2
export const _XEN_X86_EMU_PM = 2
export const XEN_X86_EMU_PM = 4
export const _XEN_X86_EMU_RTC = 3
export const XEN_X86_EMU_RTC = 8
export const _XEN_X86_EMU_IOAPIC = 4
export const XEN_X86_EMU_IOAPIC = 0x10
export const _XEN_X86_EMU_PIC = 5
export const XEN_X86_EMU_PIC = 0x20
export const _XEN_X86_EMU_VGA = 6
export const XEN_X86_EMU_VGA = 0x40
export const _XEN_X86_EMU_IOMMU = 7
export const XEN_X86_EMU_IOMMU = 0x80
export const _XEN_X86_EMU_PIT = 8
export const XEN_X86_EMU_PIT = 0x100
export const _XEN_X86_EMU_USE_PIRQ = 9
export const XEN_X86_EMU_USE_PIRQ = 0x200
export const _XEN_X86_EMU_VPCI = 10
export const XEN_X86_EMU_VPCI = 0x400
export const XEN_X86_EMU_ALL = 2047
export const XEN_X86_MSR_RELAXED = 1
export const XEN_X86_MISC_FLAGS_MAX = 1
const xenArchDomainconfig = { emulation_flags: 'u32', misc_flags: 'u32' } as const
export const xen_arch_domainconfig: Struct<typeof xenArchDomainconfig> = struct(
  'xen_arch_domainconfig',
  xenArchDomainconfig,
)

/** In `subleaf`, of a leaf that has none. */
export const XEN_CPUID_NO_SUBLEAF = 0xffffffff
const xenCpuidLeaf = { leaf: 'u32', subleaf: 'u32', a: 'u32', b: 'u32', c: 'u32', d: 'u32' } as const
/** One leaf of a CPU policy; `a` to `d` are EAX to EDX. */
export const xen_cpuid_leaf: Struct<typeof xenCpuidLeaf> = struct('xen_cpuid_leaf', xenCpuidLeaf)
const xenMsrEntry = { idx: 'u32', flags: 'u32', val: 'u64' } as const
/** One MSR of a CPU policy. */
export const xen_msr_entry: Struct<typeof xenMsrEntry> = struct('xen_msr_entry', xenMsrEntry)

/**
 * The bytes `ud2; .ascii "xen"` before an instruction that the hypervisor is to emulate, as a little-endian number.
 * @c none in the headers it is assembler text
 */
export const XEN_EMULATE_PREFIX = 0x6e65780b0f
