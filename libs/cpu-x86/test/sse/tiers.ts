/** Runs single instructions on the bare machine: in the cold tier, in the slow step, or in a region made at the first jump. */

import type { Helpers } from '../../src/cold/cold-tier.ts'
import { sseHelper } from '../../src/insn/sse-helper.ts'
import { x87Helper } from '../../src/insn/x87-helper.ts'
import { CPU } from '../../src/state/layout.ts'
import type { VcpuMemory } from '../../src/state/vcpu-memory.ts'
import { Machine } from '../machine.ts'
import { CODE, DATA, DATA_BYTES, initialFx, type NativeCase, type Word } from '../native/native.ts'
import type { Outcome } from './bodies.ts'

/** jmp to itself: the cold tier looks at its limit at jumps. */
const END = [0xeb, 0xfe]
/** jmp to the next instruction, which asks for a region there. */
const JUMP = [0xeb, 0x00]

export type TierName = 'cold' | 'step' | 'region'

export const helpers = (vcpu: VcpuMemory): Helpers => {
  const memory = new DataView(vcpu.views.memory.buffer)
  return { sse: sseHelper(memory), x87: x87Helper(memory), tsc: () => 0 }
}

/** Cases with memory at DATA only. */
export function tierRunner(tier: TierName): ((test: NativeCase) => Outcome) & { readonly regions: () => number } {
  const machine = new Machine({ helpers, regionThreshold: tier === 'region' ? 1 : 0 })
  const before = tier === 'region' ? JUMP : []
  const { vcpu, views, runner } = machine
  machine.user(true)
  const code = machine.map({ va: BigInt(CODE), writable: false })
  const data = [0, 4096].map((offset) => machine.map({ va: BigInt(DATA + offset) }))
  const index = (address: number): number => ((data[(address - DATA) >> 12] as number) + ((address - DATA) & 4095)) >> 3
  const run = (test: NativeCase): Outcome => {
    machine.write(code, Uint8Array.from([...before, ...test.code, ...END]))
    for (let at = DATA; at < DATA + DATA_BYTES; at += 8) views.u64[index(at)] = 0n
    const old = new Map<number, bigint>()
    for (const { address, value } of test.memory ?? []) {
      views.u64[index(address)] = value
      old.set(address, value)
    }
    machine.state = { gpr: [...test.gpr], rip: BigInt(CODE), rflags: BigInt((test.rflags ?? 0) | 0x202) }
    views.u8.set(test.fx ?? initialFx(), vcpu.base + CPU.FX)
    // Known before it is jumped to, so that the first jump counts.
    if (tier === 'region') runner.cache.record(code, before.length)
    const stop = tier === 'step' ? (runner.step() ?? 'limit') : runner.run(tier === 'cold' ? 2 : 3)
    const memory: Word[] = []
    for (let address = DATA; address < DATA + DATA_BYTES; address += 8) {
      const value = views.u64[index(address)] as bigint
      if (value !== (old.get(address) ?? 0n)) memory.push({ address, value })
    }
    return {
      vector: stop === 'fault' ? vcpu.i32(CPU.VECTOR) : stop === 'limit' ? -1 : -2,
      error: vcpu.i32(CPU.ERROR),
      gpr: BigUint64Array.from(machine.state.gpr),
      rflags: Number(machine.state.rflags & 0x8d5n),
      fx: views.u8.slice(vcpu.base + CPU.FX, vcpu.base + CPU.FX + 512),
      memory,
    }
  }
  return Object.assign(run, { regions: () => runner.regions.count })
}
