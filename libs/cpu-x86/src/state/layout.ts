/**
 * Where a vCPU's state lies in its domain's memory: byte offsets from the vCPU's base. Translated code, the cold tier's
 * records and TypeScript all use these; everything a worker needs to continue a vCPU is here, so any worker may run it.
 */
export const CPU = {
  /** rax rcx rdx rbx rsp rbp rsi rdi r8..r15, u64 each. */
  GPR: 0x000,
  RIP: 0x080,
  /** ZF is `FZ == 0`. */
  FZ: 0x088,
  /** SF is `FS < 0`; PF is even parity of the low byte of FS. */
  FS: 0x090,
  /** CF is bit 63; OF is bit 63 xor bit 62; AF is bit 3. */
  FC: 0x098,
  /** 0 clear, 1 set. */
  DF: 0x0a0,
  FSBASE: 0x0a8,
  GSBASE: 0x0b0,
  /** RFLAGS without the arithmetic flags and DF: TF, IF, IOPL, NT, AC, ID ... */
  RFLAGS: 0x0b8,
  /** Virtual address of the page of code being run; base of RIP-relative operands. */
  PAGE_VA: 0x0c0,
  /** Always 0: stands for an absent base or index. */
  ZERO: 0x0c8,
  /** Retired instructions since the vCPU was made, without those of the run in progress. */
  ICOUNT: 0x0d0,
  /** i32: leave at a jump once this many instructions were retired in the run; 0 is a kick from another thread. */
  LIMIT: 0x0d8,
  /** i32: instructions retired in the run in progress, valid outside translated code. */
  COUNT: 0x0dc,
  /** i32: current record. */
  REC: 0x0e0,
  /** i32: host address of the root page table in use. */
  ROOT: 0x0e4,
  /** i32: data TLB and execute TLB of the current mode. */
  TLB: 0x0e8,
  XTLB: 0x0ec,
  /** i32: 1 in user mode, 0 in kernel mode. */
  USER: 0x0f0,
  /** i32: table gmfn -> host address of its frame, 0 absent; and its length. */
  PHYSMAP: 0x0f4,
  NR_GMFNS: 0x0f8,
  /** i32: the machine-to-physical table as the guest sees it at 0xffff800000000000, and its bytes. */
  M2P: 0x0fc,
  M2P_BYTES: 0x100,
  /** i32: one byte a frame of the domain's memory, see FRAME. */
  FRAME_FLAGS: 0x104,
  /** i32: u32 a frame: its code table, 0 none. */
  CODE_TABLES: 0x108,
  /** i32: bump pointer and end of the translation arena. */
  ARENA_NEXT: 0x10c,
  ARENA_END: 0x110,
  /** i32: vector and error code of a FAULT exit; error code -1 for none. */
  VECTOR: 0x114,
  ERROR: 0x118,
  /** i64: faulting or asked-for address. */
  ADDRESS: 0x120,
  /** i32: start of the arena. */
  ARENA_START: 0x128,
  /** i32: set by whoever wants the vCPU to leave translated code; read once more after LIMIT was set. */
  KICK: 0x12c,
  /** i32: what `fill` has found no frame for last, at ADDRESS; 0 if it has found all since that was written here. */
  MISS: 0x130,
  /** i32: 1 while the code run is 32-bit (compatibility mode). */
  COMPAT: 0x134,
  /** i64: what a helper leaves for the definition that called it (an integer, RFLAGS bits), or is given beside its arguments. */
  RESULT: 0x138,
  /** i32: a word to order memory by; its value means nothing. */
  FENCE: 0x140,
  /** i32: safepoints asked for and done; whether translations are being used (mmu/safepoint.ts). */
  SAFEPOINT_ASKED: 0x148,
  SAFEPOINT_DONE: 0x14c,
  IN_GUEST: 0x150,
  /** i32: why a TRAP exit was made, a place in TRAP_KINDS. */
  TRAP: 0x144,
  /** i32: the vCPU is to drop all its translated code at the safepoint that is asked for. */
  CODE_STALE: 0x154,
  /** i32: first of the code tables that are free again, 0 none. */
  FREE_TABLES: 0x158,
  /** i32: 1 where other vCPUs of the domain may run meanwhile. */
  OTHERS: 0x15c,
  /** i32, of the domain's first vCPU only: a vCPU has all others out of the guest (mmu/alone.ts). */
  ALONE_LOCK: 0x160,
  /** i32: places in the function tables that regions of this vCPU have taken since all its code was dropped; and how often it was. */
  NEXT_REGION: 0x164,
  CODE_EPOCH: 0x168,
  /** i32, of the domain's first vCPU only: a vCPU changes which frames are watched for their code (mmu/code-frames.ts). */
  CODE_LOCK: 0x16c,
  /** i32: 1 while CR0.TS is set: instructions of x87, MMX and SSE are translated as ones that raise #NM. */
  NO_FPU: 0x180,
  /** i32: the segment selectors. */
  SELECTOR_ES: 0x184,
  SELECTOR_CS: 0x188,
  SELECTOR_SS: 0x18c,
  SELECTOR_DS: 0x190,
  SELECTOR_FS: 0x194,
  SELECTOR_GS: 0x198,
  /** i32: why rdtsc is for TypeScript, bits of TSC_TRAPS; 0 for the helper. */
  TSC_TRAPS: 0x19c,
  /** i32: version of the code table made last. */
  CODE_VERSION: 0x1a0,
  /** i32: where in TARGETS the oldest entry is, from its start. */
  TARGET: 0x1a8,
  /** i32: what FZ, FS and FC hold where a region has just been left (jit/flag-state.ts): 0 is what their names say. */
  FLAG_STATE: 0x1a4,
  /** i64: the place at which a region was left in the middle of an instruction (jit/sites.ts). */
  SITE: 0x1c0,
  /** i64: written and never read. */
  UNUSED: 0x1c8,
  /** i32: where in its page a region is entered. */
  ENTRY: 0x1d0,
  /** i32: where in BOUNCE the next bytes of two pages go, as the low bits say. */
  BOUNCED: 0x1d4,
  /** i32: the bits of a record's handler that count, one of HANDLER_MASK (cold/record.ts). */
  HANDLER_MASK: 0x1ac,
  /** i32: generation of what JUMPS may hold, in kernel and in user mode; and the last that was given out. */
  JUMPS_KERNEL: 0x1b0,
  JUMPS_USER: 0x1b4,
  JUMPS_LAST: 0x1b8,
  /** i32: where in RETURNS the newest entry is, from its start. */
  RETURN: 0x1bc,
  /** i64: FIP and FDP that an x87 instruction will leave: its address and its operand's offset. */
  X87_IP: 0x170,
  X87_DP: 0x178,
  /** FXSAVE image, 512 bytes: x87 (first FCW, FSW, the abridged tag word, FOP), MXCSR, xmm0..15. */
  FX: 0x200,
  MXCSR: 0x218,
  XMM: 0x2a0,
  /** Bounce buffers of the slow step: eight of 64 bytes. */
  BOUNCE: 0x400,
  BOUNCE_BYTES: 0x200,
  /** See RETURNS. */
  RETURNS: 0x700,
  /** See TARGETS. */
  TARGETS: 0x800,
  SIZE: 0x1000,
} as const

/** Time is a function of retired instructions, which are not counted up within translated code; CR4.TSD is set. */
export const TSC_TRAPS = { COUNTED: 1, TSD: 2 } as const

/** A data TLB: 4096 entries, indexed by bits 12..23 of the address. */
export const TLB = {
  ENTRY: 32,
  ENTRIES: 4096,
  READ_TAG: 0,
  WRITE_TAG: 8,
  /** i32: host address = low 32 bits of the virtual address + ADDEND. */
  ADDEND: 16,
  /** i64: a bit for each entry of the page cache that may hold this one, in an entry that is not empty. */
  CACHED: 24,
  BYTES: 4096 * 32,
} as const

/**
 * In front of each data TLB, at AT from it: the pages that regions used last, one for each base register and way of access
 * (jit/page-cache.ts). It holds nothing that the TLB does not hold, so whoever empties an entry there empties all of this.
 */
export const PAGE_CACHE = {
  AT: 4096 * 32,
  ENTRY: 16,
  ENTRIES: 64,
  /** u64: the page's address. */
  TAG: 0,
  /** i32: as in the TLB. */
  ADDEND: 8,
  BYTES: 64 * 16,
} as const

/** An execute TLB: 4096 entries {u64 page | COMPAT, u32 code table, u32 host address of the frame}. */
export const XTLB = { ENTRY: 16, ENTRIES: 4096, TAG: 0, CODE_TABLE: 8, HOST: 12, BYTES: 4096 * 16 } as const

/**
 * Where regions have gone on in others, by address: the other's record and its place in the function tables, as the execute TLB and the
 * code tables had them. An entry of another generation than the mode's is none. They are few and small, as they share the caches
 * with what guests read.
 */
export const JUMPS = {
  ENTRY: 16,
  ENTRIES: 4096,
  /** u64: 48 bits of the address, above the generation and COMPAT. */
  KEY: 0,
  COMPAT: 1 << 15,
  LAST_GENERATION: 0x7ffe,
  /** i32 */
  SLOT: 8,
  REC: 12,
  BYTES: 4096 * 16,
} as const

/**
 * Of each execute TLB: an i32 that is not 0 where a page has lost its entry to another since JUMPS of the mode were emptied, which may
 * still have what is in that page; and from BITS on a bit for each such entry.
 */
export const LOST = { ANY: 0, BITS: 8, BYTES: 8 + 4096 / 8 } as const

/**
 * Where the last calls return to, the oldest overwritten by the newest: the record there, 0 where that was not known. Good while JUMPS of
 * its generation are.
 */
export const RETURNS = {
  ENTRY: 16,
  /** u64 */
  RIP: 0,
  /** i32 */
  GENERATION: 8,
  REC: 12,
  BYTES: 16 * 16,
} as const

/** Where jumps and calls by address went last, the oldest overwritten by the newest: low halves of addresses. */
export const TARGETS = {
  ENTRY: 8,
  FROM: 0,
  TO: 4,
  BYTES: 128 * 8,
} as const

/**
 * Which entries of a TLB may be used: an i32 count, then u16 indices from LIST on, some of them twice. A count above MOST, which is what
 * the list can hold, says that any may be. The first UPPER (an i32) of them had no page of the lower half when they were last looked at:
 * an entry that gets one after another half's is put in the list again, so that those of the lower half are all behind these.
 */
export const USED = { COUNT: 0, UPPER: 4, LIST: 8, MOST: (0x2000 - 8) / 2 } as const

/** What lies after the fixed state, from the vCPU's base. */
export const REGION = {
  TLB_KERNEL: 0x10000,
  TLB_USER: 0x30400,
  XTLB_KERNEL: 0x50800,
  XTLB_USER: 0x60800,
  USED_KERNEL: 0x71000,
  USED_USER: 0x73000,
  XUSED_KERNEL: 0x75000,
  XUSED_USER: 0x77000,
  JUMPS: 0x79000,
  LOST_KERNEL: 0x89000,
  LOST_USER: 0x89400,
  CODE_TABLES: 0x8a000,
} as const

/** Bits of the per-frame byte at FRAME_FLAGS. A frame with any bit set gets no write tag. */
export const FRAME = {
  /** A vCPU may have translated code of this frame (mmu/code-frames.ts). */
  CODE: 1,
  /** Writes are to be logged. */
  LOG_DIRTY: 2,
} as const

/**
 * A code table: the u32 address of the record at each offset of a frame; the records of instructions that reach into the frame from
 * the page before (0: free place); a bit for each 64 bytes that regions were made from, as these need not have records; how many writes
 * there were beside all code; the mode it was translated in, as COMPAT: a frame has code of one at a time; and a number that no other
 * table has had: while a frame has a table of that version, what was translated of it holds. In a free table the first word is the next
 * free one.
 */
export const CODE_TABLE = {
  RECORDS: 4096,
  CROSSINGS: 4096 * 4,
  MOST_CROSSINGS: 8,
  GRANULES: 4096 * 4 + 8 * 4,
  WRITES: 4096 * 4 + 8 * 4 + 8,
  MODE: 4096 * 4 + 8 * 4 + 12,
  VERSION: 4096 * 4 + 8 * 4 + 16,
  /** Whole lines of a cache, so that the records behind it are. */
  BYTES: 4096 * 4 + 64,
} as const
