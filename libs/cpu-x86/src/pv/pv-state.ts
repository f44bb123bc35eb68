import { CPU } from '../state/layout.ts'

/**
 * What Xen keeps for a PV vCPU beyond its registers (xen/include/asm-x86/domain.h struct pv_vcpu): offsets from the vCPU's base, behind
 * the state of state/layout.ts, so that any worker can continue it.
 */
export const PV = {
  /** i32: gmfn of the root for kernel mode, and for user mode (0: none given). */
  KERNEL_ROOT: 0x1000,
  USER_ROOT: 0x1004,
  /** i32 and u64: stack for entries from user mode. */
  KERNEL_SS: 0x1008,
  KERNEL_SP: 0x1010,
  /** u64: GS bases of the two modes; the one of the current mode is in CPU.GSBASE and stale here. */
  GS_KERNEL: 0x1018,
  GS_USER: 0x1020,
  /** u64: entry points by callback type (CALLBACKTYPE_*), 0 none: eight of them. */
  CALLBACKS: 0x1028,
  /** i32: bit n: callback type n masks events. */
  CALLBACK_MASKS: 0x1068,
  /** i32: CR0.TS as the guest sees it. Translation looks at it too. */
  TASK_SWITCHED: CPU.NO_FPU,
  /** i32: selectors; instructions read them. */
  CS: CPU.SELECTOR_CS,
  SS: CPU.SELECTOR_SS,
  DS: CPU.SELECTOR_DS,
  ES: CPU.SELECTOR_ES,
  FS: CPU.SELECTOR_FS,
  GS: CPU.SELECTOR_GS,
  /** i32: number of descriptors; u64: base of the LDT. */
  GDT_ENTRIES: 0x1088,
  LDT_ENTRIES: 0x108c,
  LDT_BASE: 0x1090,
  /** i32: gmfns of the GDT's pages, 16. */
  GDT_FRAMES: 0x1098,
  /** u64: DR0..DR7. */
  DEBUG: 0x10d8,
  /** i32: last index latched at port 0x70, last address at 0xcf8. */
  CMOS_INDEX: 0x1118,
  PCI_ADDRESS: 0x111c,
  /** i32: 1 if the vCPU was in user mode since the user bank of its TLBs was emptied. */
  USER_CACHED: 0x1120,
  /** u64: the machine check status the guest keeps. */
  MCG_STATUS: 0x1128,
  /** i32: the guest's own bits of CR4. */
  CR4: 0x1124,
  /** u64: see resume-flag.ts. */
  RESUME_AT: 0x1150,
  /** i32: enable bits of DR7 for breakpoints on ports, which DR7 above has not. */
  IO_BREAKPOINTS: 0x1130,
  /** i32: bits of DR6 that an instruction which loaded SS is yet to report; u64: retired instructions after it, or 0. */
  HELD_DEBUG: 0x1134,
  SS_LOADED_AT: 0x1138,
  /** i32: 1 while NMIs are masked (VCPU_TRAP_NMI of async_exception_mask). */
  NMI_MASKED: 0x1140,
  /** i32: host address of the vcpu_info, 0 for none; set before translated code is entered. */
  VCPU_INFO: 0x1144,
  /** i32: faults of the run that may still be delivered without TypeScript (fast/), as they retire nothing. */
  FAULTS_LEFT: 0x1148,
  /** i32: of the domain's page types (mmu/page-info.ts), where the frames' records begin. */
  PAGE_RECORDS: 0x114c,
  /** i32: CODE_MAPS (mmu/page-info.ts) as it was when the execute TLBs were flushed last. */
  CODE_MAPS: 0x1158,
  /** i32: requests of the mmu_update under way that were done without TypeScript (fast/), which does the others. */
  ROWS_DONE: 0x115c,
  /** i32: IA32_SPEC_CTRL as the guest wrote it (speculation.ts). */
  SPEC_CTRL: 0x1160,
  /** Trap table: 256 entries {u64 address, i32 flags (trap_info.flags), i32 selector}. */
  TRAPS: 0x1200,
  TRAP_BYTES: 16,
} as const

/** Byte offset of arch.cr2 in a vcpu_info. */
export const CR2_IN_VCPU_INFO = 16

/** Bits of trap_info.flags (xen.h TI_GET_DPL, TI_GET_IF). */
export const TRAP_DPL = 3
export const TRAP_MASKS_EVENTS = 4

/** Exception vectors (SDM vol. 3 table 6-1). */
export const VECTOR = {
  DE: 0,
  DB: 1,
  NMI: 2,
  BP: 3,
  OF: 4,
  BR: 5,
  UD: 6,
  NM: 7,
  DF: 8,
  TS: 10,
  NP: 11,
  SS: 12,
  GP: 13,
  PF: 14,
  MF: 16,
  AC: 17,
  XM: 19,
} as const
