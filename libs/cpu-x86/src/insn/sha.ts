/** SHA extensions (Intel SDM vol. 2: SHA1RNDS4 and its kin, SHA256RNDS2 and its kin; FIPS 180-4 names the functions). */
import type { Builder } from '../builder/builder.ts'
import type { Decoded } from '../decode/decoded.ts'
import type { I32, V128 } from '../wasm/expr.ts'
import { i32, i32x4, v128 } from '../wasm/ops.ts'
import type { Definition, Row } from './row.ts'
import type { VectorOperation } from './sse-int.ts'
import { zero128 } from './sse-operands.ts'

/** dst = op(dst, src). Memory may lie anywhere: silicon (Zen 4) does not ask for alignment here. */
const packed =
  (op: VectorOperation): Definition =>
  (b) => {
    const source = b.open(b.op(1), 'r')
    const target = b.open(b.op(0), 'rw')
    b.put128(target, op(b.get128(target), b.get128(source), b))
  }

const lane = (v: V128, n: number): I32 => i32x4.extract(v, n)
const rotl = (x: I32, n: number): I32 => i32.rotl(x, i32.const(n))
const rotr = (x: I32, n: number): I32 => i32.rotr(x, i32.const(n))
const sum = (first: I32, ...rest: readonly I32[]): I32 => rest.reduce((total, x) => i32.add(total, x), first)

/** The words from the highest lane to the lowest. */
const vector = (...words: readonly I32[]): V128 => words.reduce((v, word, n) => i32x4.replace(v, 3 - n, word), zero128)

/** Lanes of x (0 to 3) and y (4 to 7). */
const pick = (x: V128, y: V128, from: readonly number[]): V128 =>
  v128.shuffle(
    x,
    y,
    from.flatMap((n) => [0, 1, 2, 3].map((byte) => 4 * n + byte)),
  )

const choose = (x: I32, y: I32, z: I32): I32 => i32.xor(z, i32.and(x, i32.xor(y, z)))
const parity = (x: I32, y: I32, z: I32): I32 => i32.xor(i32.xor(x, y), z)
const majority = (x: I32, y: I32, z: I32): I32 => i32.or(i32.and(x, y), i32.and(z, i32.or(x, y)))

/** Function and constant of each of the four stretches of SHA-1. */
const STRETCHES = [
  { f: choose, k: 0x5a827999 },
  { f: parity, k: 0x6ed9eba1 },
  { f: majority, k: 0x8f1bbcdc },
  { f: parity, k: 0xca62c1d6 },
] as const

const stretch = ({ operands: [, , imm] }: Decoded): number => (imm.kind === 'imm' ? Number(imm.value & 3n) : 0)

function sha1Rounds(b: Builder): void {
  const source = b.open(b.op(1), 'r')
  const target = b.open(b.op(0), 'rw')
  const { f, k } = STRETCHES[stretch(b.insn)]
  const state = b.get128(target)
  const words = b.get128(source)
  let [a, x, y, z] = [3, 2, 1, 0].map((n) => b.let(lane(state, n)))
  // The first word has E in it already.
  let e: I32 = i32.const(0)
  for (let n = 3; n >= 0; n--) {
    const next = b.let(sum(f(x, y, z), rotl(a, 5), lane(words, n), e, i32.const(k | 0)))
    const turned = b.let(rotl(x, 30))
    ;[a, x, y, z, e] = [next, a, turned, y, z]
  }
  b.put128(target, vector(a, x, y, z))
}

const sha1NextE: VectorOperation = (x, y) => {
  const e = rotl(lane(x, 3), 30)
  return i32x4.add(y, i32x4.replace(zero128, 3, e))
}

const sha1Message1: VectorOperation = (x, y, b) => {
  const words = b.let(x)
  return v128.xor(words, pick(y, words, [2, 3, 4, 5]))
}

const sha1Message2: VectorOperation = (x, y, b) => {
  const [words, next] = [b.let(x), b.let(y)]
  const w16 = b.let(rotl(i32.xor(lane(words, 3), lane(next, 2)), 1))
  const w17 = rotl(i32.xor(lane(words, 2), lane(next, 1)), 1)
  const w18 = rotl(i32.xor(lane(words, 1), lane(next, 0)), 1)
  return vector(w16, w17, w18, rotl(i32.xor(lane(words, 0), w16), 1))
}

const bigSigma = (x: I32, p: number, q: number, r: number): I32 => i32.xor(i32.xor(rotr(x, p), rotr(x, q)), rotr(x, r))

function sha256Rounds(b: Builder): void {
  const source = b.open(b.op(1), 'r')
  const target = b.open(b.op(0), 'rw')
  const [abef, cdgh, keys] = [b.get128(source), b.get128(target), b.get128(b.xmm(0, 16))]
  let [a, bb, e, f] = [3, 2, 1, 0].map((n) => b.let(lane(abef, n)))
  let [c, d, g, h] = [3, 2, 1, 0].map((n) => b.let(lane(cdgh, n)))
  for (let n = 0; n < 2; n++) {
    const first = b.let(sum(h, bigSigma(e, 6, 11, 25), choose(e, f, g), lane(keys, n)))
    const second = sum(bigSigma(a, 2, 13, 22), majority(a, bb, c))
    const [nextA, nextE] = [b.let(i32.add(first, second)), b.let(i32.add(d, first))]
    ;[a, bb, c, d, e, f, g, h] = [nextA, a, bb, c, nextE, e, f, g]
  }
  b.put128(target, vector(a, bb, e, f))
}

const sha256Message1: VectorOperation = (x, y, b) => {
  const words = b.let(x)
  const next = b.let(pick(words, y, [1, 2, 3, 4]))
  const turn = (n: number): V128 => v128.or(i32x4.shr_u(next, i32.const(n)), i32x4.shl(next, i32.const(32 - n)))
  return i32x4.add(words, v128.xor(v128.xor(turn(7), turn(18)), i32x4.shr_u(next, i32.const(3))))
}

const smallSigma1 = (x: I32): I32 => i32.xor(i32.xor(rotr(x, 17), rotr(x, 19)), i32.shr_u(x, i32.const(10)))

const sha256Message2: VectorOperation = (x, y, b) => {
  const [words, next] = [b.let(x), b.let(y)]
  let [before, last] = [b.let(lane(next, 2)), b.let(lane(next, 3))]
  const made: I32[] = []
  for (let n = 0; n < 4; n++) {
    const word = b.let(i32.add(lane(words, n), smallSigma1(before)))
    made.unshift(word)
    ;[before, last] = [last, word]
  }
  return vector(...made)
}

const SHA = { map: 2, prefix: 'np', feature: 'sha', operands: 'Vx Wx' } as const

export const rows: readonly Row[] = [
  { ...SHA, name: 'sha1nexte', code: 0xc8, def: packed(sha1NextE) },
  { ...SHA, name: 'sha1msg1', code: 0xc9, def: packed(sha1Message1) },
  { ...SHA, name: 'sha1msg2', code: 0xca, def: packed(sha1Message2) },
  { ...SHA, name: 'sha256rnds2', code: 0xcb, def: sha256Rounds },
  { ...SHA, name: 'sha256msg1', code: 0xcc, def: packed(sha256Message1) },
  { ...SHA, name: 'sha256msg2', code: 0xcd, def: packed(sha256Message2) },
  { ...SHA, name: 'sha1rnds4', map: 3, code: 0xcc, operands: 'Vx Wx Iub', variant: stretch, def: sha1Rounds },
]
