/** Ways on that are taken without leaving translated code: the same instructions are retired, and seen as retired, in each tier. */
import { describe, expect, test } from 'vitest'
import { CPU } from '../../src/state/layout.ts'
import type { VcpuMemory } from '../../src/state/vcpu-memory.ts'
import type { Machine } from '../machine.ts'
import { CODE, machineWith, tiers } from './tiers.ts'

const AT = 0x20
const DATA = 0x600000n
/** inc rax; (3:) syscall; (5:) inc rbx; mov [rdi], rax; dec r8; jnz to the inc; nop; (0x11:) jmp to the inc; */
const PROGRAM = Uint8Array.of(
  ...[0x48, 0xff, 0xc0, 0x0f, 0x05, 0x48, 0xff, 0xc3, 0x48, 0x89, 0x07, 0x49, 0xff, 0xc8, 0x75, 0xf0],
  ...[0x90, 0xeb, 0xed],
)
const [SYSCALL, STORE] = [3n, 8n].map((offset) => CODE + BigInt(AT) + offset)
const COUNTS = [1, 2, 3, 4, 5, 60, 511, 512, 513, 700, 3, 5000]

/** What an entry saw: which, where, and after how many instructions. */
type Seen = readonly [name: string, rip: bigint, retired: bigint]

interface Kernel {
  readonly seen: Seen[]
  readonly machine: Machine
}

/** The system call adds to rdx; every third is followed by a store that faults. */
function systemCall(vcpu: VcpuMemory): void {
  vcpu.setGpr(2, vcpu.gpr(2) + 3n)
  vcpu.setGpr(7, vcpu.gpr(2) % 9n === 0n ? DATA + 0x1000n : DATA)
  vcpu.rip += 2n
}

/** The handler of the fault has the store tried again on another page, or does without it. Answers as `Entries.fault`. */
function handleFault(vcpu: VcpuMemory): 1 | 2 {
  vcpu.setGpr(7, DATA)
  if (vcpu.gpr(3) % 2n !== 0n) return 1
  vcpu.rip += 3n
  return 2
}

/** Every eleventh time it is TypeScript's turn. */
const isLeft = (vcpu: VcpuMemory): boolean => vcpu.gpr(0) % 11n === 0n

function machineOf(options: object): Kernel {
  const seen: Seen[] = []
  const see = (name: string, vcpu: VcpuMemory) =>
    seen.push([name, vcpu.rip, vcpu.u64(CPU.ICOUNT) + BigInt(vcpu.i32(CPU.COUNT))])
  const entries = (vcpu: VcpuMemory) => ({
    trap: () => {
      see('syscall', vcpu)
      if (isLeft(vcpu)) return 0
      systemCall(vcpu)
      return 1
    },
    fault: (_: number, __: bigint, info: number) => {
      // A fetch, of what was not translated yet.
      if (info === 0) return 0
      see('fault', vcpu)
      return isLeft(vcpu) ? 0 : handleFault(vcpu)
    },
  })
  const { machine } = machineWith(PROGRAM, AT, { ...options, entries })
  machine.map({ va: DATA })
  machine.state = { rip: CODE + BigInt(AT), gpr: [0n, 0n, 0n, 0n, 0n, 0n, 0n, DATA, 1n << 40n] }
  return { machine, seen }
}

/** Runs so many instructions, with what TypeScript does where it is its turn. */
function run({ machine }: Kernel, count: number): void {
  const { vcpu } = machine
  const end = vcpu.u64(CPU.ICOUNT) + BigInt(count)
  while (vcpu.u64(CPU.ICOUNT) < end) {
    const stop = machine.run(Number(end - vcpu.u64(CPU.ICOUNT)))
    if (stop === 'limit') continue
    expect([stop, vcpu.rip]).toEqual(stop === 'trap' ? ['trap', SYSCALL] : ['fault', STORE])
    if (stop === 'trap') systemCall(vcpu)
    if (stop === 'trap' || handleFault(vcpu) === 2) vcpu.add(CPU.ICOUNT, 1)
  }
}

const both = (): Kernel[] => tiers.slice(1).map(({ options }) => machineOf(options))

describe('entries taken from regions', () => {
  const [cold, regions] = both()

  test.each(COUNTS)('%i instructions on, state and count are those of the cold tier', (count) => {
    for (const kernel of [cold, regions]) run(kernel, count)
    expect(regions.machine.state).toEqual(cold.machine.state)
    expect(regions.machine.vcpu.u64(CPU.ICOUNT)).toBe(cold.machine.vcpu.u64(CPU.ICOUNT))
  })

  test('see as many instructions retired as in the cold tier', () => {
    const [cold, regions] = both()
    for (const kernel of [cold, regions]) run(kernel, 6000)
    expect(regions.machine.runner.regions.count).toBeGreaterThan(0)
    // The last instructions go step by step, with no entries; a region goes on a little longer before.
    const seen = cold.seen.length - 2
    expect(seen).toBeGreaterThan(1000)
    expect(regions.seen.slice(0, seen).map(String)).toEqual(cold.seen.slice(0, seen).map(String))
  })
})
