import type { Random } from '../random.ts'
import { Tape } from '../tape.ts'

/**
 * Damage to a file, as a case: four bytes that choose the file and cut it, then edits of EDIT bytes each. Edits are made
 * in place and undone, so that large files cost nothing.
 */
export const EDIT = 12
export const HEAD = 4

/** Values that upset arithmetic. */
const NASTY: readonly bigint[] = [
  ...[0n, 1n, 7n, 8n, 0xfffn, 0x1000n, 0xffffn, 0x7fffffffn, 0x80000000n, 0xffffffffn, 0x100000000n],
  ...[0x7fffffffffffn, 0x800000000000n, 1n << 40n, 1n << 48n, (1n << 53n) - 1n, 1n << 53n, 1n << 63n],
  ...[0xffff7fffffffffffn, 0xffff800000000000n, 0xffff87fffffff000n, 0xffff880000000000n, 0xffffffff80000000n],
  ...[0xfffffffffffff000n, 0xffffffffffffffffn, 0xffffffffff000000n, 0x8000000000n, 0xffffff8000000000n],
]
const MOST_EDITS = 6

export function randomEdits(random: Random): Uint8Array {
  const bytes = random.fill(new Uint8Array(HEAD + EDIT * (1 + random.below(MOST_EDITS))))
  // Seven in eight are whole.
  if (!random.oneIn(8)) bytes[1] = 0
  return bytes
}

/** Where headers and tables are: edits go there more often than elsewhere. */
export interface Region {
  readonly at: number
  readonly length: number
}

export interface Damage {
  /** Index of the file. */
  readonly file: number
  /** Bytes to cut off its end. */
  readonly cut: number
  /** Of three in four, checksums are to be set right again, where the file has any. */
  readonly mends: boolean
}

const tape = new Tape()

export function readDamage(bytes: Uint8Array, files: number): Damage {
  tape.open(bytes)
  const file = tape.below(files)
  const cut = tape.byte()
  const more = tape.byte()
  return { file, cut: cut === 0 ? 0 : cut < 128 ? cut : cut * more, mends: tape.below(4) > 0 }
}

/** Applies the edits to `file`; the answer undoes them. */
export function applyEdits(bytes: Uint8Array, file: Buffer, regions: readonly Region[]): () => void {
  const undo: { readonly at: number; readonly was: Buffer }[] = []
  for (let from = HEAD; from + EDIT <= bytes.length; from += EDIT) {
    tape.open(bytes, from, from + EDIT)
    const { at: start, length } = tape.pick(regions)
    const width = [1, 1, 2, 4, 8, 8][tape.below(6)]!
    const at = Math.min(start + (tape.u32() % Math.max(1, length)), file.length - 8)
    if (at < 0) continue
    const aligned = tape.below(4) === 0 ? at : Math.max(0, at - (at % width))
    undo.push({ at: aligned, was: Buffer.from(file.subarray(aligned, aligned + 8)) })
    put(file, aligned, width, tape)
  }
  return () => {
    for (const { at, was } of undo.reverse()) file.set(was, at)
  }
}

function put(file: Buffer, at: number, width: number, from: Tape): void {
  const how = from.below(4)
  const nasty = NASTY[from.below(NASTY.length)]!
  const small = BigInt(from.byte())
  const was = file.readBigUInt64LE(at)
  const value = [nasty, was + nasty, was + small - 128n, was ^ (1n << (small & 63n))][how]!
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt.asUintN(64, value))
  file.set(bytes.subarray(0, width), at)
}
