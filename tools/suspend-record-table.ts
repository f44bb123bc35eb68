/** What becomes of each word that the hypervisor keeps for a domain when the domain is saved and restored elsewhere. */
export type Fate =
  /** Written to the record. */
  | 'saved'
  /** The restore makes it, of what is saved and of its own place. */
  | 'anew'
  /** A restored guest asks for it again by hypercall, as it did when it booted. */
  | 'guest'
  /** Means nothing while the domain stands still. */
  | 'passing'

/** Field, fate, and what it is or why. */
export type Row = readonly [field: string, fate: Fate, what: string]

export const DOMAIN_ROWS: readonly Row[] = [
  ['domid', 'anew', 'another number'],
  ['lifecycle', 'passing', 'shut down'],
  ['paused', 'passing', 'pauses by domain 0, which end or not'],
  ['shutdownReason', 'passing', 'suspend'],
  ['suspendRecord', 'saved', 'gmfn of start_info as the guest gives it; its new one goes in RDX of vCPU 0'],
  ['nrVcpus', 'saved', ''],
  ['maxPages', 'saved', ''],
  ['totPages', 'anew', 'counts the frames that are placed'],
  ['sharedInfoFrame', 'anew', 'its machine address is told in start_info; the frame is saved with the frames'],
  ['vmAssist', 'saved', ''],
  ['options', 'saved', 'virtual clock or not'],
  ['handle', 'saved', 'UUID'],
  ['timeOffset', 'saved', "with the hypervisor's time: guest time goes on from where it was"],
  ['idleTime', 'saved', 'virtual clock'],
  ['wallclock', 'anew', 'so that the time of day is right again; saved with a virtual clock'],
  ['watchdogs', 'guest', 'one that runs out meanwhile is off'],
  ['grantLock', 'passing', 'free'],
  ['fifoLock', 'passing', 'free'],
  ['pageLock', 'passing', 'free'],
  ['pollers', 'passing', 'a poll ends by a restore'],
  ['rendezvous', 'passing', ''],
  ['outside', 'passing', 'waits in domain 0 until the domain goes on'],
  ['turn', 'saved', 'virtual clock'],
  ['turnEnd', 'saved', 'virtual clock'],
  ['hashEvery', 'passing', "the toolstack's"],
  ['arrived', 'saved', 'virtual clock: events that wait for their place in the order'],
  ['arrivals', 'saved', 'virtual clock'],
  ['validPorts', 'guest', ''],
  ['fifo', 'guest', 'EVTCHNOP_init_control'],
  ['nrFifoFrames', 'guest', ''],
  ['fifoFrames', 'guest', 'EVTCHNOP_expand_array'],
  ['pirqEoiFrame', 'guest', ''],
  ['vcpus', 'saved', 'see VCPU'],
  ['channels', 'guest', 'see CHANNEL'],
  ['nrGrantFrames', 'guest', 'GNTTABOP_setup_table'],
  ['maxGrantFrames', 'saved', ''],
  ['grantFrames', 'guest', 'the frames are saved with the frames; the guest has unmapped them'],
  ['activeGrants', 'guest', 'see ACTIVE_GRANT'],
  ['nrE820', 'saved', 'XENMEM_set_memory_map'],
  ['e820', 'saved', 'see E820'],
]

export const VCPU_ROWS: readonly Row[] = [
  ['flags', 'saved', 'initialised, up, NMI pending; a block or poll ends by a restore'],
  ['pcpu', 'passing', 'none: -1'],
  ['polling', 'passing', ''],
  ['infoFrame', 'guest', 'VCPUOP_register_vcpu_info; vcpu_info itself is in a frame'],
  ['infoOffset', 'guest', ''],
  ['runstate', 'anew', ''],
  ['runstateEntry', 'anew', ''],
  ['runstateTime', 'anew', 'Linux adds up what it had before'],
  ['runstateArea', 'guest', 'VCPUOP_register_runstate_memory_area'],
  ['timeArea', 'guest', 'VCPUOP_register_vcpu_time_memory_area'],
  ['periodicPeriod', 'guest', 'VCPUOP_set_periodic_timer'],
  ['periodicNext', 'guest', ''],
  ['singleshot', 'guest', 'VCPUOP_set_singleshot_timer'],
  ['controlFrame', 'guest', 'EVTCHNOP_init_control'],
  ['controlOffset', 'guest', ''],
  ['queueTails', 'guest', ''],
  ['pollTimeout', 'passing', ''],
  ['virqPorts', 'guest', 'EVTCHNOP_bind_virq'],
  ['iopl', 'saved', 'in RFLAGS, as Xen does it'],
  ['iobitmapPorts', 'guest', ''],
  ['iobitmap', 'guest', 'PHYSDEVOP_set_iobitmap'],
]

export const CHANNEL_ROWS: readonly Row[] = [
  ['binding', 'guest', 'all closed but the store and the console, which the restore opens'],
  ['vcpu', 'guest', ''],
  ['queue', 'guest', ''],
]

export const GRANT_ROWS: readonly Row[] = [
  ['gmfn', 'guest', 'the restore makes the entries of the store and the console'],
  ['readers', 'guest', ''],
  ['writers', 'guest', ''],
  ['by', 'guest', ''],
]

export const E820_ROWS: readonly Row[] = [
  ['addr', 'saved', ''],
  ['size', 'saved', ''],
  ['type', 'saved', ''],
]

export const CPU_ROWS: readonly Row[] = [
  ['GPR', 'saved', 'rax rcx rdx rbx rsp rbp rsi rdi r8 to r15'],
  ['RIP', 'saved', 'behind the hypercall'],
  ['FZ', 'saved', 'RFLAGS.ZF'],
  ['FS', 'saved', 'RFLAGS.SF and PF'],
  ['FC', 'saved', 'RFLAGS.CF, OF and AF'],
  ['DF', 'saved', 'RFLAGS.DF'],
  ['FSBASE', 'saved', ''],
  ['GSBASE', 'saved', 'of the mode the vCPU is in'],
  ['RFLAGS', 'saved', 'the other flags'],
  ['PAGE_VA', 'passing', 'set at each entry'],
  ['ZERO', 'anew', ''],
  ['ICOUNT', 'saved', 'virtual clock: time is made of it'],
  ['LIMIT', 'passing', ''],
  ['COUNT', 'passing', ''],
  ['REC', 'passing', ''],
  ['ROOT', 'anew', 'of the mode and its root'],
  ['TLB', 'anew', 'of the mode'],
  ['XTLB', 'anew', ''],
  ['USER', 'saved', 'VGCF_in_kernel'],
  ['PHYSMAP', 'anew', ''],
  ['NR_GMFNS', 'anew', ''],
  ['M2P', 'anew', ''],
  ['M2P_BYTES', 'anew', ''],
  ['FRAME_FLAGS', 'anew', ''],
  ['CODE_TABLES', 'anew', ''],
  ['ARENA_NEXT', 'anew', 'no translated code'],
  ['ARENA_END', 'anew', ''],
  ['VECTOR', 'passing', ''],
  ['ERROR', 'passing', ''],
  ['ADDRESS', 'passing', ''],
  ['ARENA_START', 'anew', ''],
  ['KICK', 'passing', ''],
  ['COMPAT', 'anew', 'of CS'],
  ['RESULT', 'passing', ''],
  ['FENCE', 'passing', ''],
  ['SAFEPOINT_ASKED', 'passing', ''],
  ['SAFEPOINT_DONE', 'passing', ''],
  ['IN_GUEST', 'passing', '0'],
  ['TRAP', 'passing', ''],
  ['CODE_STALE', 'passing', ''],
  ['FREE_TABLES', 'anew', ''],
  ['OTHERS', 'anew', ''],
  ['ALONE_LOCK', 'passing', 'free'],
  ['NEXT_REGION', 'anew', ''],
  ['CODE_EPOCH', 'passing', ''],
  ['CODE_LOCK', 'passing', 'free'],
  ['NO_FPU', 'saved', 'CR0.TS'],
  ['SELECTOR_ES', 'saved', ''],
  ['SELECTOR_CS', 'saved', ''],
  ['SELECTOR_SS', 'saved', ''],
  ['SELECTOR_DS', 'saved', ''],
  ['SELECTOR_FS', 'saved', ''],
  ['SELECTOR_GS', 'saved', ''],
  ['TSC_TRAPS', 'anew', 'of the clock and CR4.TSD'],
  ['X87_IP', 'passing', 'FIP and FDP are in FX'],
  ['X87_DP', 'passing', ''],
  ['FX', 'saved', 'x87, MXCSR and xmm0 to 15 as FXSAVE has them: 512 bytes'],
  ['MXCSR', 'saved', 'in FX'],
  ['XMM', 'saved', 'in FX'],
  ['BOUNCE', 'passing', ''],
]

export const PV_ROWS: readonly Row[] = [
  ['KERNEL_ROOT', 'saved', 'CR3, as a pfn'],
  ['USER_ROOT', 'saved', 'CR3 of user mode, as a pfn'],
  ['KERNEL_SS', 'saved', 'HYPERVISOR_stack_switch'],
  ['KERNEL_SP', 'saved', ''],
  ['GS_KERNEL', 'saved', 'stale in kernel mode, where GSBASE is it'],
  ['GS_USER', 'saved', 'stale in user mode'],
  ['CALLBACKS', 'saved', 'event, failsafe, syscall, sysenter, NMI and the 32-bit ones'],
  ['CALLBACK_MASKS', 'saved', ''],
  ['GDT_ENTRIES', 'saved', ''],
  ['LDT_ENTRIES', 'saved', ''],
  ['LDT_BASE', 'saved', ''],
  ['GDT_FRAMES', 'saved', 'as pfns'],
  ['DEBUG', 'saved', 'DR0 to DR7'],
  ['CMOS_INDEX', 'saved', 'port 0x70; Xen forgets it'],
  ['PCI_ADDRESS', 'saved', 'port 0xcf8; Xen forgets it'],
  ['USER_CACHED', 'passing', ''],
  ['MCG_STATUS', 'saved', ''],
  ['CR4', 'saved', ''],
  ['RESUME_AT', 'saved', 'an instruction whose breakpoint was reported'],
  ['IO_BREAKPOINTS', 'saved', 'in DR7'],
  ['HELD_DEBUG', 'saved', 'DR6 after a load of SS'],
  ['SS_LOADED_AT', 'saved', ''],
  ['NMI_MASKED', 'saved', ''],
  ['TRAPS', 'saved', 'the trap table: 256 entries of 16 bytes'],
]

export const PAGE_HEADER_ROWS: readonly Row[] = [
  ['EPOCH', 'anew', 'no TLB holds anything'],
  ['DYING_HEAD', 'anew', 'what waits to be taken apart has no type any more'],
]

export const PAGE_VCPU_ROWS: readonly Row[] = [
  ['KERNEL_ROOT', 'saved', 'by PV.KERNEL_ROOT: the reference is taken anew'],
  ['USER_ROOT', 'saved', 'by PV.USER_ROOT'],
  ['LDT_LOW', 'saved', 'by PV.LDT_BASE'],
  ['LDT_HIGH', 'saved', ''],
  ['LDT_ENTRIES', 'saved', 'by PV.LDT_ENTRIES'],
  ['GDT_ENTRIES', 'saved', 'by PV.GDT_ENTRIES'],
  ['GDT_FRAMES', 'saved', 'by PV.GDT_FRAMES'],
  ['LDT_FRAMES', 'anew', 'a page is typed when a selector of it is first used'],
]

export const PAGE_FRAME_ROWS: readonly Row[] = [
  ['INFO', 'saved', 'the type of page tables and whether they are pinned; the flags of validation are made anew'],
  ['TYPE_COUNT', 'anew', 'by pinning and by loading roots'],
  ['REF_COUNT', 'anew', ''],
  ['STAMP', 'anew', ''],
  ['LINEAR', 'anew', 'linear page tables, by validation'],
]
