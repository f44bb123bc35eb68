import { describe, expect, it } from 'vitest'
import { CPU } from '../../src/state/layout.ts'
import { Random } from '../insn/random.ts'
import { Machine } from '../machine.ts'
import { isReference } from '../native/judge.ts'
import {
  CODE,
  DATA,
  DATA_BYTES,
  GPR_NAMES,
  type NativeCase,
  type NativeResult,
  runNative,
  STACK,
  STACK_BYTES,
} from '../native/native.ts'
import { common, only32, only64 } from './programs.ts'

const [RAX, RCX, , RBX, RSP, RBP, RSI, RDI, R8] = GPR_NAMES.keys()
const FLAGS = 0xcd5
const IF = 0x202n
const INT3 = 0xcc
const PAGE_FAULT = 14
const CASES = Number(process.env.N ?? 12)

const bytesOf = (hex: string) => Uint8Array.from(hex.split(' '), (text) => Number.parseInt(text, 16))

/** Where data pointers go: anywhere in DATA, often near the middle (the boundary of two pages) or an end. */
function dataAddress(random: Random): bigint {
  const kind = random.below(4)
  if (kind === 0) return BigInt(DATA + 4096 - 40 + random.below(80))
  if (kind === 1) return BigInt(DATA + (random.chance(50) ? random.below(40) : DATA_BYTES - 1 - random.below(40)))
  return BigInt(DATA + 64 + random.below(DATA_BYTES - 128))
}

function makeCase(code: Uint8Array, mode: 32 | 64, random: Random): NativeCase {
  const gpr = BigUint64Array.from({ length: 16 }, () => random.operand(random.pick([1, 2, 4, 8])))
  gpr[RBX] = dataAddress(random)
  gpr[R8] = dataAddress(random)
  gpr[RSI] = dataAddress(random)
  gpr[RDI] = random.chance(50) ? gpr[RSI] + BigInt(random.below(41) - 20) : dataAddress(random)
  gpr[RCX] = random.chance(20) ? gpr[RCX] : BigInt(random.below(random.chance(50) ? 4 : 700))
  gpr[RSP] = BigInt(STACK) + (random.chance(15) ? BigInt(random.below(9)) : BigInt(STACK_BYTES / 2 + random.below(64)))
  gpr[RBP] = BigInt(STACK + STACK_BYTES / 2 + 128 + 8 * random.below(100))
  if (random.chance(50)) gpr[RAX] = BigInt.asUintN(64, BigInt.asIntN(8, gpr[RAX]) & 1n ? 0x4141414141414141n : 0n)
  if (mode === 32) for (let n = 0; n < 16; n++) gpr[n] = BigInt.asUintN(32, gpr[n])
  // Long enough runs of equal elements for cmps and scas to go on.
  const same = random.chance(60)
  const fill = gpr[RAX]
  const memory = Array.from({ length: 12 }, () => ({
    address: DATA + 8 * random.below(DATA_BYTES / 8),
    value: same ? fill : random.bits64(),
  }))
  const whole = same
    ? Array.from({ length: 200 }, (_, n) => ({ address: DATA + 3200 + 8 * n, value: fill }))
    : Array.from({ length: 200 }, (_, n) => ({ address: DATA + 3200 + 8 * n, value: random.bits64() }))
  const rflags = Number(random.bits64() & 0x8d5n) | (random.chance(40) ? 0x400 : 0)
  return { code, mode, gpr, rflags, memory: [...whole, ...memory] }
}

type Outcome = Pick<NativeResult, 'vector' | 'error' | 'rip' | 'rflags' | 'gpr' | 'memory'> & {
  readonly address: bigint
}

class Bench {
  readonly #machine = new Machine()
  readonly #code = this.#machine.map({ va: BigInt(CODE) })
  readonly #pages = [DATA, DATA + 4096, STACK].map((va) => ({ va, host: this.#machine.map({ va: BigInt(va) }) }))

  run({ code, mode = 64, gpr, rflags = 0, memory = [] }: NativeCase, how: 'run' | 'steps'): Outcome {
    const { views, vcpu } = this.#machine
    const word = (address: number) => {
      const page = this.#pages.find(({ va }) => address >= va && address < va + 4096)
      if (!page) throw new RangeError(`no page at ${address}`)
      return (page.host + address - page.va) >> 3
    }
    for (const { host } of this.#pages) views.u64.fill(0n, host >> 3, (host + 4096) >> 3)
    for (const { address, value } of memory) views.u64[word(address)] = value
    const before = this.#pages.map(({ host }) => views.u64.slice(host >> 3, (host + 4096) >> 3))
    this.#machine.write(this.#code, Uint8Array.of(...code, INT3))
    this.#machine.user(true)
    vcpu.setI32(CPU.COMPAT, mode === 32 ? 1 : 0)
    vcpu.setI32(CPU.MXCSR, 0x1f80)
    this.#machine.state = { gpr: [...gpr], rip: BigInt(CODE), rflags: BigInt(rflags) | IF }
    const stop = how === 'run' ? this.#machine.run(100_000) : this.#machine.steps(100_000)
    const { state } = this.#machine
    const changed = this.#pages.flatMap(({ va, host }, n) =>
      Array.from({ length: 512 }, (_, k) => ({ address: va + 8 * k, value: views.u64[(host >> 3) + k] })).filter(
        ({ value }, k) => value !== before[n][k],
      ),
    )
    const faulted = stop === 'fault'
    const vector = faulted ? vcpu.i32(CPU.VECTOR) : stop === 'trap' ? -1 : -2
    return {
      vector,
      error: faulted && vcpu.i32(CPU.ERROR) >= 0 ? vcpu.i32(CPU.ERROR) : 0,
      address: vector === PAGE_FAULT ? vcpu.u64(CPU.ADDRESS) : 0n,
      // As the judge has it, in 32 bits.
      rip: (Number(state.rip) - CODE) | 0,
      rflags: Number(state.rflags),
      gpr: BigUint64Array.from(state.gpr),
      memory: changed,
    }
  }
}

/**
 * pusha and enter write several words. Those before the one that faults are written by the processor, not by us: the instruction
 * is restarted, so nobody can tell.
 */
const writesBeforeFault = ({ code }: NativeCase) => code.includes(0x60) || code.includes(0xc8)

/** `MAKERS_OWN.pause` and `MAKERS_OWN.stoppedComparison`. */
function differsByMaker({ code }: NativeCase, { vector }: Outcome): boolean {
  const hex = Buffer.from(code).toString('hex')
  return hex === 'f34990' || (vector >= 0 && /^(66|67|48)*f[23](66|67|48)*a[67ef]$/.test(hex))
}

function text(o: Outcome): string[] {
  return [
    o.vector < 0 ? 'no exception' : `exception ${o.vector} error ${o.error} at ${o.address.toString(16)}`,
    `rip=+${o.rip}`,
    `flags=${(o.rflags & FLAGS).toString(16)}`,
    ...Array.from(o.gpr, (value, n) => `${GPR_NAMES[n]}=${value.toString(16)}`),
    ...o.memory.map(({ address, value }) => `[${address.toString(16)}]=${value.toString(16)}`),
  ]
}

function expected(r: NativeResult, length: number): Outcome {
  if (r.signal === 0) return { ...r, vector: -1, error: 0, address: 0n, rip: length }
  return { ...r, address: r.vector === PAGE_FAULT ? r.address : 0n }
}

const bench = new Bench()

function differences(programs: readonly string[], mode: 32 | 64): string[] {
  const random = new Random(BigInt(mode) + 77n)
  const cases = programs.flatMap((hex) => Array.from({ length: CASES }, () => makeCase(bytesOf(hex), mode, random)))
  const results = runNative(cases)
  const found: string[] = []
  for (const [n, one] of cases.entries()) {
    const outcome = expected(results[n], one.code.length)
    if (!isReference && differsByMaker(one, outcome)) continue
    const ignoresMemory = outcome.vector >= 0 && writesBeforeFault(one)
    const silicon = text(ignoresMemory ? { ...outcome, memory: [] } : outcome)
    for (const how of ['run', 'steps'] as const) {
      const ours = text(bench.run(one, how))
      if (ours.join() === silicon.join()) continue
      const only = (mine: string[], other: string[]) =>
        mine
          .filter((part) => !other.includes(part))
          .slice(0, 12)
          .join(' ')
      found.push(`${Buffer.from(one.code).toString('hex')} (${mode}-bit, ${how})
  from     ${text({ ...expected(results[n], 0), gpr: one.gpr, rflags: one.rflags!, memory: [] })
    .slice(2)
    .join(' ')}
  silicon  ${only(silicon, ours)}
  ours     ${only(ours, silicon)}`)
    }
  }
  return found
}

describe.each([
  [64, only64],
  [32, only32],
] as const)('in %i-bit mode the cold tier and the slow step do what the processor does:', (mode, own) => {
  it.each(['moves', 'stack', 'branches', 'strings'])('%s', (family) => {
    const found = differences([...(common[family] ?? []), ...(own[family] ?? [])], mode)
    expect(found.slice(0, 5)).toEqual([])
  })
})
