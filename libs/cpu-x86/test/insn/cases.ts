/** Cases for a row of the table: every operand size and kind of operand, boundary values and random ones, faults now and then. */
import type { Decoded } from '../../src/decode/decoded.ts'
import { type Decode, isFault } from '../../src/decode/decoder.ts'
import type { Row } from '../../src/insn/row.ts'
import { DATA, DATA_BYTES, type NativeCase, STACK, words } from '../native/native.ts'
import { encode, type Shape, shapesOf } from './encode.ts'
import { Random } from './random.ts'

export interface RowCase extends NativeCase {
  readonly mode: 32 | 64
  readonly insn: Decoded
}

const RAX = 0
const RCX = 1
const RDX = 2
const RSP = 4

export function casesOf(row: Row, decode: Decode, perShape: number): RowCase[] {
  const random = new Random(BigInt(row.map * 0x1000 + row.code * 8 + (row.ext ?? 0)) + 0x9e3779b97f4a7c15n)
  return ([64, 32] as const).flatMap((mode) =>
    shapesOf(row, mode).flatMap((shape) =>
      Array.from({ length: perShape }, () => makeCase(row, shape, decode, random)),
    ),
  )
}

function makeCase(row: Row, shape: Shape, decode: Decode, random: Random): RowCase {
  const target = shape.memory ? address(shape.mode, random) : 0n
  const { bytes, base } = encode(row, shape, target, random)
  const insn = decode(bytes, 0, bytes.length, shape.mode)
  if (isFault(insn)) throw new Error(`${row.name} ${hex(bytes)} does not decode: ${insn.fault}`)
  if (insn.row !== row) throw new Error(`${row.name} ${hex(bytes)} decodes as ${insn.row.name}`)
  const { size } = insn
  const gpr = BigUint64Array.from({ length: 16 }, () => random.operand(size))
  gpr[RSP] = BigInt(STACK + 2048)
  if (random.chance(30)) gpr[random.below(16)] = random.operand(8)
  steer(insn, gpr, random)
  for (const [register, value] of base) gpr[register] = value
  if (shape.mode === 32) for (let n = 0; n < 16; n++) gpr[n] = BigInt.asUintN(32, gpr[n])
  const inside = target >= BigInt(DATA) && target < BigInt(DATA + DATA_BYTES - 16)
  const memory = inside ? words(Number(target), memoryBytes(insn, gpr, random)) : []
  return { code: bytes, mode: shape.mode, gpr, rflags: Number(random.bits64() & 0x8d5n), memory, insn }
}

export const hex = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')

/** Mostly inside a page, sometimes across two, into the guard page, beyond all or not canonical. */
function address(mode: 32 | 64, random: Random): bigint {
  const chance = random.below(100)
  if (chance < 75) return BigInt(DATA + 16 * random.below(DATA_BYTES / 16 - 2) + (chance < 40 ? 0 : random.below(16)))
  if (chance < 87) return BigInt(DATA + 4096 - 1 - random.below(16))
  if (chance < 95) return BigInt(DATA + DATA_BYTES - 1 - random.below(16))
  if (chance < 98 || mode === 32) return BigInt(DATA + DATA_BYTES + random.below(4096))
  return random.pick([1n << 52n, 1n << 63n, 0xfffe123456789abcn])
}

/** What noise would hardly ever do: quotients that fit, bit offsets that stay near, indices within bounds. */
function steer({ row, size, operands }: Decoded, gpr: BigUint64Array, random: Random): void {
  const fill = (register: number, value: bigint) => {
    gpr[register] = BigInt.asUintN(64, value)
  }
  if (/^i?div$/.test(row.name) && random.chance(75)) {
    if (size === 1) fill(RAX, (gpr[RAX] & ~0xffffn) | BigInt(random.below(0x1000)))
    else fill(RDX, random.pick([0n, 0n, 1n, BigInt.asIntN(8 * size, gpr[RAX]) >> 63n, random.operand(1) & 0xffn]))
  }
  // Never far: what else there is in the judge's address space is 16 MiB away.
  if (/^bt/.test(row.name) && operands[1].kind === 'reg' && operands[0].kind === 'mem') {
    const range = random.chance(90) ? 4000 : 1 << 26
    fill(operands[1].reg, BigInt(random.below(range) - range / 2))
  }
  if (row.name === 'bound' && operands[0].kind === 'reg') fill(operands[0].reg, random.operand(1) & 0x3fn)
  if (operands.some((o) => o.kind === 'reg' && o.reg === RCX && o.size === 1) && random.chance(50))
    fill(RCX, (gpr[RCX] & ~0xffn) | BigInt(random.below(34)))
}

function memoryBytes({ row, size }: Decoded, gpr: BigUint64Array, random: Random): Uint8Array {
  const bytes = new Uint8Array(16)
  const view = new DataView(bytes.buffer)
  view.setBigUint64(0, random.operand(size), true)
  view.setBigUint64(8, random.bits64(), true)
  if (row.name.startsWith('cmpxchg') && random.chance(60)) {
    const narrow = row.name === 'cmpxchg8b'
    view.setBigUint64(0, narrow ? (gpr[RAX] & 0xffffffffn) | (gpr[RDX] << 32n) : gpr[RAX], true)
    if (random.chance(80)) view.setBigUint64(8, gpr[RDX], true)
  }
  if (row.name === 'bound') {
    if (size === 4) view.setBigInt64(0, BigInt(random.below(40)) | (BigInt(random.below(70) - 4) << 32n), true)
    else view.setUint32(0, random.below(40) | (random.below(70) << 16), true)
  }
  return bytes
}
