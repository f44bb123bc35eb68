import type { Decoded } from '../decode/decoded.ts'
import { type Decode, isFault } from '../decode/decoder.ts'

/** Instructions of one region at most: no more are retired in it without a look at the limit. */
export const REGION_LIMIT = 400
const BLOCK_LIMIT = 100
/**
 * Instructions of a region, but for those of many functions that are called by address, and of a function that becomes part of the
 * regions of its callers. V8's time for a function grows faster than its length. A kernel is run for as long as there is a guest, its ways
 * go through many small functions, and to go from one region to another costs as much as a dozen instructions.
 */
const LIMITS = { kernel: { region: 300, callee: 120 }, user: { region: 150, callee: 16 } } as const
/** Functions that are many. */
const MANY = 5
/** Targets of one jump or call by address that are followed: functions that are called so may be tiny and many. */
const [MOST_JUMPED_TO, MOST_CALLED] = [16, 64]
/** Places at which one region can be entered. */
const MOST_ENTRIES = 16
/** Instructions of one block: what a site (sites.ts) can count. */
const RUN_LIMIT = 200

/** What decides what the same bytes do. */
export interface CodeMode {
  readonly bits: 32 | 64
  readonly isUser: boolean
  /** Each access looks for its page itself: together they were not in one too often. */
  readonly isApart: boolean
}

/** Where a region is made from. Offsets count from the start of the entry's page, and reach into pages before and behind it. */
export interface CodeSource {
  readonly decode: Decode
  /** The bytes of the page so many pages behind the entry's; undefined if code of it cannot be in the region. */
  page(delta: number): Uint8Array | undefined
  /** Whether it is worth while to follow a jump to this offset. */
  isReached(offset: number): boolean
  /** Whether the instruction at this offset was ever come to. */
  isTranslated(offset: number): boolean
  /** Where the jump or call by address at an offset went lately, the most frequent first. */
  targets(offset: number): readonly number[]
}

export interface RegionInsn {
  readonly offset: number
  readonly insn: Decoded
}

/** A run in one page that is entered at its first instruction alone; conditional jumps leave it where they stand. */
export interface Block {
  readonly offset: number
  readonly insns: readonly RegionInsn[]
  /** Offset after the last instruction; it is gone to from there unless that jumps for good. */
  readonly next: number
  readonly fallsThrough: boolean
}

/** A call whose function is in the region as well, and so is the place behind the call. */
export interface RegionCall {
  readonly offset: number
  readonly to: number
  readonly back: number
}

/** Blocks that jumps, calls and returns connect with the one at `entry`. */
export interface RegionCode {
  /** In the page. */
  readonly entry: number
  /** All offsets at which it can be entered, `entry` first: also where the guest comes back to. No two are at one place of their pages. */
  readonly entries: readonly number[]
  readonly mode: CodeMode
  readonly blocks: readonly Block[]
  /** Pages of blocks besides the entry's, as `CodeSource.page` names them. */
  readonly pages: readonly number[]
  readonly calls: readonly RegionCall[]
  /** By the offset of a jump or call by address: offsets of blocks that it may lead to. */
  readonly targets: ReadonlyMap<number, readonly number[]>
}

/** Rows that only leave to TypeScript, by name: a region that went as far as one would be left there each time. Mostly not so `syscall`. */
const LEAVING: ReadonlySet<string> = new Set([
  'sysenter',
  'sysret',
  'sysexit',
  'int',
  'int3',
  'int1',
  'into',
  'iret',
  'hlt',
  'ud0',
  'ud1',
  'ud2',
  'in',
  'out',
  'ins',
  'outs',
  'cpuid',
  'rdtscp',
  'rdpmc',
  'rdmsr',
  'wrmsr',
  'cli',
  'sti',
  'clts',
  'fxsave',
  'fxrstor',
])

/** Those of them behind which the guest does not come back. */
const NO_RETURN: ReadonlySet<string> = new Set(['sysret', 'sysexit', 'into', 'iret', 'hlt', 'ud0', 'ud1', 'ud2'])

/** Whether a region can hold the instruction: the others are left to the cold tier. */
function isPlain({ row }: Decoded): boolean {
  return !row.rare && !LEAVING.has(row.name)
}

export const pageOf = (offset: number): number => Math.floor(offset / 4096)

/** Offset of the target of a direct jump or call, or undefined: none, or one whose address is cut. */
export function target({ offset, insn }: RegionInsn): number | undefined {
  const [operand] = insn.operands
  return operand?.kind === 'rel' && insn.size !== 2 ? offset + insn.length + operand.value : undefined
}

/** Whether it goes on by an address that is not in the instruction, and is none of a return. */
export function isIndirect({ insn: { row, operands } }: RegionInsn): boolean {
  return row.ends === true && !row.returns && (row.name === 'jmp' || row.calls === true) && operands[0]?.kind !== 'rel'
}

export const after = ({ offset, insn }: RegionInsn): number => offset + insn.length

/** Follows jumps, calls and returns from `entry`; undefined if the first instruction is none for a region. */
export function regionCode(source: CodeSource, entry: number, mode: CodeMode): RegionCode | undefined {
  const limits = mode.isUser ? LIMITS.user : LIMITS.kernel
  const insns = new Map<number, RegionInsn>()
  const leaders = new Set<number>()
  const calls: RegionCall[] = []
  const targets = new Map<number, readonly number[]>()
  const work: number[] = []
  const ofMany = new Set<number>()
  const lead = (offset: number): boolean => {
    if (leaders.has(offset)) return true
    if (leaders.size === BLOCK_LIMIT || source.page(pageOf(offset)) === undefined) return false
    leaders.add(offset)
    work.push(offset)
    return true
  }
  const entries = new Map([[entry, entry]])
  /** The guest comes back here from code that is not in the region. */
  const comeBack = (offset: number): void => {
    // Addresses of 32-bit code wrap: only those in the entry's page are surely as far from it as they seem.
    if (mode.bits === 32 && pageOf(offset) !== 0) return
    if (entries.size < MOST_ENTRIES && !entries.has(offset & 0xfff) && lead(offset)) entries.set(offset & 0xfff, offset)
  }
  const leave = (here: RegionInsn): void => {
    const { calls: isCall = false } = here.insn.row
    const to = target(here)
    const seen = (): readonly number[] => source.targets(here.offset).slice(0, isCall ? MOST_CALLED : MOST_JUMPED_TO)
    const reached = to === undefined ? (isIndirect(here) ? seen() : []) : source.isReached(to) ? [to] : []
    const led = reached.filter(
      (to) => (!isCall || leaders.has(to) || isSmall(source, to, mode, limits.callee)) && lead(to),
    )
    if (to === undefined && led.length > 0) targets.set(here.offset, led)
    if (led.length >= MANY) for (const callee of led) ofMany.add(callee)
    const back = after(here)
    if (here.insn.row.name === 'syscall' && source.isTranslated(back)) comeBack(back)
    if (!isCall) return
    if (led.length > 0 && lead(back)) calls.push(...led.map((callee) => ({ offset: here.offset, to: callee, back })))
    if ((to === undefined || led.length === 0) && source.isReached(back)) comeBack(back)
  }
  lead(entry)
  for (let first = work.shift(); first !== undefined; first = work.shift()) {
    const page = source.page(pageOf(first)) as Uint8Array
    const base = first & ~0xfff
    const end = insns.size + RUN_LIMIT
    let offset = first
    const most = ofMany.has(first) ? REGION_LIMIT : limits.region
    while (insns.size < most) {
      if (insns.has(offset)) {
        lead(offset)
        break
      }
      const insn = source.decode(page, offset - base, 4096, mode.bits)
      if (isFault(insn)) break
      if (!isPlain(insn)) {
        const next = offset + insn.length
        if (!NO_RETURN.has(insn.row.name) && source.isTranslated(next)) comeBack(next)
        break
      }
      const here = { offset, insn }
      insns.set(offset, here)
      leave(here)
      offset += insn.length
      if (insn.row.ends && !insn.row.fallsThrough) break
      if (offset !== base + 4096 && insns.size < end) continue
      lead(offset)
      break
    }
  }
  if (!insns.has(entry)) return undefined
  const there = [...leaders].filter((leader) => insns.has(leader)).sort((a, b) => a - b)
  const blocks = there.map((leader) => block(leader, insns, leaders))
  const pages = new Set(there.map(pageOf))
  pages.delete(0)
  const entered = [...entries.values()].filter((offset) => insns.has(offset))
  return { entry, entries: entered, mode, blocks, pages: [...pages], calls, targets }
}

/** Whether a function is short enough to be taken into the region of its callers. */
function isSmall(source: CodeSource, entry: number, mode: CodeMode, most: number): boolean {
  const seen = new Set<number>()
  const work = [entry]
  for (let offset = work.pop(); offset !== undefined; offset = work.pop()) {
    const page = source.page(pageOf(offset))
    while (page && !seen.has(offset)) {
      const insn = source.decode(page, offset & 0xfff, 4096, mode.bits)
      if (isFault(insn)) break
      seen.add(offset)
      if (seen.size > most) return false
      const here = { offset, insn }
      const to = target(here)
      if (to !== undefined && !insn.row.calls) work.push(to)
      if (insn.row.ends && !insn.row.fallsThrough && !insn.row.calls) break
      offset += insn.length
      if (pageOf(offset) !== pageOf(here.offset)) break
    }
  }
  return true
}

function block(offset: number, insns: ReadonlyMap<number, RegionInsn>, leaders: ReadonlySet<number>): Block {
  const run: RegionInsn[] = []
  let next = offset
  for (;;) {
    const here = insns.get(next)
    if (!here || run.length === RUN_LIMIT || (next !== offset && leaders.has(next)))
      return { offset, insns: run, next, fallsThrough: true }
    run.push(here)
    next += here.insn.length
    const ends = here.insn.row.ends === true && !here.insn.row.fallsThrough
    if (ends || pageOf(next) !== pageOf(offset)) return { offset, insns: run, next, fallsThrough: !ends }
  }
}
