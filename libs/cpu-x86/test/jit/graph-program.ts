import type { Random } from '../programs/random.ts'
import { Assembler } from './assembler.ts'

/** A program that never ends: blocks with ways between them as they come, that is with loops of any shape. */
export interface GraphProgram {
  readonly code: Uint8Array
  /** Offsets of its blocks. */
  readonly blocks: readonly number[]
  /** Of the blocks that jumps by address lead to: eight for each such jump, one after another. */
  readonly tables: readonly (readonly number[])[]
}

/** What of a program is wanted. */
export interface GraphShape {
  readonly blocks: number
  /** Bytes that the program is spread over. */
  readonly bytes: number
  /** Percent of the blocks that end by a call, a return and a jump by address. */
  readonly calls: number
  readonly returns: number
  readonly byAddress: number
  /** Percent of the instructions that reach memory by the next of the pointers at r13. */
  readonly touching?: number
}

/** Eight u64 for each table. */
const TABLE_BYTES = 64

/** Registers that programs compute with: eax, ecx, edx, ebx, esi, edi. */
const FREE = [0, 1, 2, 3, 6, 7]
const byte = (mod: number, reg: number, rm: number): number => (mod << 6) | ((reg & 7) << 3) | (rm & 7)

/** Bodies of instructions that leave flags, read them, change some of them or leave them alone; [rbp] is data. */
const BODIES: readonly ((random: Random) => number[])[] = [
  (r) => [r.pick([0x01, 0x29, 0x21, 0x09, 0x31, 0x11, 0x19, 0x39, 0x85]), byte(3, r.pick(FREE), r.pick(FREE))],
  (r) => [0x48, r.pick([0x01, 0x29, 0x11, 0x19, 0x39]), byte(3, r.pick(FREE), r.pick(FREE))],
  (r) => [0x66, r.pick([0x01, 0x29, 0x11, 0x39]), byte(3, r.pick(FREE), r.pick(FREE))],
  // Of al, cl, dl, bl and their neighbours.
  (r) => [r.pick([0x00, 0x28, 0x10, 0x18, 0x38]), byte(3, r.below(4) + r.pick([0, 4]), r.below(4))],
  (r) => [r.pick([0xff, 0xfe]), byte(3, r.below(2), r.pick([0, 1, 2, 3]))],
  (r) => [0x83, byte(3, r.below(8), r.pick(FREE)), r.bits() & 0xff],
  (r) => [0x0f, 0x90 | r.below(16), byte(3, 0, r.below(4))],
  (r) => [0x0f, 0x40 | r.below(16), byte(3, r.pick(FREE), r.pick(FREE))],
  (r) => [0xd3, byte(3, r.pick([0, 1, 2, 3, 4, 5, 7]), r.pick(FREE))],
  (r) => [0xc1, byte(3, r.pick([0, 1, 2, 3, 4, 5, 7]), r.pick(FREE)), r.below(34)],
  (r) => [0x0f, 0xaf, byte(3, r.pick(FREE), r.pick(FREE))],
  (r) => [0x8d, byte(1, r.pick(FREE), r.pick([0, 1, 2, 3])), r.bits() & 0xff],
  (r) => [r.pick([0xf5, 0xf8, 0xf9])],
  () => [0x9f],
  () => [0x9e],
  () => [0x9c, 0x59],
  (r) => [0x0f, 0xa3, byte(3, r.pick(FREE), r.pick(FREE))],
  (r) => [r.pick([0x01, 0x29, 0x11, 0x39, 0x03, 0x8b, 0x89]), byte(1, r.pick(FREE), 5), r.below(16) * 4],
  (r) => [0xf7, byte(3, r.pick([2, 3]), r.pick(FREE))],
]
/** By r8, which is the next pointer: flags are as they were. */
const TOUCHES: readonly ((random: Random) => number[])[] = [
  (r) => [0x41, r.pick([0x01, 0x29, 0x11, 0x19, 0x39, 0x03, 0x13, 0x1b, 0x3b, 0x89, 0x8b]), byte(0, r.pick(FREE), 0)],
  (r) => [0x49, r.pick([0x01, 0x29, 0x11, 0x19, 0x39, 0x03, 0x13, 0x1b, 0x3b, 0x89, 0x8b]), byte(0, r.pick(FREE), 0)],
  (r) => [0x41, 0xff, byte(0, r.below(2), 0)],
  (r) => [0x41, 0xd3, byte(0, r.pick([0, 1, 2, 3, 4, 5, 7]), 0)],
  (r) => [0x41, 0x0f, 0x90 | r.below(16), byte(0, 0, 0)],
  (r) => [0x41, 0x0f, 0x40 | r.below(16), byte(0, r.pick(FREE), 0)],
  (r) => [0xf0, 0x41, 0x0f, 0xc1, byte(0, r.pick(FREE), 0)],
  (r) => [0xf0, 0x41, 0x0f, 0xb1, byte(0, r.pick(FREE), 0)],
  (r) => [0x41, 0xf7, byte(0, r.pick([2, 3, 4, 5, 6]), 0)],
  () => [0x41, 0xff, 0x30],
  () => [0x41, 0x8f, 0x00],
]
/** mov r8, [r13]; lea r13, [r13 + 8] */
const NEXT_POINTER = [0x4d, 0x8b, 0x45, 0x00, 0x4d, 0x8d, 0x6d, 0x08]
/** imul r9d, r9d, 1103515245; add r9d, 12345 */
const STIR = [0x45, 0x69, 0xc9, 0x6d, 0x4e, 0xc6, 0x41, 0x41, 0x81, 0xc1, 0x39, 0x30, 0, 0]

/** @param tableDisp from r11 to the first table */
export function graphProgram(random: Random, shape: GraphShape, tableDisp: number = 0): GraphProgram {
  const code = new Assembler()
  const labels = Array.from({ length: shape.blocks }, (_, n) => n)
  const order = random.shuffled(labels)
  const some = (): number => random.pick(labels)
  const tables: number[][] = []
  const gap = Math.floor(shape.bytes / shape.blocks)
  for (const [place, label] of order.entries()) {
    code.label(label)
    for (let n = random.below(4); n > 0; n--) {
      if (random.chance(shape.touching ?? 0)) code.put(...NEXT_POINTER, ...random.pick(TOUCHES)(random))
      else code.put(...random.pick(BODIES)(random))
    }
    const isLast = place === order.length - 1
    if (random.chance(shape.byAddress))
      tables.push(byAddress(code, random, tableDisp + tables.length * TABLE_BYTES, some))
    else if (random.chance(shape.calls)) code.call(some())
    else if (random.chance(shape.returns)) code.put(0xc3)
    else conditional(code, random, some)
    if (isLast || random.chance(40)) code.jmp(some())
    if (isLast || random.chance(30)) code.jmp(some()).skipTo(Math.min(place * gap, shape.bytes))
  }
  return {
    code: code.finish(),
    blocks: labels.map((label) => code.place(label)),
    tables: tables.map((to) => to.map((label) => code.place(label))),
  }
}

/** By flags as they happen to be, or by a number that is stirred. */
function conditional(code: Assembler, random: Random, some: () => number): void {
  if (random.chance(60)) {
    // test r9d, 1 << n
    code.put(...STIR, 0x41, 0xf7, 0xc1, ...new Uint8Array(Int32Array.of(1 << random.between(16, 30)).buffer))
    code.jcc(random.pick([4, 5]), some())
  } else code.jcc(random.below(16), some())
  if (random.chance(20)) code.jcc(random.below(16), some())
}

/** mov r10d, r9d; shr r10d, 20; and r10d, 7 or less; jmp or call [r11 + r10*8 + disp] */
function byAddress(code: Assembler, random: Random, disp: number, some: () => number): number[] {
  code.put(...STIR, 0x45, 0x89, 0xca, 0x41, 0xc1, 0xea, 20, 0x41, 0x83, 0xe2, random.pick([0, 1, 3, 7]))
  code.put(0x43, 0xff, random.pick([0xa4, 0xa4, 0x94]), 0xd3, ...new Uint8Array(Int32Array.of(disp).buffer))
  return Array.from({ length: 8 }, some)
}
