import type { Stop } from '../../src/run.ts'
import { Machine, type MachineOptions } from '../machine.ts'

/** The ways in which a vCPU gets through its instructions. */
export interface Tier {
  readonly name: string
  readonly options: MachineOptions
  /** Runs so many instructions more, exactly. */
  run(machine: Machine, count: number): Stop
}

export const tiers: readonly Tier[] = [
  { name: 'step by step', options: {}, run: (machine, count) => machine.steps(count) },
  { name: 'in the cold tier', options: {}, run: (machine, count) => machine.run(count) },
  { name: 'with regions', options: { regionThreshold: 3 }, run: (machine, count) => machine.run(count) },
]

export const CODE = 0x400000n

/** A machine with its code at CODE + `offset`, in two writable pages; and the host addresses of these. */
export function machineWith(
  code: Uint8Array,
  offset: number,
  options: MachineOptions,
): { machine: Machine; pages: number[] } {
  const machine = new Machine(options)
  const pages = [0n, 1n].map((n) => machine.map({ va: CODE + n * 0x1000n }))
  for (const [n, byte] of code.entries()) {
    const at = offset + n
    machine.write(pages[at >> 12] + (at & 4095), Uint8Array.of(byte))
  }
  return { machine, pages }
}
