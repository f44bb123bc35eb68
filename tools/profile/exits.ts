import * as abi from '../../libs/core/src/abi/xen.ts'
import { TRAP_KINDS } from '../../libs/cpu-x86/src/builder/builder.ts'
import { EXIT, OFFSET_MASK, REC } from '../../libs/cpu-x86/src/cold/record.ts'
import { CPU } from '../../libs/cpu-x86/src/state/layout.ts'
import type { ExitCount } from './thread-record.ts'

const KINDS: readonly string[] = Object.keys(EXIT)
const TWO_32 = 0x1_0000_0000
/** In what tells reasons apart: the exit, then two bits for what the rest is of. */
const [EXIT_BITS, OF_TRAP, OF_HYPERCALL, OF_FAULT] = [4, 1, 2, 3]

const PREFIX = '__HYPERVISOR_'
const NUMBERS: Readonly<Record<string, unknown>> = abi
const HYPERCALLS: ReadonlyMap<number, string> = new Map(
  Object.keys(NUMBERS)
    .filter((name) => name.startsWith(PREFIX))
    .map((name) => [NUMBERS[name] as number, name.slice(PREFIX.length)]),
)

/** Why and where translated code is left, counted. */
export class Exits {
  readonly #counts = new Map<number, Map<number, number>>()

  /** @param vcpu host address of its state, in `i32` */
  count(i32: Int32Array, vcpu: number, exit: number): void {
    const word = (offset: number): number => i32[(vcpu + offset) >> 2]
    const user = word(CPU.USER)
    const key = (reasonOf(exit, word) << 1) | user
    const rip = address(i32, word)
    const places = this.#counts.get(key) ?? new Map<number, number>()
    this.#counts.set(key, places)
    places.set(rip, (places.get(rip) ?? 0) + 1)
  }

  result(): ExitCount[] {
    return [...this.#counts].flatMap(([key, places]) => {
      const kind = KINDS[(key >> 1) & ((1 << EXIT_BITS) - 1)]
      return [...places].map(([rip, count]) => ({
        kind,
        reason: reasonName(key >> 1),
        isUser: (key & 1) !== 0,
        rip,
        count,
      }))
    })
  }
}

function address(i32: Int32Array, word: (offset: number) => number): number {
  const rec = word(CPU.REC)
  const at = rec === 0 ? CPU.RIP : CPU.PAGE_VA
  const page = (word(at + 4) & 0xffff) * TWO_32 + (word(at) >>> 0)
  return rec === 0 ? page : page + ((i32[(rec + REC.PLACE) >> 2] >>> ((REC.PLACE & 2) * 8)) & OFFSET_MASK)
}

function reasonOf(exit: number, word: (offset: number) => number): number {
  const all = (of: number, detail: number): number => exit | (((detail << 2) | of) << EXIT_BITS)
  if (exit === EXIT.FAULT) return all(OF_FAULT, word(CPU.VECTOR) & 0xff)
  if (exit !== EXIT.TRAP) return exit
  const trap = word(CPU.TRAP)
  const isHypercall = TRAP_KINDS[trap] === 'syscall' && word(CPU.USER) === 0
  return isHypercall ? all(OF_HYPERCALL, word(CPU.GPR) & 0xff) : all(OF_TRAP, trap)
}

function reasonName(reason: number): string {
  const detail = reason >> (EXIT_BITS + 2)
  switch ((reason >> EXIT_BITS) & 3) {
    case OF_TRAP:
      return TRAP_KINDS[detail] ?? `trap ${detail}`
    case OF_HYPERCALL:
      return `hypercall ${HYPERCALLS.get(detail) ?? detail}`
    case OF_FAULT:
      return `vector ${detail}`
    default:
      return ''
  }
}
