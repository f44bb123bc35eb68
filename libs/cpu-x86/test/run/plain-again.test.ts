import { describe, expect, it } from 'vitest'
import { codeWritten } from '../../src/mmu/code-written.ts'
import { CPU, FRAME } from '../../src/state/layout.ts'
import { VcpuMemory } from '../../src/state/vcpu-memory.ts'
import { Machine } from '../machine.ts'

const CODE = 0x400000n
/** inc eax; jmp back */
const LOOP = Uint8Array.of(0xff, 0xc0, 0xeb, 0xfc)
const BESIDE = 0x800
/** Enough for the cold tier: a short run goes step by step. */
const ROUNDS = 1000

function running(nrVcpus: number): {
  machine: Machine
  host: number
  isCode: () => boolean
  run: () => bigint
  changed: (offset: number, length: number) => void
} {
  const machine = new Machine({ nrVcpus })
  const host = machine.map({ va: CODE })
  machine.write(host, LOOP)
  const { vcpu, views } = machine
  const isCode = (): boolean => (views.u8[vcpu.i32(CPU.FRAME_FLAGS) + (host >>> 12)] & FRAME.CODE) !== 0
  const run = (): bigint => {
    machine.state = { rip: CODE, gpr: [0n] }
    machine.run(2 * ROUNDS)
    return machine.state.gpr[0]
  }
  const vcpus = machine.shared.plan.vcpuBases.map((base) => new VcpuMemory(views, base))
  const changed = (offset: number, length: number): void => codeWritten(vcpus, host, offset, length)
  return { machine, host, isCode, run, changed }
}

describe.each([1, 2])('with %i vCPUs, a frame with translated code that is written', (nrVcpus) => {
  it('is plain memory once the code itself is changed, and code again when it runs again', () => {
    const { machine, host, isCode, run, changed } = running(nrVcpus)
    expect(run()).toBe(1000n)
    expect(isCode()).toBe(true)
    machine.views.u8[host + 1] = 0xc8
    changed(1, 1)
    expect(isCode()).toBe(false)
    expect(run()).toBe(0xffff_fc18n)
    expect(isCode()).toBe(true)
  })

  it('stays code for some writes beside it, not for many', () => {
    const { isCode, run, changed } = running(nrVcpus)
    run()
    let writes = 0
    while (isCode() && writes < 1000) {
      changed(BESIDE, 8)
      writes++
    }
    expect(writes).toBeGreaterThan(10)
    expect(writes).toBeLessThan(1000)
    expect(run()).toBe(1000n)
  })

  it('does not use up the arena: a table is used again', () => {
    const { machine, run, changed } = running(nrVcpus)
    run()
    changed(0, 1)
    run()
    const room = machine.vcpu.i32(CPU.ARENA_NEXT)
    for (let n = 0; n < 100; n++) {
      changed(0, 1)
      expect(run()).toBe(1000n)
    }
    expect(machine.vcpu.i32(CPU.ARENA_NEXT) - room).toBeLessThan(100 * 4096)
  })
})
