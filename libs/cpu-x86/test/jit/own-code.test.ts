/** Code that changes code of the region that it is itself in, or that another vCPU is in. */
import { describe, expect, test } from 'vitest'
import { codeWritten } from '../../src/mmu/code-written.ts'
import { VcpuMemory } from '../../src/state/vcpu-memory.ts'
import { Machine, type MachineOptions } from '../machine.ts'
import { tiers } from '../run/tiers.ts'
import { Assembler } from './assembler.ts'

const CODE = 0x400000n
const ALIAS = 0x800000n
const STACK = 0x700000n
const TURNS = 128
const [LOOP, ON, PATCHED, BACK] = [0, 1, 2, 3]

/** add eax, imm32: its immediate is what is written. */
const ADD = [0x05, 1, 0, 0, 0]

/** Where the instruction is that is changed, in a loop that is counted by ecx. */
const PLACES: Readonly<Record<string, (code: Assembler) => void>> = {
  'in a block behind the store': (code) =>
    code
      .jmp(ON)
      .skipTo(0x80)
      .label(ON)
      .label(PATCHED)
      .put(...ADD),
  'in a block of the next page': (code) => code.jmp(PATCHED).label(BACK),
  'in a function': (code) => code.call(PATCHED),
  'in a function of the next page': (code) => code.call(PATCHED),
}
const BEHIND: Readonly<Record<string, (code: Assembler) => void>> = {
  'in a block behind the store': () => {},
  'in a block of the next page': (code) =>
    code
      .skipTo(0x1040)
      .label(PATCHED)
      .put(...ADD)
      .jmp(BACK),
  'in a function': (code) =>
    code
      .skipTo(0x200)
      .label(PATCHED)
      .put(...ADD, 0xc3),
  'in a function of the next page': (code) =>
    code
      .skipTo(0x1040)
      .label(PATCHED)
      .put(...ADD, 0xc3),
}

/** Every so many rounds: 1, 4, 32. */
const MASKS = [0, 3, 31]

/** In each round: inc edx; if ecx has none of the mask's bits: mov [rdi], edx; then the changed instruction. */
function program(place: string, mask: number): { code: Uint8Array; patched: number } {
  const code = new Assembler().label(LOOP).put(0xff, 0xc2, 0xf6, 0xc1, mask, 0x75, 2, 0x89, 0x17)
  PLACES[place](code)
  code.put(0xff, 0xc9).jcc(5, LOOP).put(0xf4)
  BEHIND[place](code)
  return { code: code.finish(), patched: code.place(PATCHED) + 1 }
}

function expected(mask: number): number {
  let [eax, adds] = [0, 1]
  for (let turn = 0; turn < TURNS; turn++) {
    if (((TURNS - turn) & mask) === 0) adds = turn + 1
    eax += adds
  }
  return eax
}

function machineOf(code: Uint8Array, options: MachineOptions): Machine {
  const machine = new Machine(options)
  for (const n of [0, 1]) {
    const va = CODE + BigInt(n) * 4096n
    machine.write(machine.map({ va }), code.subarray(n * 4096, (n + 1) * 4096))
    machine.map({ va: ALIAS + BigInt(n) * 4096n, frame: machine.frameOf(va) })
  }
  machine.map({ va: STACK })
  return machine
}

const begin = (machine: Machine, rdi: bigint, turns: number = TURNS): void => {
  machine.state = { rip: CODE, gpr: [0n, BigInt(turns), 0n, 0n, STACK + 0x800n, 0n, 0n, rdi] }
}

describe.each(tiers)('run $name', ({ options, run }) => {
  describe.each(Object.keys(PLACES))('an instruction %s', (place) => {
    test.each(MASKS.flatMap((mask) => [CODE, ALIAS].map((base) => [mask + 1, base] as const)))(
      'is changed every %i rounds, stored at %x',
      (every, base) => {
        const { code, patched } = program(place, every - 1)
        const machine = machineOf(code, options)
        // The second time what was changed is there already.
        for (let n = 0; n < 2; n++) {
          machine.write(
            machine.host(machine.frameOf(CODE + BigInt(patched & ~4095))) + (patched & 4095),
            Uint8Array.of(1, 0, 0, 0),
          )
          begin(machine, base + BigInt(patched))
          expect(run(machine, 100_000)).toBe('trap')
          expect(Number(machine.vcpu.gpr(0))).toBe(expected(every - 1))
        }
      },
    )
  })
})

describe.each(Object.keys(PLACES))('an instruction %s that another vCPU changes', (place) => {
  // The last EXACT_MARGIN of a stretch are run step by step.
  test.each([30, 111, 400])('every %i instructions and more', (more) => {
    const { code, patched } = program(place, 255)
    const stretch = 512 + more
    const ends = tiers.map(({ options, run }) => {
      const vcpus: VcpuMemory[] = []
      const access = {
        mayEmulate: () => false,
        emulate: () => 'refused' as const,
        written: (frame: number, offset: number, length: number) => codeWritten(vcpus, frame, offset, length),
      }
      const machine = machineOf(code, { ...options, nrVcpus: 2, access })
      // mov [rdi], edx; jmp to itself
      machine.write(machine.map({ va: 0x900000n }), Uint8Array.of(0x89, 0x17, 0xeb, 0xfe))
      const other = new Machine({ ...options, shared: machine.shared, index: 1, access })
      vcpus.push(...machine.shared.plan.vcpuBases.map((base) => new VcpuMemory(machine.views, base)))
      begin(machine, ALIAS + BigInt(patched), 10 * TURNS)
      let stop = run(machine, stretch)
      for (let n = 1; stop === 'limit'; n++) {
        other.state = { rip: 0x900000n, gpr: [0n, 0n, BigInt(n * 5), 0n, 0n, 0n, 0n, ALIAS + BigInt(patched)] }
        expect(run(other, 3)).toBe('limit')
        stop = run(machine, stretch)
      }
      return { stop, eax: machine.vcpu.gpr(0), ecx: machine.vcpu.gpr(1) }
    })
    expect(ends[0]).toMatchObject({ stop: 'trap', ecx: 0n })
    expect(ends[1]).toEqual(ends[0])
    expect(ends[2]).toEqual(ends[0])
  })
})
