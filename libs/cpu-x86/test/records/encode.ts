/** Bytes of instructions of a variant: registers, addressing and immediates drawn at random, checked by the decoder. */
import type { Decoded, MemOperand } from '../../src/decode/decoded.ts'
import { isFault, makeDecoder } from '../../src/decode/decoder.ts'
import { parseOperands } from '../../src/decode/operand-spec.ts'
import { rows } from '../../src/insn/table.ts'
import { ENTRY, PAGE } from './layout.ts'
import { addressInPage } from './placement.ts'
import type { Random } from './random.ts'
import { isX87, type Variant } from './variants.ts'

/** With every row: what exists is for the policy to say, and for the host that records. */
const decode = makeDecoder(rows)

export interface Encoding {
  readonly bytes: Uint8Array
  readonly insn: Decoded
}

const MAPS: readonly (readonly number[])[] = [[], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]]
const MANDATORY = { np: undefined, '66': 0x66, f3: 0xf3, f2: 0xf2 } as const
const IGNORED_SEGMENTS: readonly number[] = [0x26, 0x2e, 0x36, 0x3e]
const IMMEDIATES: readonly number[] = [0, 1, 2, 7, 8, 0x0f, 0x10, 0x1f, 0x20, 0x3f, 0x40, 0x7f, 0x80, 0x81, 0xfe, 0xff]
const RSP = 4
const TRIES = 400

/** The n-th of a variant's encodings. */
export function encodingOf(variant: Variant, random: Random): Encoding {
  for (let tries = 0; tries < TRIES; tries++) {
    const bytes = draw(variant, random)
    const insn = decode(bytes, 0, bytes.length, variant.mode)
    if (isFault(insn) || !fits(variant, insn)) continue
    return { bytes: bytes.subarray(0, insn.length), insn }
  }
  throw new Error(`no encoding of '${variant.name}' was found`)
}

export const memoryOperand = (insn: Decoded): MemOperand | undefined =>
  insn.operands.find((operand) => operand.kind === 'mem')

function fits({ row, kind, prefix, size, mode }: Variant, insn: Decoded): boolean {
  if (insn.row !== row) return false
  const memory = memoryOperand(insn)
  if (kind === 'mem' && memory === undefined) return false
  if (kind === 'reg' && memory !== undefined && !/(^| )L[a-z]/.test(row.operands)) return false
  // Bit offsets are kept near (special.ts).
  if (memory && (prefix === 'fs' || prefix === 'gs') && memory.segment !== prefix) return false
  // The same register twice has too few solutions.
  if (memory && memory.base === memory.index && memory.base >= 0) return false
  const [, source] = insn.operands
  const isFar = memory && source?.kind === 'reg' && [memory.base, memory.index, RSP].includes(source.reg)
  if (isFar && /^bt[src]?$/.test(row.name)) return false
  if ((prefix === 'lock') !== insn.lock) return false
  if ((prefix === 'a') !== (insn.addressSize !== (mode === 64 ? 8 : 4))) return false
  const usesSize = insn.size !== 1 && size !== 0 && !/[A-Z]y/.test(row.operands) && row.prefix !== 'np'
  return !usesSize || isX87(row) || insn.size === size
}

function draw(variant: Variant, random: Random): Uint8Array {
  const { row, mode, size, kind, prefix } = variant
  const out: number[] = []
  const isVex = row.vex === true
  if (random.oneIn(12) && prefix !== 'fs' && prefix !== 'gs' && mode === 64) out.push(random.pick(IGNORED_SEGMENTS))
  if (prefix === 'fs') out.push(0x64)
  if (prefix === 'gs') out.push(0x65)
  // 16-bit addresses reach nothing without a segment base.
  if (prefix === 'a' && mode === 32 && kind === 'mem' && random.oneIn(2)) out.push(0x64)
  if (prefix === 'a') out.push(0x67)
  if (prefix === 'lock') out.push(0xf0)
  if (size === 2) out.push(0x66)
  const wide = row.w ?? (size === 8 && !(row.default64 && random.oneIn(2)) ? 1 : 0)
  const rexR = mode === 64 ? random.below(2) : 0
  const rexX = mode === 64 ? random.below(2) : 0
  const rexB = mode === 64 ? random.below(2) : 0
  if (isVex) vexPrefix(out, variant, { wide, rexR, rexX, rexB, vvvv: mode === 64 ? random.below(16) : random.below(8) })
  else {
    const mandatory = MANDATORY[row.prefix ?? 'np']
    if (mandatory !== undefined && !(mandatory === 0x66 && size === 2)) out.push(mandatory)
    const rex = 0x40 | (wide << 3) | (rexR << 2) | (rexX << 1) | rexB
    if (mode === 64 && (rex !== 0x40 || random.oneIn(4))) out.push(rex)
    out.push(...(MAPS[row.map] as readonly number[]))
  }
  out.push(row.code + (row.plusReg ? random.below(8) : 0))
  const spec = parseOperands(row.operands)
  const usesModRm =
    spec.usesModRm || row.ext !== undefined || row.mod !== undefined || row.rm !== undefined || isX87(row)
  if (usesModRm) modrm(out, variant, random)
  immediate(out, variant, random)
  return Uint8Array.from(out)
}

interface VexFields {
  readonly wide: number
  readonly rexR: number
  readonly rexX: number
  readonly rexB: number
  readonly vvvv: number
}

function vexPrefix(out: number[], { row, mode }: Variant, { wide, rexR, rexX, rexB, vvvv }: VexFields): void {
  const pp = { np: 0, '66': 1, f3: 2, f2: 3 }[row.prefix ?? 'np']
  const names = /(^| )H[a-z]/.test(row.operands) ? vvvv : 0
  const inverted = ~names & 15
  const high = mode === 64 ? ((~rexR & 1) << 7) | ((~rexX & 1) << 6) | ((~rexB & 1) << 5) : 0xe0
  out.push(0xc4, high | row.map, (wide << 7) | (inverted << 3) | pp)
}

function modrm(out: number[], { row, mode, kind, prefix }: Variant, random: Random): void {
  const reg = row.ext ?? random.below(8)
  if (kind !== 'mem') {
    out.push(0xc0 | (reg << 3) | (row.rm ?? random.below(8)))
    return
  }
  const mod = random.below(3)
  const rm = random.below(8)
  out.push((mod << 6) | (reg << 3) | rm)
  if (mode === 32 && prefix === 'a') {
    const bytes = mod === 0 ? (rm === 6 ? 2 : 0) : mod
    for (let n = 0; n < bytes; n++) out.push(random.below(256))
    return
  }
  let base = rm
  if (rm === 4) {
    const sib = random.below(256)
    out.push(sib)
    base = sib & 7
  }
  if (mod === 1) out.push(random.below(256))
  if (mod === 2) displacement(out, random.oneIn(4) ? random.u32() : random.below(0x2000) - 0x1000)
  if (mod !== 0 || base !== 5) return
  // Absolute, relative to RIP, or with an index: in the data, seen from the end of the longest instruction.
  const target = addressInPage(random)
  const relative = mode === 64 && rm === 5
  displacement(out, relative ? target - ENTRY - 8 : target)
}

function displacement(out: number[], value: number): void {
  for (let n = 0; n < 4; n++) out.push((value >>> (8 * n)) & 0xff)
}

/** Enough for the longest; the decoder says how many there are. */
function immediate(out: number[], { row, prefix }: Variant, random: Random): void {
  if (/(^| )J/.test(row.operands)) {
    const far = random.oneIn(8)
      ? random.oneIn(2)
        ? 0x0100_0000
        : -0x1234_5678
      : random.pick([random.below(PAGE / 4), -64 - random.below(PAGE / 4)])
    // Not back onto the instruction: it would never end.
    displacement(out, /Jb/.test(row.operands) ? random.below(224) : far)
    return
  }
  if (/(^| )O/.test(row.operands)) {
    // With a segment override the base makes up for it.
    displacement(out, prefix === 'fs' || prefix === 'gs' ? random.u32() >>> 4 : addressInPage(random))
    out.push(0, 0, 0, 0)
    return
  }
  const byte = random.oneIn(2) ? random.pick(IMMEDIATES) : random.below(256)
  // Of `int`: those are calls of the host's kernel, and #BP.
  out.push(row.name === 'int' && (byte === 0x80 || byte === 3) ? 4 : byte)
  if (row.name === 'enter')
    out.push(random.pick([0, 0x10, 0x20, 0x40]), (random.below(8) << 5) | random.below(random.oneIn(2) ? 4 : 32))
  for (let n = 0; n < 8; n++) out.push(random.oneIn(2) ? random.pick(IMMEDIATES) : random.below(256))
}
