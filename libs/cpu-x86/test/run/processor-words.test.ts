/** Instructions that read words of the vCPU's state which TypeScript keeps: the time stamp counter and the selectors. */
import { describe, expect, test } from 'vitest'
import { CPU, TSC_TRAPS } from '../../src/state/layout.ts'
import { CODE, machineWith, tiers } from './tiers.ts'

const TICKS = 0x1234_5678_9abc_def0n
const DATA = 0x500000n
/** dec ecx; jnz to the start; hlt: often enough for a region. */
const thrice = (body: readonly number[]): Uint8Array =>
  Uint8Array.of(...body, 0xff, 0xc9, 0x75, 256 - body.length - 4, 0xf4)
const ROUNDS = 8n

describe.each(tiers)('$name', ({ options, run }) => {
  const none = () => 0
  const machineOf = (body: readonly number[]) => {
    const { machine } = machineWith(thrice(body), 0, {
      ...options,
      helpers: (vcpu) => ({
        sse: none,
        x87: none,
        tsc: () => {
          vcpu.setU64(CPU.RESULT, TICKS)
          return 0
        },
      }),
    })
    machine.state = { rip: CODE, gpr: [-1n, ROUNDS, -1n, DATA] }
    return machine
  }

  test('rdtsc reads the counter without leaving translated code', () => {
    const machine = machineOf([0x0f, 0x31])
    machine.vcpu.setI32(CPU.TSC_TRAPS, 0)
    expect(run(machine, 1000)).toBe('trap')
    expect(machine.state.gpr.slice(0, 3)).toEqual([TICKS & 0xffffffffn, 0n, TICKS >> 32n])
  })

  test.each([TSC_TRAPS.COUNTED, TSC_TRAPS.TSD])(
    'rdtsc is left to TypeScript for reason %i, nothing changed',
    (reason) => {
      const machine = machineOf([0x0f, 0x31])
      machine.vcpu.setI32(CPU.TSC_TRAPS, reason)
      expect(run(machine, 1000)).toBe('trap')
      const { rip, gpr } = machine.state
      expect([rip, ...gpr.slice(0, 4)]).toEqual([CODE, 0xffff_ffff_ffff_ffffn, ROUNDS, 0xffff_ffff_ffff_ffffn, DATA])
    },
  )

  test.each([
    { bytes: [0x8c, 0xd8], name: 'mov eax, ds', word: CPU.SELECTOR_DS, rax: 0xe02bn },
    { bytes: [0x48, 0x8c, 0xe0], name: 'mov rax, fs', word: CPU.SELECTOR_FS, rax: 0xe02bn },
    { bytes: [0x66, 0x8c, 0xc8], name: 'mov ax, cs', word: CPU.SELECTOR_CS, rax: 0xffff_ffff_ffff_e02bn },
  ])('$name reads the selector', ({ bytes, word, rax }) => {
    const machine = machineOf(bytes)
    machine.vcpu.setI32(word, 0xe02b)
    expect(run(machine, 1000)).toBe('trap')
    expect(machine.vcpu.gpr(0)).toBe(rax)
  })

  test('mov [rbx], gs stores two bytes, also with REX.W', () => {
    const machine = machineOf([0x48, 0x8c, 0x2b])
    const page = machine.map({ va: DATA })
    machine.views.u64[page >> 3] = 0xffff_ffff_ffff_ffffn
    machine.vcpu.setI32(CPU.SELECTOR_GS, 0x63)
    expect(run(machine, 1000)).toBe('trap')
    expect(machine.views.u64[page >> 3]).toBe(0xffff_ffff_ffff_0063n)
  })
})
