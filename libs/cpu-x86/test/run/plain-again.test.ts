import { describe, expect, it } from 'vitest'
import { codeWritten } from '../../src/mmu/code-written.ts'
import { CPU, FRAME } from '../../src/state/layout.ts'
import { Machine } from '../machine.ts'

const CODE = 0x400000n
/** inc eax; jmp back */
const LOOP = Uint8Array.of(0xff, 0xc0, 0xeb, 0xfc)
const BESIDE = 0x800
/** Enough for the cold tier: a short run goes step by step. */
const ROUNDS = 1000

function running(): { machine: Machine; host: number; isCode: () => boolean; run: () => bigint } {
  const machine = new Machine()
  const host = machine.map({ va: CODE })
  machine.write(host, LOOP)
  const { vcpu, views } = machine
  const isCode = (): boolean => (views.u8[vcpu.i32(CPU.FRAME_FLAGS) + (host >>> 12)] & FRAME.CODE) !== 0
  const run = (): bigint => {
    machine.state = { rip: CODE, gpr: [0n] }
    machine.run(2 * ROUNDS)
    return machine.state.gpr[0]
  }
  return { machine, host, isCode, run }
}

describe('a frame with translated code that is written', () => {
  it('is plain memory once the code itself is changed, and code again when it runs again', () => {
    const { machine, host, isCode, run } = running()
    expect(run()).toBe(1000n)
    expect(isCode()).toBe(true)
    machine.views.u8[host + 1] = 0xc8
    codeWritten([machine.vcpu], host, 1, 1)
    expect(isCode()).toBe(false)
    expect(run()).toBe(0xffff_fc18n)
    expect(isCode()).toBe(true)
  })

  it('stays code for some writes beside it, not for many', () => {
    const { machine, host, isCode, run } = running()
    run()
    let writes = 0
    while (isCode() && writes < 1000) {
      codeWritten([machine.vcpu], host, BESIDE, 8)
      writes++
    }
    expect(writes).toBeGreaterThan(10)
    expect(writes).toBeLessThan(1000)
    expect(run()).toBe(1000n)
  })

  it('does not use up the arena: a table is used again', () => {
    const { machine, host, run } = running()
    run()
    codeWritten([machine.vcpu], host, 0, 1)
    run()
    const room = machine.vcpu.i32(CPU.ARENA_NEXT)
    for (let n = 0; n < 100; n++) {
      codeWritten([machine.vcpu], host, 0, 1)
      expect(run()).toBe(1000n)
    }
    expect(machine.vcpu.i32(CPU.ARENA_NEXT) - room).toBeLessThan(100 * 4096)
  })
})
