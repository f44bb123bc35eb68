/** Jumps by address lead to the code that is there now, whatever was there before. */
import { describe, expect, test } from 'vitest'
import { XTLB } from '../../src/state/layout.ts'
import type { Machine } from '../machine.ts'
import { CODE, machineWith, type Tier, tiers } from './tiers.ts'

/** jmp rax */
const JUMP = Uint8Array.of(0xff, 0xe0)
const TARGET = CODE + 0x1030n
const TURNS = 12

/** mov eax, n; hlt */
function leaving(n: number): Uint8Array {
  const bytes = Uint8Array.of(0xb8, 0, 0, 0, 0, 0xf4)
  new DataView(bytes.buffer).setInt32(1, n, true)
  return bytes
}

function jumpTo(machine: Machine, run: Tier['run'], target: bigint): number {
  machine.state = { rip: CODE, gpr: [target] }
  expect(run(machine, 1000)).toBe('trap')
  return Number(machine.vcpu.gpr(0))
}

describe.each(tiers)('jumps by address, run $name', ({ options, run }) => {
  const numbers = Array.from({ length: TURNS }, (_, n) => n)

  test('the code there is written', () => {
    const { machine, pages } = machineWith(JUMP, 0, options)
    const results = numbers.map((n) => {
      machine.write(pages[1] + 0x30, leaving(n))
      return [jumpTo(machine, run, TARGET), jumpTo(machine, run, TARGET)]
    })
    expect(results).toEqual(numbers.map((n) => [n, n]))
  })

  test('another frame is mapped there', () => {
    const { machine } = machineWith(JUMP, 0, options)
    const results = numbers.map((n) => {
      machine.write(machine.map({ va: TARGET & ~0xfffn }) + 0x30, leaving(n))
      return [jumpTo(machine, run, TARGET), jumpTo(machine, run, TARGET)]
    })
    expect(results).toEqual(numbers.map((n) => [n, n]))
  })

  test('a frame at two addresses', () => {
    const { machine, pages } = machineWith(JUMP, 0, options)
    // lea rax, [rip]; hlt
    machine.write(pages[1] + 0x30, Uint8Array.of(0x48, 0x8d, 0x05, 0, 0, 0, 0, 0xf4))
    const frame = machine.frameOf(TARGET)
    const others = [TARGET, TARGET + 0x10_0000n, TARGET + 0x8000_0000n]
    for (const va of others) machine.map({ va: va & ~0xfffn, frame })
    for (const _ of numbers) for (const va of others) expect(jumpTo(machine, run, va)).toBe(Number(va) + 7)
  })

  test('more places than an execute TLB has pages', () => {
    const { machine } = machineWith(JUMP, 0, options)
    const first = 0x200_0000n
    const count = XTLB.ENTRIES + 70
    const frames = Array.from({ length: 100 }, (_, n) => {
      const va = first + BigInt(n << 12)
      machine.write(machine.map({ va }), leaving(n))
      return machine.frameOf(va)
    })
    for (let n = 0; n < count; n++) machine.map({ va: first + BigInt(n << 12), frame: frames[n % 100] })
    for (let round = 0; round < 2; round++)
      for (let n = 0; n < count; n++) expect(jumpTo(machine, run, first + BigInt(n << 12))).toBe(n % 100)
  })
})
