/** Where calls return to is remembered: until the code there, or what the address means, is another. */
import { describe, expect, test } from 'vitest'
import type { Machine } from '../machine.ts'
import { CODE, machineWith, tiers } from './tiers.ts'

const STACK = 0x900000n
const TOP = STACK + 0x800n

/** call 11; mov eax, 1; hlt; (11:) hlt; ret; (13:) mov eax, 9; hlt */
const PROGRAM = [0xe8, 6, 0, 0, 0, 0xb8, 1, 0, 0, 0, 0xf4, 0xf4, 0xc3, 0xb8, 9, 0, 0, 0, 0xf4]
const [BEHIND_CALL, RESULT, CALLEE, ELSEWHERE] = [5, 6, 11, 13]
const TURNS = 12

const begin = (machine: Machine, at: bigint, rcx: bigint = 0n): void => {
  machine.state = { rip: at, gpr: [0n, rcx, 0n, 0n, TOP] }
}

describe.each(tiers)('returns, run $name', ({ options, run }) => {
  describe.each([
    ['to the page of the call', 0x20],
    ['to the page after the call', 0x1000 - BEHIND_CALL],
  ])('%s', (_, offset) => {
    const first = CODE + BigInt(offset)
    const place = offset + BEHIND_CALL

    /** Calls, changes something while the callee is stopped, and returns: what the code behind the call leaves. */
    function results(change: (machine: Machine, n: number, pages: number[]) => void): bigint[] {
      const { machine, pages } = machineWith(Uint8Array.from(PROGRAM), offset, options)
      machine.map({ va: STACK })
      return Array.from({ length: TURNS }, (_, n) => {
        begin(machine, first)
        expect(run(machine, 1000)).toBe('trap')
        expect(machine.vcpu.rip).toBe(first + BigInt(CALLEE))
        change(machine, n, pages)
        machine.vcpu.rip = first + BigInt(CALLEE + 1)
        expect(run(machine, 1000)).toBe('trap')
        return machine.vcpu.gpr(0)
      })
    }

    test('nothing changes', () => {
      expect(results(() => {})).toEqual(new Array(TURNS).fill(1n))
    })

    test('the code there is written', () => {
      const at = offset + RESULT
      const write = (machine: Machine, n: number, pages: number[]) =>
        machine.write(pages[at >> 12] + (at & 4095), Uint8Array.of(n + 2))
      expect(results(write)).toEqual(Array.from({ length: TURNS }, (_, n) => BigInt(n + 2)))
    })

    test('another frame is mapped there', () => {
      const map = (machine: Machine, n: number, pages: number[]) => {
        const page = place >> 12
        const bytes = machine.views.u8.slice(pages[page], pages[page] + 4096)
        bytes[(offset + RESULT) & 4095] = n + 2
        pages[page] = machine.map({ va: CODE + BigInt(page << 12) })
        machine.write(pages[page], bytes)
      }
      expect(results(map)).toEqual(Array.from({ length: TURNS }, (_, n) => BigInt(n + 2)))
    })

    test('the callee returns elsewhere', () => {
      const other = first + BigInt(ELSEWHERE)
      const replace = (machine: Machine, n: number) => {
        const host = machine.host(machine.frameOf(STACK)) + Number(TOP - STACK) - 8
        if (n % 3 === 0) machine.views.u64[host >> 3] = other
      }
      expect(results(replace)).toEqual(Array.from({ length: TURNS }, (_, n) => (n % 3 === 0 ? 9n : 1n)))
    })
  })

  test('deeper than is remembered', () => {
    // dec ecx; jz to the ret; call to the first; inc eax; ret; (12:) call to the first; hlt
    const code = [
      0xff, 0xc9, 0x74, 7, 0xe8, 0xf7, 0xff, 0xff, 0xff, 0xff, 0xc0, 0xc3, 0xe8, 0xef, 0xff, 0xff, 0xff, 0xf4,
    ]
    const { machine } = machineWith(Uint8Array.from(code), 0, options)
    machine.map({ va: STACK })
    for (const depth of [3n, 40n, 16n, 17n, 40n]) {
      begin(machine, CODE + 12n, depth)
      expect(run(machine, 1000)).toBe('trap')
      expect(machine.vcpu.gpr(0)).toBe(depth - 1n)
      expect(machine.vcpu.gpr(4)).toBe(TOP)
    }
  })
})
