/**
 * A record is one decoded instruction as the cold tier runs it: 32 bytes in the domain's memory, half a line of a cache. Straight-line
 * code is consecutive records, and every record between a jump target and a jump is one instruction: the count of retired instructions
 * is (record - first) / 32. Registers are named by their offsets from the vCPU.
 */
export const REC = {
  BYTES: 32,
  SHIFT: 5,
  /** u16: handler in the main loop; with HEAD_OF_REGION, of the instruction at which one starts. */
  HANDLER: 0,
  /** u16: counts down at each jump here from what is not 0; a region is asked for as it becomes 0. */
  HOT: 2,
  /** i32: form, which is also the place in the worker's table of its out-of-line body; of a region's head the place of that. */
  FORM: 4,
  /** u16: offset of the first, second and third operand that is a register; of the memory operand what is added to its address. */
  A: 8,
  B: 10,
  C: 12,
  /** u16: offset in the page of this instruction, and above bit 12 its length. */
  PLACE: 14,
  /** u16: offsets of base, index and segment base. */
  BASE: 16,
  INDEX: 18,
  SEGMENT: 20,
  /** u8: scale, and STACK_OPERAND. */
  SCALE: 22,
  /** u8: the modrm byte. */
  MODRM: 23,
  /** i32: displacement of the memory operand; without one, the second immediate. */
  DISP: 24,
  /** i64 in place of DISP and IMM: an absolute address, or the only immediate of an instruction without memory operand. */
  WIDE: 24,
  /** i32, of jumps and of records that are no instructions: record of the target in the same page, 0 not known yet. */
  TARGET: 24,
  /** i32: immediate, or branch displacement from the end of the instruction. */
  IMM: 28,
} as const

/** In HOT, of a record that is never to ask for a region. */
export const NEVER_HOT = 0

/** HOT of a record that is to ask for a region after so many jumps more, as far as there is room for the number. */
export const hotAfter = (jumps: number): number => Math.min(jumps, 0xffff)

/** In PLACE. */
export const OFFSET_BITS = 12
export const OFFSET_MASK = 0xfff

/** In SCALE, above what a shift count looks at: the memory operand follows the rules of the stack segment (#SS). */
export const STACK_OPERAND = 0x80

/** Handlers before those of the forms. */
export const HANDLER = {
  /** Continue at TARGET or, where that is 0, at the offset of the page in IMM; not an instruction. */
  CONTINUE: 0,
  /** The body is out of line, in the table at FORM. */
  OUT_OF_LINE: 1,
  /**
   * Not an instruction: the one in the next record reaches into the next page. Goes on to it if that page is still the frame in TARGET
   * (host address) that its bytes were taken from.
   */
  CROSSING: 2,
  /** A region starts here. As the handler of a record: its instruction's own body is not in the loop. */
  REGION: 3,
  /** Not valid: #UD, or #GP for more than 15 bytes (vector in IMM). */
  INVALID: 4,
  FIRST_FORM: 5,
} as const

/**
 * In HANDLER, above all handlers: a region starts here. What is left of it without is the handler of the instruction, which is run where
 * regions are not to be (CPU.HANDLER_MASK).
 */
export const HEAD_OF_REGION = 0x8000
/** For CPU.HANDLER_MASK: regions are run, or not where that can be avoided. */
export const HANDLER_MASK = { REGIONS: 0xffff, RECORDS: HEAD_OF_REGION - 1 } as const

export function isHeadOfRegion(handler: number): boolean {
  return handler === HANDLER.REGION || (handler & HEAD_OF_REGION) !== 0
}

/** Whether a record's handler is that of an instruction which is run by it. */
export function isInstruction(handler: number): boolean {
  return handler === HANDLER.OUT_OF_LINE || handler >= HANDLER.FIRST_FORM
}

/** The handler of a record at which a region starts from now on. */
export function headOfRegion(handler: number): number {
  return handler < HANDLER.FIRST_FORM ? HANDLER.REGION : handler | HEAD_OF_REGION
}

/** Why the cold tier's loop, an out-of-line body or a step returned. RIP or REC say where; see each. */
export const EXIT = {
  /** An out-of-line body or a step has finished its instruction. */
  DONE: 0,
  /** REC is the next record; the limit was reached or somebody kicked. */
  LIMIT: 1,
  /** RIP has no record yet; nothing is current. */
  LOOKUP: 2,
  /** The instruction at REC needs the slow step. */
  MISS: 3,
  /** VECTOR and ERROR at the instruction of REC. */
  FAULT: 4,
  /** The instruction at REC is for TypeScript. */
  TRAP: 5,
  /** The record's out-of-line body is not in this worker's table yet. */
  NEED_FORM: 6,
  /** The code at REC has become hot; REC is next. */
  HOT: 7,
  /** The CROSSING record at REC does not know its next page's frame, or another is mapped there now. */
  CROSSING: 8,
  /** A step of a repeated string instruction is done, the instruction is not. */
  AGAIN: 9,
  /** A step has done nothing yet and wants all other vCPUs out of the guest. */
  ALONE: 10,
  /** The region whose head is REC was left in the middle of an instruction: SITE says at which (jit/sites.ts). */
  SIDE: 11,
  /** The region whose head is REC is made of pages that are not there now, or are others. */
  UNREADY: 12,
  /**
   * Accesses that a region has one look for do not lie in one page. From a region: the instruction at SITE is to be run by its record.
   * From the loop: RIP has no record in use, and the region whose head is VECTOR, at ADDRESS, was left so many times.
   */
  APART: 13,
} as const
