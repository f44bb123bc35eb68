import { FLAT_RING3_CS64, FLAT_RING3_SS64 } from '@paravane/core/abi'
import { beforeEach, describe, expect, test } from 'vitest'
import { TRAP_KINDS } from '../../src/builder/builder.ts'
import { LinearMemory } from '../../src/mmu/linear-memory.ts'
import { Descriptors } from '../../src/pv/descriptors.ts'
import { Emulator } from '../../src/pv/emulate.ts'
import type { Emulated, EmulationContext } from '../../src/pv/emulation.ts'
import { EmulatedOperands } from '../../src/pv/operands.ts'
import { CPU } from '../../src/state/layout.ts'
import { Machine } from '../machine.ts'

const CODE = 0x400000n
const STACK = 0x500000n
/** Pages at the ends of what an address reaches, and behind 4 GiB. */
const MAPPED = [STACK, 0xfffff000n, 0x100000000n, 0x7ffffffff000n]
const LAST = 0x7fffffffffffn

const SS = { vector: 12, error: 0 }
const GP = { vector: 13, error: 0 }
const RFLAGS = 0x202n
const TF = 0x100n
const NT = 0x4000n

let machine: Machine
let emulator: Emulator

beforeEach(() => {
  machine = new Machine()
  for (const va of MAPPED) machine.map({ va })
  const { vcpu, runner } = machine
  const memory = new LinearMemory(
    vcpu,
    runner.walker,
    () => vcpu.i32(CPU.ROOT),
    () => {},
  )
  const context: Partial<EmulationContext> = {
    vcpu,
    memory,
    descriptors: new Descriptors(vcpu, () => 0),
    operands: new EmulatedOperands(vcpu, memory),
  }
  emulator = new Emulator(context as EmulationContext)
})

/** The instruction, which translated code leaves to TypeScript, with `at` in RDI and RSP. */
function emulated(mode: 32 | 64, code: readonly number[], at: bigint, rflags: bigint = RFLAGS): Emulated {
  const { vcpu, runner } = machine
  machine.write(machine.map({ va: CODE }), Uint8Array.from(code))
  vcpu.setI32(CPU.COMPAT, mode === 32 ? 1 : 0)
  machine.state = { rip: CODE, gpr: [0n, 0n, 0n, 0n, at, 0n, 0n, at], rflags }
  expect(runner.run(1)).toBe('trap')
  const insn = runner.current()
  if (!insn) throw new TypeError('nothing to emulate')
  return emulator.emulate(TRAP_KINDS[vcpu.i32(CPU.TRAP)], insn)
}

const VERR = [0x0f, 0x00, 0x27]
const VERR_RSP = [0x0f, 0x00, 0x24, 0x24]
const MOV_SS_RSP = [0x8e, 0x14, 0x24]
const LDS = [0xc5, 0x07]
const FXSAVE = [0x0f, 0xae, 0x07]
const RETF = [0xcb]
const IRET = [0xcf]
const IRETQ = [0x48, 0xcf]

describe('an operand of an emulated instruction is refused as that of any other', () => {
  test.each([
    ['verr at the last word of 4 GiB', 32, VERR, 0xfffffffen, undefined],
    ['verr across 4 GiB', 32, VERR, 0xffffffffn, GP],
    ['verr across 4 GiB, on the stack', 32, VERR_RSP, 0xffffffffn, SS],
    ['lds across 4 GiB', 32, LDS, 0xfffffffbn, GP],
    ['fxsave across 4 GiB', 32, FXSAVE, 0xffffff00n, GP],
    ['retf across 4 GiB', 32, RETF, 0xfffffffcn, SS],
    ['iret across 4 GiB', 32, IRET, 0xfffffff8n, SS],
    ['verr at the last canonical word', 64, VERR, LAST - 1n, undefined],
    ['verr with an end that is not canonical', 64, VERR, LAST, GP],
    ['verr with such an end, on the stack', 64, VERR_RSP, LAST, SS],
    ['mov to ss with such an end, from the stack', 64, MOV_SS_RSP, LAST, SS],
    ['fxsave with such an end', 64, FXSAVE, LAST - 0xffn, GP],
    ['iretq with such an end', 64, IRETQ, LAST - 7n, SS],
  ] as const)('%s in %d-bit code', (_what, mode, code, at, end) => {
    const answer = emulated(mode, code, at)
    if (end === undefined) expect(answer).toBeUndefined()
    else expect(answer).toMatchObject(end)
  })
})

test('popf that sets TF wraps ESP at 4 GiB', () => {
  machine.views.i32[(machine.map({ va: 0xfffff000n }) + 0xffc) >> 2] = Number(RFLAGS | TF)
  expect(emulated(32, [0x9d], 0xfffffffcn)).toBeUndefined()
  expect(machine.vcpu.gpr(4)).toBe(0n)
})

describe('iretq', () => {
  const frame = [CODE, BigInt(FLAT_RING3_CS64), RFLAGS, STACK, BigInt(FLAT_RING3_SS64)]
  test.each([
    ['returns', RFLAGS, 'jumped'],
    ['is #GP with NT set', RFLAGS | NT, GP],
  ])('%s', (_what, rflags, end) => {
    machine.views.u64.set(frame, machine.map({ va: STACK }) >> 3)
    expect(emulated(64, IRETQ, STACK, rflags)).toEqual(end)
  })
})
