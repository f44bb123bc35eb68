/** Runs programs in our engine: one machine for all of them, its memory set anew for each. */

import { decode, isFault } from '../../src/decode/decoder.ts'
import { sseHelper } from '../../src/insn/sse-helper.ts'
import { x87Helper } from '../../src/insn/x87-helper.ts'
import type { RunnerOptions, Stop } from '../../src/run.ts'
import { CPU } from '../../src/state/layout.ts'
import { Machine } from '../machine.ts'
import {
  AREAS,
  CODE,
  CODE_BYTES,
  type Final,
  FX_BYTES,
  IMAGE_BYTES,
  INVALID_OPCODE,
  type Program,
  READ_ONLY,
} from './layout.ts'

/** How a machine runs a program to its end: answers why it stopped. */
export type Way = (machine: Machine, limit: number) => Stop

/** More than any program executes. */
const LIMIT = 1 << 20

export class ProgramRunner {
  readonly machine: Machine
  readonly #way: Way
  /** Instructions retired by the last program. */
  retired = 0
  /** Host address of each page of the image. */
  readonly #pages: { readonly host: number; readonly offset: number; readonly executable: boolean }[] = []

  constructor(way: Way, readOnly: Uint8Array, options: Partial<RunnerOptions> = {}) {
    this.#way = way
    this.machine = new Machine({
      helpers: (vcpu) => {
        const view = new DataView(vcpu.views.memory.buffer)
        return { sse: sseHelper(view), x87: x87Helper(view), tsc: () => 0 }
      },
      ...options,
    })
    for (const { address, bytes, offset, executable } of AREAS)
      for (let at = 0; at < bytes; at += 4096)
        this.#pages.push({
          host: this.machine.map({ va: BigInt(address + at), executable }),
          offset: offset + at,
          executable,
        })
    const last = this.machine.map({ va: BigInt(READ_ONLY), writable: false, executable: false })
    this.machine.write(last, readOnly)
    this.machine.user(true)
  }

  load(program: Program): void {
    const { machine } = this
    const { vcpu } = machine
    for (const { host, offset, executable } of this.#pages) {
      const page = program.image.subarray(offset, offset + 4096)
      if (executable) machine.write(host, page)
      else vcpu.views.u8.set(page, host)
    }
    vcpu.views.u8.set(program.fx, vcpu.base + CPU.FX)
    machine.state = { gpr: Array.from(program.gpr), rip: BigInt(program.entry), rflags: BigInt(program.rflags | 0x202) }
  }

  /** How the program ends, undefined if it does not within LIMIT. */
  run(program: Program): Final | undefined {
    this.load(program)
    const { vcpu } = this.machine
    const before = vcpu.u64(CPU.ICOUNT)
    const stop = this.#way(this.machine, LIMIT)
    this.retired = Number(vcpu.u64(CPU.ICOUNT) - before)
    return this.final(stop)
  }

  final(stop: Stop): Final | undefined {
    const { vcpu, state } = this.machine
    if (stop === 'limit' || stop === 'absent') return undefined
    const image = new Uint8Array(IMAGE_BYTES)
    for (const { host, offset } of this.#pages) image.set(vcpu.views.u8.subarray(host, host + 4096), offset)
    const isFaulting = stop === 'fault'
    const vector = isFaulting ? vcpu.i32(CPU.VECTOR) : this.#vectorOfTrap(image, state.rip)
    return {
      vector,
      error: isFaulting ? Math.max(0, vcpu.i32(CPU.ERROR)) : 0,
      address: vector === 14 ? vcpu.u64(CPU.ADDRESS) : 0n,
      rip: state.rip,
      gpr: BigUint64Array.from(state.gpr),
      rflags: Number(state.rflags),
      fx: vcpu.views.u8.slice(vcpu.base + CPU.FX, vcpu.base + CPU.FX + FX_BYTES),
      image,
    }
  }

  /** Programs trap by nothing but instructions that are #UD by definition; any other trap is a wrong end. */
  #vectorOfTrap(image: Uint8Array, rip: bigint): number {
    const offset = Number(rip) - CODE
    const insn = offset >= 0 && offset < CODE_BYTES ? decode(image, offset, CODE_BYTES, 64) : undefined
    return insn !== undefined && !isFault(insn) && insn.row.name.startsWith('ud') ? INVALID_OPCODE : OTHER_TRAP
  }
}

const OTHER_TRAP = 255

export const inColdTier: Way = (machine, limit) => machine.run(limit)

export const stepByStep: Way = (machine, limit) => machine.steps(limit)

/** Leaves translated code every few instructions and drops all of it. */
export const droppingTranslations: Way = ({ runner, vcpu }, limit) => {
  const end = vcpu.u64(CPU.ICOUNT) + BigInt(limit)
  while (vcpu.u64(CPU.ICOUNT) < end) {
    const stop = runner.run(SLICE)
    if (stop !== 'limit') return stop
    runner.cache.dropAll()
  }
  return 'limit'
}
const SLICE = 40
