/** Every SSE, SSE2, SSE3 and SSE4.1 instruction that computes in floating point, by mnemonic. */
import { add, divide, multiply, subtract } from './arithmetic.ts'
import { compare, maximum, minimum } from './compare.ts'
import { rcp, rsqrt } from './sse-approximate.ts'
import { dotProduct } from './sse-dot-product.ts'
import type { Lane, LaneStep, SseRun } from './sse-lanes.ts'
import { comparison, DOUBLE, lanes, SINGLE } from './sse-lanes.ts'
import {
  addSubtract,
  binary,
  compareMask,
  fromInt,
  horizontal,
  orderingFlags,
  reformat,
  root,
  roundLane,
  select,
  toInt,
} from './sse-steps.ts'

/** Where the result goes: an XMM register, an MMX register, an integer register, or RFLAGS. */
export type SseDestination = 'xmm' | 'mmx' | 'gpr' | 'rflags'

export interface SseOp {
  readonly name: string
  /** Bytes read at the source operand. */
  readonly srcBytes: number
  readonly destination: SseDestination
  /** Bytes written at the destination; the rest of an XMM register keeps its value. */
  readonly dstBytes: number
  readonly run: SseRun
}

const op = (name: string, srcBytes: number, dstBytes: number, run: SseRun, destination: SseDestination): SseOp => ({
  name,
  srcBytes,
  destination,
  dstBytes,
  run,
})

/** `count` lanes of `from` bytes each; the result takes `dstBytes`, the part beyond the lanes being zero. */
const rows = (name: string, count: number, from: number, dstBytes: number, step: LaneStep): SseOp =>
  op(name, count * from, dstBytes, lanes(count, dstBytes, step), 'xmm')

/** The packed and the scalar form: addps and addss, say. */
const forms = (stem: string, letter: string, lane: Lane, step: LaneStep): readonly SseOp[] => [
  rows(`${stem}p${letter}`, 16 / lane.bytes, lane.bytes, 16, step),
  rows(`${stem}s${letter}`, 1, lane.bytes, lane.bytes, step),
]

const ordered = (name: string, lane: Lane, signalling: boolean): SseOp =>
  op(
    name,
    lane.bytes,
    0,
    comparison((env, view, dst, src) =>
      orderingFlags(compare(env, lane.read(view, dst), lane.read(view, src), signalling)),
    ),
    'rflags',
  )

const family = (letter: string, lane: Lane): readonly SseOp[] => [
  ...forms('add', letter, lane, binary(lane, add, lane.kernels.add)),
  ...forms('sub', letter, lane, binary(lane, subtract, lane.kernels.subtract)),
  ...forms('mul', letter, lane, binary(lane, multiply, lane.kernels.multiply)),
  ...forms('div', letter, lane, binary(lane, divide, lane.kernels.divide)),
  ...forms('min', letter, lane, select(lane, minimum)),
  ...forms('max', letter, lane, select(lane, maximum)),
  ...forms('sqrt', letter, lane, root(lane)),
  ...forms('cmp', letter, lane, compareMask(lane)),
  ...forms('round', letter, lane, roundLane(lane)),
  rows(`addsubp${letter}`, 16 / lane.bytes, lane.bytes, 16, addSubtract(lane)),
  rows(`haddp${letter}`, 16 / lane.bytes, lane.bytes, 16, horizontal(lane, add)),
  rows(`hsubp${letter}`, 16 / lane.bytes, lane.bytes, 16, horizontal(lane, subtract)),
  op(`dpp${letter}`, 16, 16, dotProduct(lane), 'xmm'),
  ordered(`comis${letter}`, lane, true),
  ordered(`ucomis${letter}`, lane, false),
]

const integerForms = (letter: string, lane: Lane): readonly SseOp[] =>
  ([32, 64] as const).flatMap((bits) => [
    op(`cvtsi2s${letter}.${bits}`, bits / 8, lane.bytes, lanes(1, lane.bytes, fromInt(bits, lane)), 'xmm'),
    op(`cvts${letter}2si.${bits}`, lane.bytes, bits / 8, lanes(1, bits / 8, toInt(lane, bits, false)), 'gpr'),
    op(`cvtts${letter}2si.${bits}`, lane.bytes, bits / 8, lanes(1, bits / 8, toInt(lane, bits, true)), 'gpr'),
  ])

/** An op whose result is an MMX register: two 32-bit integers. */
const mmx = (name: string, lane: Lane, truncate: boolean): SseOp =>
  op(name, 2 * lane.bytes, 8, lanes(2, 8, toInt(lane, 32, truncate)), 'mmx')

/**
 * All of them. Forms with an integer register carry its width: `cvtsi2sd.64`. The predicate of cmpps and the
 * rounding of roundps are the `imm` of `run`.
 */
export const SSE_OPS: readonly SseOp[] = [
  ...family('s', SINGLE),
  ...family('d', DOUBLE),
  ...forms('rcp', 's', SINGLE, rcp),
  ...forms('rsqrt', 's', SINGLE, rsqrt),
  ...integerForms('s', SINGLE),
  ...integerForms('d', DOUBLE),
  rows('cvtss2sd', 1, 4, 8, reformat(SINGLE, DOUBLE)),
  rows('cvtsd2ss', 1, 8, 4, reformat(DOUBLE, SINGLE)),
  rows('cvtps2pd', 2, 4, 16, reformat(SINGLE, DOUBLE)),
  rows('cvtpd2ps', 2, 8, 16, reformat(DOUBLE, SINGLE)),
  rows('cvtdq2ps', 4, 4, 16, fromInt(32, SINGLE)),
  rows('cvtdq2pd', 2, 4, 16, fromInt(32, DOUBLE)),
  rows('cvtps2dq', 4, 4, 16, toInt(SINGLE, 32, false)),
  rows('cvttps2dq', 4, 4, 16, toInt(SINGLE, 32, true)),
  rows('cvtpd2dq', 2, 8, 16, toInt(DOUBLE, 32, false)),
  rows('cvttpd2dq', 2, 8, 16, toInt(DOUBLE, 32, true)),
  rows('cvtpi2ps', 2, 4, 8, fromInt(32, SINGLE)),
  rows('cvtpi2pd', 2, 4, 16, fromInt(32, DOUBLE)),
  mmx('cvtps2pi', SINGLE, false),
  mmx('cvttps2pi', SINGLE, true),
  mmx('cvtpd2pi', DOUBLE, false),
  mmx('cvttpd2pi', DOUBLE, true),
]

export const SSE_OP_BY_NAME: ReadonlyMap<string, SseOp> = new Map(SSE_OPS.map((row) => [row.name, row]))
