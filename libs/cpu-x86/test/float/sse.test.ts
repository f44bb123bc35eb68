import { describe, expect, it } from 'vitest'
import { SSE_TRAP } from '../../src/float/sse-lanes.ts'
import type { SseOp } from '../../src/float/sse-ops.ts'
import { SSE_OPS } from '../../src/float/sse-ops.ts'
import { isReference } from '../native/judge.ts'
import { double, integer, Random, single } from './operands.ts'
import type { Batch } from './silicon.ts'
import { blankCase, IN_RAX, MXCSR, OUT_RAX, OUT_RFLAGS, OUT_TRAP, record, ST0, XMM0, XMM1 } from './silicon.ts'
import { encodeSse } from './sse-encodings.ts'

const CASES = 600
const MM1 = ST0 + 16
const ARITHMETIC_FLAGS = 0x8d5

const approximations = new Set(['rcpps', 'rcpss', 'rsqrtps', 'rsqrtss'])
const immediates = (name: string): readonly number[] => {
  if (name.startsWith('cmp')) return [0, 1, 2, 3, 4, 5, 6, 7]
  if (name.startsWith('round')) return [0, 1, 2, 3, 4, 9, 10]
  if (name.startsWith('dp')) return [0xff, 0x7f, 0xf1, 0x31, 0x5a]
  return [0]
}

/** The size of the elements of the source, and whether they are integers. */
const source = (op: SseOp): 'single' | 'double' | 'int' => {
  if (/^cvt(si|pi|dq)2/.test(op.name)) return 'int'
  const stem = op.name.replace(/\..*/, '')
  const letter = stem.startsWith('cvt') ? stem.replace(/^cvtt?[sp]/, '')[0] : stem.at(-1)
  return letter === 's' ? 'single' : 'double'
}

function mxcsr(random: Random): number {
  const masks = random.below(4) === 0 ? random.below(64) : 0x3f
  const modes = random.below(2) === 0 ? 0 : (random.below(2) << 15) | (random.below(2) << 6)
  const sticky = random.below(4) === 0 ? random.below(64) : 0
  return (random.below(4) << 13) | (masks << 7) | modes | sticky
}

function makeCase(op: SseOp, random: Random): DataView {
  const view = blankCase()
  view.setUint32(MXCSR, mxcsr(random), true)
  const kind = source(op)
  for (const register of [XMM0, XMM1, MM1]) {
    for (let at = 0; at < 16; at += kind === 'double' ? 8 : 4) {
      if (kind === 'double') view.setBigUint64(register + at, double(random), true)
      else
        view.setUint32(
          register + at,
          kind === 'single' ? single(random) : Number(BigInt.asUintN(32, integer(random))),
          true,
        )
    }
  }
  // Equal operands are an edge that independent choices never hit.
  if (random.below(8) === 0) view.setBigUint64(XMM1, view.getBigUint64(XMM0, true), true)
  view.setBigInt64(IN_RAX, integer(random), true)
  return view
}

const hex = (view: DataView, at: number, bytes: number): string =>
  Array.from({ length: bytes }, (_, i) =>
    view
      .getUint8(at + bytes - 1 - i)
      .toString(16)
      .padStart(2, '0'),
  ).join('')

interface Outcome {
  readonly mxcsr: number
  readonly trap: boolean
  readonly xmm0: string
  readonly integer: string
  readonly rflags: number
}

/** What is compared of a case. A trapped instruction leaves the destination as it was. */
function ours(op: SseOp, input: DataView, imm: number): Outcome {
  const view = new DataView(input.buffer.slice(0))
  const dst = op.destination === 'xmm' ? XMM0 : op.destination === 'mmx' ? ST0 : IN_RAX
  const before = hex(view, dst, 8)
  const src = op.name.startsWith('cvtsi2') ? IN_RAX : op.name.startsWith('cvtpi2') ? MM1 : XMM1
  const outcome = op.run(view, op.destination === 'rflags' ? XMM0 : dst, src, view.getUint32(MXCSR, true), imm)
  const trap = (outcome & SSE_TRAP) !== 0
  if (op.destination === 'gpr' && op.dstBytes === 4 && !trap) view.setUint32(dst + 4, 0, true)
  return {
    mxcsr: outcome & 0xffff,
    trap,
    xmm0: hex(view, XMM0, 16),
    integer: op.destination === 'mmx' ? (trap ? before : hex(view, dst, 8)) : hex(view, IN_RAX, 8),
    rflags: op.destination === 'rflags' && !trap ? outcome >>> 24 : 0,
  }
}

function silicon(op: SseOp, output: DataView): Outcome {
  const trap = output.getBigUint64(OUT_TRAP, true) !== 0n
  return {
    mxcsr: output.getUint16(MXCSR, true),
    trap,
    xmm0: hex(output, XMM0, 16),
    integer: hex(output, op.destination === 'mmx' ? ST0 : OUT_RAX, 8),
    rflags: op.destination === 'rflags' && !trap ? Number(output.getBigUint64(OUT_RFLAGS, true)) & ARITHMETIC_FLAGS : 0,
  }
}

/** The sum with its NaNs alike (`MAKERS_OWN.twoNaNs`). */
function withoutNaNs(op: SseOp, outcome: Outcome): Outcome {
  if (isReference || !op.name.startsWith('dp')) return outcome
  const digits = op.name === 'dpps' ? 8 : 16
  const infinity = op.name === 'dpps' ? 0x7f80_0000n : 0x7ff0_0000_0000_0000n
  const magnitude = (lane: string): bigint => BigInt.asUintN(4 * digits - 1, BigInt(`0x${lane}`))
  const lanes = outcome.xmm0.match(new RegExp(`.{${digits}}`, 'g')) ?? []
  return { ...outcome, xmm0: lanes.map((lane) => (magnitude(lane) > infinity ? 'NaN' : lane)).join(' ') }
}

interface Plan {
  readonly op: SseOp
  readonly imm: number
  readonly batch: Batch
}

const random = new Random(1n)
const plans: Plan[] = SSE_OPS.filter((op) => !approximations.has(op.name)).flatMap((op) =>
  immediates(op.name).map((imm, _, all) => ({
    op,
    imm,
    batch: {
      name: op.name,
      insn: encodeSse(op.name, imm),
      cases: Array.from({ length: Math.ceil(CASES / all.length) }, () => makeCase(op, random)),
    },
  })),
)

describe('SSE operations agree with the host CPU in result, flags and exceptions', () => {
  const recorded = record(plans.map((plan) => plan.batch))
  for (const name of new Set(plans.map((plan) => plan.op.name))) {
    it(name, () => {
      for (const [i, { op, imm, batch }] of plans.entries()) {
        if (op.name !== name) continue
        for (const [j, input] of batch.cases.entries()) {
          const wanted = recorded[i]?.[j]
          if (wanted === undefined) throw new Error('the recorder answered too few cases')
          const label = `imm ${imm} xmm0 ${hex(input, XMM0, 16)} xmm1 ${hex(input, XMM1, 16)} mxcsr ${hex(input, MXCSR, 2)}`
          const [got, native] = [ours(op, input, imm), silicon(op, wanted)].map((outcome) => withoutNaNs(op, outcome))
          expect({ label, ...got }).toEqual({ label, ...native })
        }
      }
    })
  }
})
