/** The cold tier and the slow step as machines of `conformance.ts`: the memory of the judge, in user mode. */
import type { Stop } from '../../src/run.ts'
import { CPU } from '../../src/state/layout.ts'
import { Machine as TestMachine } from '../machine.ts'
import { CODE, DATA, DATA_BYTES, STACK, type Word } from '../native/native.ts'
import type { Machine, Outcome } from './conformance.ts'

/** A jump to itself: the loop looks at its limit only at jumps. */
const TAIL = Uint8Array.of(0xeb, 0xfe)

interface Page {
  readonly va: number
  readonly host: number
}

/** A jump to the next instruction, which asks for a region there. */
const JUMP = Uint8Array.of(0xeb, 0x00)

/**
 * `loop`: bodies of the cold tier; `region`: compiled at the first jump; `step`: one instruction at a time with memory opened by
 * TypeScript.
 */
export function coldMachine(how: 'loop' | 'region' | 'step'): Machine {
  const machine = new TestMachine({ regionThreshold: how === 'region' ? 1 : 0 })
  const page = (va: number): Page => ({ va, host: machine.map({ va: BigInt(va) }) })
  const code = page(CODE)
  const start = how === 'region' ? CODE - JUMP.length : CODE
  if (how === 'region') machine.write(page(CODE - 4096).host + 4096 - JUMP.length, JUMP)
  const pages = [page(DATA), page(DATA + DATA_BYTES / 2), page(STACK)]
  machine.user(true)
  const { u64 } = machine.views
  return (one) => {
    const before = new Map<number, bigint>()
    for (const { address, value } of one.memory ?? []) {
      const { va, host } = pages.find(({ va }) => address >= va && address < va + 4096)!
      u64[(host + address - va) >> 3] = value
      before.set(address, value)
    }
    machine.write(code.host, Uint8Array.of(...one.code, ...TAIL))
    machine.vcpu.setI32(CPU.COMPAT, one.mode === 32 ? 1 : 0)
    machine.state = { gpr: [...one.gpr], rip: BigInt(start), rflags: BigInt(one.rflags ?? 0) | 0x202n }
    // Known before it is jumped to, so that the first jump counts.
    if (how === 'region') machine.runner.cache.record(code.host, 0)
    const stop = how === 'step' ? machine.steps(1) : machine.runner.run(how === 'loop' ? 2 : 3)
    return { ...faultOf(machine, stop), ...registersOf(machine), memory: takeChanges(machine, pages, before) }
  }
}

function faultOf({ vcpu }: TestMachine, stop: Stop): Pick<Outcome, 'vector' | 'errorCode' | 'address'> {
  if (stop === 'limit') return { vector: -1, errorCode: 0, address: 0n }
  if (stop !== 'fault') throw new Error(`the machine stopped with ${stop}`)
  const vector = vcpu.i32(CPU.VECTOR)
  return { vector, errorCode: Math.max(0, vcpu.i32(CPU.ERROR)), address: vector === 14 ? vcpu.u64(CPU.ADDRESS) : 0n }
}

function registersOf(machine: TestMachine): Pick<Outcome, 'gpr' | 'rflags'> {
  const { gpr, rflags } = machine.state
  return { gpr: BigUint64Array.from(gpr), rflags: Number(rflags) }
}

/** Words that changed; all memory is zero afterwards. */
function takeChanges(machine: TestMachine, pages: readonly Page[], before: ReadonlyMap<number, bigint>): Word[] {
  const { u64 } = machine.views
  return pages.flatMap(({ va, host }) => {
    const words = u64.subarray(host >> 3, (host + 4096) >> 3)
    const changed: Word[] = []
    for (let n = 0; n < 512; n++) {
      const address = va + 8 * n
      if (words[n] !== (before.get(address) ?? 0n)) changed.push({ address, value: words[n] })
    }
    words.fill(0n)
    return changed
  })
}
