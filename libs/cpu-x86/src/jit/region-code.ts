import type { Decoded } from '../decode/decoded.ts'
import { type Decode, isFault } from '../decode/decoder.ts'

/** Instructions of one region at most: no more are retired in it without a look at the limit. */
export const REGION_LIMIT = 160
const BLOCK_LIMIT = 32

export interface RegionInsn {
  /** In the page. */
  readonly offset: number
  readonly insn: Decoded
}

/** A straight run with one entry, at its first instruction. */
export interface Block {
  readonly offset: number
  readonly insns: readonly RegionInsn[]
  /** Offset after the last instruction; it is gone to from there unless that jumps for good. */
  readonly next: number
  readonly fallsThrough: boolean
}

/** Blocks of one page that direct jumps connect with the one at `entry`, in the order of their offsets. */
export interface RegionCode {
  readonly entry: number
  readonly mode: 32 | 64
  readonly blocks: readonly Block[]
}

/** Rows that only leave to TypeScript, by name: a region that went as far as one would be left there each time. */
const LEAVING: ReadonlySet<string> = new Set([
  'syscall',
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

/** Whether a region can hold the instruction: the others are left to the cold tier. */
function isPlain({ row, rep }: Decoded): boolean {
  return !row.rare && rep === 0 && !LEAVING.has(row.name)
}

/** Offset in the page of a direct jump's target, or undefined: none, or another page. */
export function jumpTarget({ offset, insn }: RegionInsn): number | undefined {
  const [operand] = insn.operands
  if (operand?.kind !== 'rel' || insn.row.name === 'call' || insn.size === 2) return undefined
  const target = offset + insn.length + operand.value
  return target >= 0 && target < 4096 ? target : undefined
}

/** Follows direct jumps from `entry` through a frame's bytes; undefined if the first instruction is none for a region. */
export function regionCode(page: Uint8Array, entry: number, mode: 32 | 64, decode: Decode): RegionCode | undefined {
  const insns = new Map<number, RegionInsn>()
  const leaders = new Set<number>([entry])
  const work = [entry]
  while (work.length > 0) {
    let offset = work.shift() as number
    while (!insns.has(offset) && insns.size < REGION_LIMIT && offset < 4096) {
      const insn = decode(page, offset, 4096, mode)
      if (isFault(insn) || !isPlain(insn)) break
      const here = { offset, insn }
      insns.set(offset, here)
      const target = jumpTarget(here)
      if (target !== undefined && (leaders.has(target) || leaders.size < BLOCK_LIMIT)) {
        leaders.add(target)
        work.push(target)
      }
      offset += insn.length
      if (insn.row.ends && !insn.row.fallsThrough) break
    }
  }
  if (!insns.has(entry)) return undefined
  const blocks = [...leaders]
    .filter((leader) => insns.has(leader))
    .sort((a, b) => a - b)
    .map((leader) => block(leader, insns, leaders))
  return { entry, mode, blocks }
}

function block(offset: number, insns: ReadonlyMap<number, RegionInsn>, leaders: ReadonlySet<number>): Block {
  const run: RegionInsn[] = []
  let next = offset
  for (;;) {
    const here = insns.get(next)
    if (!here || (next !== offset && leaders.has(next))) return { offset, insns: run, next, fallsThrough: true }
    run.push(here)
    next += here.insn.length
    if (here.insn.row.ends && !here.insn.row.fallsThrough) return { offset, insns: run, next, fallsThrough: false }
  }
}
