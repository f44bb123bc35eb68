/**
 * The CPU engine against itself: a short loop of random instructions runs in the cold tier, with regions from the first
 * jump on, and step by step. All three must stop for the same reason at the same instruction, with the same registers,
 * flags, floating-point state, memory and count of retired instructions. What instructions mean is silicon's to judge.
 *
 * One difference is meant: after how many elements a repeated string instruction notices that it overwrites itself.
 */
import { decode, isFault } from '../../../libs/cpu-x86/src/decode/decoder.ts'
import { sseHelper } from '../../../libs/cpu-x86/src/insn/sse-helper.ts'
import { x87Helper } from '../../../libs/cpu-x86/src/insn/x87-helper.ts'
import type { Stop } from '../../../libs/cpu-x86/src/run.ts'
import { CPU } from '../../../libs/cpu-x86/src/state/layout.ts'
import { Machine } from '../../../libs/cpu-x86/test/machine.ts'
import type { Random } from '../random.ts'
import { Tape } from '../tape.ts'
import { finding, type Judge, type Target } from '../target.ts'

const STRIDE = 16
/** A slot that chooses the state, then slots of one instruction each. */
const MOST_SLOTS = 12
const CODE = 0x400000
const DATA = 0x600000
const DATA_PAGES = 3
const READ_ONLY = DATA + DATA_PAGES * 4096
const COUNTER = 0x700000
const ROUNDS = 4
const LIMIT = 3000
const PREFIXES: readonly number[] = [0x66, 0xf2, 0xf3, 0xf0, 0x67, 0x64]
const FLAGS: readonly bigint[] = [0x202n, 0x203n, 0x2d7n, 0xad7n, 0xa46n, 0x602n, 0x242n, 0x212n]
/** FCW, and MXCSR: the usual ones, other roundings, exceptions not masked, flush to zero. */
const CONTROL: readonly (readonly [number, number])[] = [
  [0x37f, 0x1f80],
  [0x37f, 0x1fa0],
  [0x27f, 0x3f80],
  [0xf7f, 0x9fc0],
  [0x340, 0x1e00],
]

export interface TierWay {
  readonly name: string
  readonly regionThreshold: number
  run(machine: Machine): Stop
}

const WAYS: readonly TierWay[] = [
  { name: 'the cold tier', regionThreshold: 0, run: (machine) => machine.runner.run(LIMIT) },
  { name: 'regions', regionThreshold: 1, run: (machine) => machine.runner.run(LIMIT) },
  { name: 'single steps', regionThreshold: 0, run: (machine) => machine.steps(LIMIT) },
]

class Runner {
  readonly machine: Machine
  readonly way: TierWay
  readonly #code: number
  /** The page behind the code, which it may reach into. */
  readonly #behind: number
  readonly #pages: readonly number[]
  readonly #counter: number
  #before = 0n

  constructor(way: TierWay) {
    this.way = way
    this.machine = new Machine({
      regionThreshold: way.regionThreshold,
      helpers: (vcpu) => {
        const view = new DataView(vcpu.views.memory.buffer)
        return { sse: sseHelper(view), x87: x87Helper(view), tsc: () => 0 }
      },
    })
    const { machine } = this
    this.#code = machine.map({ va: BigInt(CODE) })
    this.#behind = machine.map({ va: BigInt(CODE + 4096) })
    this.#pages = Array.from({ length: DATA_PAGES + 1 }, (_, n) =>
      machine.map({ va: BigInt(DATA + n * 4096), writable: n < DATA_PAGES, executable: false }),
    )
    this.#counter = machine.map({ va: BigInt(COUNTER), executable: false })
    machine.user(true)
  }

  load({ code, gpr, rflags, fx, mode }: Setup): void {
    const { machine } = this
    const { vcpu } = machine
    machine.write(this.#code, code)
    // Whatever a case has left there: one that ends at the limit leaves not the same in every tier.
    machine.write(this.#behind, NOTHING)
    vcpu.views.u8.fill(0, this.#counter, this.#counter + 4096)
    for (const page of this.#pages) vcpu.views.u8.set(PATTERN, page)
    vcpu.views.i32[this.#counter >> 2] = ROUNDS
    vcpu.views.u8.set(fx, vcpu.base + CPU.FX)
    vcpu.setI32(CPU.COMPAT, mode === 32 ? 1 : 0)
    vcpu.setI32(CPU.REC, 0)
    machine.state = { gpr, rip: BigInt(CODE), rflags }
    this.#before = vcpu.u64(CPU.ICOUNT)
  }

  run(): Stop {
    return this.way.run(this.machine)
  }

  get retired(): bigint {
    return this.machine.vcpu.u64(CPU.ICOUNT) - this.#before
  }

  /** Whether the code is not what it was. */
  overwrote({ code }: Setup): boolean {
    return Buffer.compare(this.machine.vcpu.views.u8.subarray(this.#code, this.#code + 4096), code) !== 0
  }

  /** Where this one's end differs from another's; undefined if nowhere. */
  difference(other: Runner, stop: Stop): string | undefined {
    const [mine, theirs] = [this.machine, other.machine]
    if (this.retired !== other.retired) return `${this.retired} instructions, not ${other.retired}`
    const [a, b] = [mine.state, theirs.state]
    if (a.rip !== b.rip) return `rip ${a.rip.toString(16)}, not ${b.rip.toString(16)}`
    for (let n = 0; n < 16; n++)
      if (a.gpr[n] !== b.gpr[n]) return `r${n} ${a.gpr[n]!.toString(16)}, not ${b.gpr[n]!.toString(16)}`
    if (a.rflags !== b.rflags) return `rflags ${a.rflags.toString(16)}, not ${b.rflags.toString(16)}`
    if (stop === 'fault') {
      const [f, g] = [mine.fault, theirs.fault]
      if (f.vector !== g.vector || f.error !== g.error)
        return `fault ${f.vector}/${f.error}, not ${g.vector}/${g.error}`
      const [at, elsewhere] = [mine.vcpu.u64(CPU.ADDRESS), theirs.vcpu.u64(CPU.ADDRESS)]
      if (f.vector === 14 && at !== elsewhere) return `#PF at ${at.toString(16)}, not ${elsewhere.toString(16)}`
    }
    const fx = (m: Machine) => m.vcpu.views.u8.subarray(m.vcpu.base + CPU.FX, m.vcpu.base + CPU.FX + 512)
    if (Buffer.compare(fx(mine), fx(theirs)) !== 0) return 'other x87 or SSE state'
    const pages = (runner: Runner) => [...runner.#pages, runner.#behind]
    for (const [n, page] of pages(this).entries()) {
      const far = pages(other)[n]!
      const own = mine.vcpu.views.u8.subarray(page, page + 4096)
      if (Buffer.compare(own, theirs.vcpu.views.u8.subarray(far, far + 4096)) !== 0) return `other bytes in page ${n}`
    }
    const code = theirs.vcpu.views.u8.subarray(other.#code, other.#code + 4096)
    return Buffer.compare(mine.vcpu.views.u8.subarray(this.#code, this.#code + 4096), code) === 0
      ? undefined
      : 'other code'
  }
}

interface Setup {
  readonly code: Uint8Array
  readonly gpr: readonly bigint[]
  readonly rflags: bigint
  readonly fx: Uint8Array
  readonly mode: 32 | 64
  readonly instructions: number
  /** There is a repeated string instruction. */
  readonly repeats: boolean
}

const NOTHING = new Uint8Array(4096)
const PATTERN = Uint8Array.from({ length: 4096 }, (_, n) => (n % 64 < 32 ? n * 7 : (n >> 3) & 0x3f))
const tape = new Tape()

/** What a case says: a state, and the code that runs from it. */
function setupOf(bytes: Uint8Array): Setup {
  tape.open(bytes, 0, STRIDE)
  const mode = tape.below(8) === 7 ? 32 : 64
  const rflags = tape.pick(FLAGS)
  const [fcw, mxcsr] = CONTROL[tape.below(4) > 0 ? 0 : tape.below(CONTROL.length)]!
  const seed = tape.u32()
  const gpr = Array.from({ length: 16 }, (_, n) =>
    registerOf(Math.imul(seed ^ (n * 0x9e3779b9), 0x85ebca6b) >>> 0, mode),
  )
  return { gpr, rflags, fx: fxOf(seed, fcw, mxcsr), mode, ...codeOf(bytes, mode) }
}

/** Mostly addresses of data, also at the ends of pages and just past the last; and numbers large and small. */
function registerOf(random: number, mode: 32 | 64): bigint {
  const low = random & 0xfff
  switch (random >>> 28) {
    case 0:
      return BigInt(low & 0xff)
    case 1:
      return mode === 64 ? BigInt.asUintN(64, -BigInt(low & 0x3f)) : 0xffff_fff0n
    case 2:
      return mode === 64 ? BigInt(random) * 0x1_0000_0001n : BigInt(random)
    case 3:
      return BigInt(READ_ONLY + low)
    case 4:
      return BigInt(DATA + 4096 - (low & 0x1f))
    case 5:
      return BigInt(READ_ONLY + 4096 - (low & 0x1f))
    case 6:
      return mode === 64 ? 0x7fff_ffff_fff0n + BigInt(low & 0x1f) : BigInt(low)
    case 7:
      return BigInt(low & 7)
    case 8:
      return BigInt(CODE + (low & 0x7f))
    default:
      return BigInt(DATA + (low & 0x7ff0) + ((random >>> 16) % 16))
  }
}

function fxOf(seed: number, fcw: number, mxcsr: number): Uint8Array {
  const fx = new Uint8Array(512)
  const view = new DataView(fx.buffer)
  view.setUint16(0, fcw, true)
  view.setUint32(24, mxcsr, true)
  view.setUint32(28, 0xffff, true)
  for (let n = 0; n < 16; n++) {
    const bits = Math.imul(seed + n, 0xc2b2ae35)
    if (bits & 1) {
      view.setFloat64(160 + n * 16, (bits >> 8) / 64, true)
      view.setFloat64(168 + n * 16, 1 / (bits | 1), true)
    } else for (let word = 0; word < 4; word++) view.setInt32(160 + n * 16 + word * 4, Math.imul(bits, word + 3), true)
  }
  return fx
}

/** A jump to the loop; its body; dec dword [counter], jnz to the body; ud2. */
function codeOf(bytes: Uint8Array, mode: 32 | 64): Pick<Setup, 'code' | 'instructions' | 'repeats'> {
  const code = new Uint8Array(4096)
  code.set([0xeb, 0x00])
  let at = 2
  let instructions = 0
  let repeats = false
  for (let slot = STRIDE; slot + STRIDE <= bytes.length; slot += STRIDE) {
    const insn = decode(bytes, slot, slot + STRIDE, mode)
    if (isFault(insn)) continue
    code.set(bytes.subarray(slot, slot + insn.length), at)
    at += insn.length
    instructions++
    repeats ||= insn.rep !== 0
  }
  const counter = [COUNTER & 255, (COUNTER >> 8) & 255, (COUNTER >> 16) & 255, 0]
  const decrement = mode === 64 ? [0xff, 0x0c, 0x25, ...counter] : [0xff, 0x0d, ...counter]
  code.set(decrement, at)
  at += decrement.length
  const back = 2 - (at + 6)
  code.set([0x0f, 0x85, back & 255, (back >> 8) & 255, (back >> 16) & 255, (back >> 24) & 255, 0x0f, 0x0b], at)
  return { code, instructions, repeats }
}

class TierJudge implements Judge {
  readonly #runners: readonly Runner[]

  constructor(ways: readonly TierWay[]) {
    this.#runners = ways.map((way) => new Runner(way))
  }

  /** Instructions are tried until one is found that exists, and mostly one that does not leave to the hypervisor. */
  make(random: Random): Uint8Array {
    const bytes = random.fill(new Uint8Array(STRIDE * (2 + random.below(MOST_SLOTS - 1))))
    for (let slot = STRIDE; slot < bytes.length; slot += STRIDE) {
      for (let tries = 0; tries < 8; tries++) {
        shape(random, bytes, slot)
        const insn = decode(bytes, slot, slot + STRIDE, 64)
        if (!isFault(insn) && (!DULL.test(insn.row.name) || random.oneIn(16))) break
      }
    }
    return bytes
  }

  judge(bytes: Uint8Array): number {
    const setup = setupOf(bytes)
    const [first, ...others] = this.#runners
    const stops = this.#runners.map((runner) => {
      runner.load(setup)
      return runner.run()
    })
    // Only single steps end a loop without end at the limit exactly.
    if (stops.includes('limit')) return setup.instructions
    for (const [n, other] of others.entries()) {
      const [stop, wanted] = [stops[n + 1]!, stops[0]!]
      const why = stop === wanted ? other.difference(first!, stop) : `${stop}, not ${wanted}`
      if (why === undefined || (setup.repeats && first!.overwrote(setup))) continue
      finding(`${other.way.name}: ${why} (in ${first!.way.name}), ${setup.mode}-bit`)
    }
    return setup.instructions
  }
}

/** These leave the loop at once, in every tier. */
const DULL =
  /^(j|call|ret|loop|int|ud|hlt|in$|out|ins|outs|sys|iret|cli|sti|lgdt|lidt|ltr|lldt|mov_(cr|dr)|far|enter|leave)/

function shape(random: Random, bytes: Uint8Array, start: number): void {
  let at = start
  const choice = random.u32()
  if ((choice & 7) < 2) bytes[at++] = random.pick(PREFIXES)
  if ((choice & 0x18) !== 0) bytes[at++] = 0x40 | ((choice >> 8) & 15)
  const map = (choice >> 12) & 7
  if (map >= 4) bytes[at++] = 0x0f
  if (map === 7) bytes[at++] = 0x38
  bytes[at++] = random.u32()
  // A memory operand by a register and a small displacement, which often is one of the data pages; or a register.
  const rm = random.below(8)
  bytes[at++] = (random.oneIn(2) ? 0xc0 : 0x40) | (random.below(8) << 3) | (rm === 4 ? 3 : rm)
  for (const end = start + STRIDE; at < end; ) bytes[at++] = random.u32()
}

/** @param ways the first is what the others are compared with; a test gives a wrong one */
export function tiersTarget(ways: readonly TierWay[] = WAYS): Target {
  return {
    name: 'tiers',
    input: 'one instruction, in three tiers',
    stride: STRIDE,
    life: 2000,
    open: () => new TierJudge(ways),
  }
}

export { WAYS as TIER_WAYS }
