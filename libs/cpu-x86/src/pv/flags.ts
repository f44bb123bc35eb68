import { RF } from './resume-flag.ts'

/** Bits of RFLAGS (SDM vol. 1 figure 3-8) that entries to and returns from the guest's kernel look at. */
export const TF = 0x100n
export const IF = 0x200n
export const DF = 0x400n
export const IOPL = 0x3000n
export const NT = 0x4000n
export const VM = 0x20000n
export const AC = 0x40000n
/** AC, VM, RF, NT, TF: cleared on entry to a handler (xen/arch/x86/pv/traps.c, entry.S create_bounce_frame). */
export const CLEARED: bigint = AC | VM | RF | NT | TF
/** What RFLAGS can hold. */
export const POSSIBLE = 0x3f7fd7n
