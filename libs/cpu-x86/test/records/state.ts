/** The state an instruction starts from: the n-th of a variant, drawn from the values its operands turn at. */
import type { MemOperand, Operand } from '../../src/decode/decoded.ts'
import { operandSize as x87OperandSize } from '../../src/float/x87-table.ts'
import type { Row } from '../../src/insn/row.ts'
import { type Encoding, memoryOperand } from './encode.ts'
import { type Case, DATA, ENTRY, PAGE, type Patch, STACK } from './layout.ts'
import { dataAddress, type Placement, placementOf, stackAddress } from './placement.ts'
import type { Random } from './random.ts'
import { integer, type LaneType, vector } from './values.ts'
import { isX87, type Variant } from './variants.ts'
import { putX87 } from './x87-state.ts'

const RSP = 4
const ST0 = 32
const XMM0 = 160
const MXCSR = 24
const WIDE = 0xffff_ffff_ffff_ffffn
const NARROW = 0xffff_ffffn

/** A state being drawn; `special.ts` changes what the name of the instruction asks for. */
export class State {
  readonly variant: Variant
  readonly encoding: Encoding
  readonly random: Random
  /** 0 to 63. */
  readonly n: number
  /** Values are to be at boundaries. */
  readonly boundary: boolean
  readonly placement: Placement
  readonly gpr = new BigUint64Array(16)
  readonly fx: DataView = new DataView(new ArrayBuffer(512))
  readonly memory: MemOperand | undefined
  /** Bytes of the memory operand. */
  readonly memoryBytes: number
  rflags: number
  fsbase = 0n
  gsbase = 0n
  /** What lies at the memory operand. */
  content: Uint8Array
  /** Where the memory operand is to be; solved for by its registers. */
  target: bigint
  readonly patches: Patch[] = []

  constructor(variant: Variant, encoding: Encoding, random: Random, n: number) {
    this.variant = variant
    this.encoding = encoding
    this.random = random
    this.n = n
    this.boundary = ((n ^ (n >> 3) ^ (n >> 4)) & 1) === 0
    this.placement = placementOf(n)
    this.memory = memoryOperand(encoding.insn)
    this.memoryBytes = this.memory ? sizeOfMemory(variant, this.memory) : 0
    this.rflags = (random.u32() & 0x8d5) | (random.oneIn(4) ? 0x400 : 0)
    this.#drawRegisters()
    this.#drawVectors()
    this.content = this.#drawContent()
    this.target = dataAddress(random, this.placement, this.memoryBytes || 1, this.wide)
  }

  /** Addresses have 64 bits. */
  get wide(): boolean {
    return this.encoding.insn.addressSize === 8
  }

  get row(): Row {
    return this.variant.row
  }

  get mask(): bigint {
    return this.variant.mode === 64 ? WIDE : NARROW
  }

  operand(n: number): Operand | undefined {
    return this.encoding.insn.operands[n]
  }

  int(size: number = 8): bigint {
    return integer(this.random, size, this.boundary)
  }

  #drawRegisters(): void {
    const { random, gpr } = this
    const { size, operands } = this.encoding.insn
    for (let n = 0; n < 16; n++) gpr[n] = (BigInt(random.u32()) << 32n) | BigInt(random.u32())
    for (let n = 0; n < 4; n++) gpr[n] = this.int(size)
    gpr[RSP] = BigInt(STACK + 0x800)
    for (const operand of operands)
      if (operand.kind === 'reg' && operand.reg !== RSP) gpr[operand.reg] = this.int(operand.size)
  }

  #drawVectors(): void {
    const { random, fx, n } = this
    fx.setUint16(0, 0x37f, true)
    fx.setUint32(MXCSR, 0x1f80, true)
    fx.setUint32(MXCSR + 4, 0xffff, true)
    for (let at = XMM0; at < XMM0 + 256; at += 4) fx.setUint32(at, 0x9e3779b9 * (at + n), true)
    for (let at = ST0; at < ST0 + 128; at += 16) fx.setUint32(at, 0x9e3779b9 * (at + n), true)
    const { operands } = this.encoding.insn
    const type = laneTypeOf(this.row)
    const isMmx = operands.some(({ kind }) => kind === 'mmx') || /^emms$/.test(this.row.name)
    const isXmm = operands.some(({ kind }) => kind === 'xmm')
    if (isXmm || isMmx) fx.setUint32(MXCSR, this.#mxcsr(), true)
    if (isXmm)
      for (const reg of new Set([0, ...operands.flatMap((o) => (o.kind === 'xmm' ? [o.reg] : []))]))
        this.#vector(type, reg)
    const related = operands.flatMap((o) => (o.kind === 'xmm' ? [o.reg] : []))
    if (related.length === 2 && random.oneIn(8)) this.#copyVector(related[0] as number, related[1] as number)
    if (isX87(this.row) || isMmx || this.row.name === 'fwait') putX87(this, isMmx)
  }

  #vector(type: LaneType, reg: number): void {
    vector(this.random, type, this.boundary, this.fx, XMM0 + 16 * reg, 16)
  }

  #copyVector(to: number, from: number): void {
    const bytes = new Uint8Array(this.fx.buffer)
    bytes.copyWithin(XMM0 + 16 * to, XMM0 + 16 * from, XMM0 + 16 * from + 16)
  }

  /** Sixteen ways of rounding, FTZ and DAZ, with all masked and inexact set, all masked, all masked with flags, some unmasked. */
  #mxcsr(): number {
    const { n, random } = this
    const way = (n + 5 * (n >> 4)) & 15
    const mode = ((way & 3) << 13) | (way & 4 ? 0x8000 : 0) | (way & 8 ? 0x40 : 0)
    const masks = n >> 4
    if (masks === 0) return 0x1fa0 | (random.oneIn(2) ? 0 : mode)
    if (masks === 1) return 0x1f80 | mode
    if (masks === 2) return 0x1f80 | mode | random.below(64)
    return ((random.oneIn(2) ? 0 : random.below(64)) << 7) | mode | (random.oneIn(2) ? 0 : random.below(64))
  }

  #drawContent(): Uint8Array {
    const { random, memoryBytes } = this
    const bytes = new Uint8Array(Math.max(16, (memoryBytes + 7) & ~7))
    const view = new DataView(bytes.buffer)
    const type = laneTypeOf(this.row)
    if (memoryBytes <= 8 && type === 'any') view.setBigUint64(0, integer(random, memoryBytes || 8, this.boundary), true)
    else
      for (let at = 0; at < bytes.length; at += 16)
        vector(random, type, this.boundary, view, at, Math.min(16, bytes.length - at))
    return bytes.subarray(0, memoryBytes)
  }

  /** Puts bytes at an address as far as they can be written before the case. */
  patch(address: bigint, bytes: Uint8Array): void {
    for (const start of [DATA, STACK]) {
      const from = BigInt(start)
      const end = from + BigInt(2 * PAGE)
      const first = address < from ? from : address
      const last = address + BigInt(bytes.length) > end ? end : address + BigInt(bytes.length)
      if (last > first)
        this.patches.push({
          address: Number(first),
          bytes: bytes.subarray(Number(first - address), Number(last - address)),
        })
    }
  }

  /** A stack pointer as the placement of this case has it. */
  stackPointer(size: number): bigint {
    return stackAddress(this.random, this.placement, size, this.variant.mode === 64)
  }

  finish(): Case {
    const { gpr, variant, encoding, mask } = this
    for (let n = 0; n < 16; n++) gpr[n] = (gpr[n] as bigint) & mask
    if (this.memory) this.#solve(this.memory)
    if (variant.mode === 32) for (let n = 8; n < 16; n++) gpr[n] = 0n
    return {
      mode: variant.mode,
      code: encoding.bytes,
      gpr,
      rflags: this.rflags,
      fx: new Uint8Array(this.fx.buffer),
      fsbase: Number(this.fsbase),
      gsbase: Number(this.gsbase),
      patches: this.patches,
    }
  }

  /** Changes a register of the address, or the segment's base, so that the operand lies at the target; patches its content. */
  #solve(memory: MemOperand): void {
    const { gpr, random } = this
    const { base, index, scale, segment } = memory
    const addressMask = (1n << BigInt(8 * this.encoding.insn.addressSize)) - 1n
    if (segment !== 'none') this.#setBase(segment, BigInt(random.u32() >>> 5))
    const short = addressMask < NARROW
    if (base >= 0 && !short) {
      const error = this.target - this.linear()
      gpr[base] = this.#adjusted(gpr[base] as bigint, error, addressMask)
    } else if (index >= 0 && !short) {
      const error = BigInt.asIntN(64, this.target - this.linear()) >> BigInt(scale)
      gpr[index] = this.#adjusted(gpr[index] as bigint, error, addressMask)
    } else if (segment !== 'none') {
      if (this.target < 1n << 32n)
        this.#setBase(segment, BigInt.asUintN(32, this.base(segment) + this.target - this.linear()))
    }
    this.patch(this.linear(), this.content)
  }

  #adjusted(value: bigint, error: bigint, addressMask: bigint): bigint {
    const low = (value + error) & addressMask
    return ((value & ~addressMask) | low) & this.mask
  }

  #setBase(segment: 'fs' | 'gs', value: bigint): void {
    if (segment === 'fs') this.fsbase = value
    else this.gsbase = value
  }

  base(segment: MemOperand['segment']): bigint {
    return segment === 'fs' ? this.fsbase : segment === 'gs' ? this.gsbase : 0n
  }

  /** Linear address of the memory operand. */
  linear(): bigint {
    const memory = this.memory as MemOperand
    const { insn } = this.encoding
    const { base, index, scale, disp, ripRelative, segment } = memory
    let at = disp
    if (base >= 0) at += this.gpr[base] as bigint
    if (index >= 0) at += (this.gpr[index] as bigint) << BigInt(scale)
    if (ripRelative) at += BigInt(ENTRY + insn.length)
    if (/(^| )B/.test(this.row.operands)) at += (this.gpr[0] as bigint) & 0xffn
    const offset = BigInt.asUintN(8 * insn.addressSize, at)
    return BigInt.asUintN(this.variant.mode, offset + this.base(segment))
  }
}

function sizeOfMemory({ row, size, name }: Variant, memory: MemOperand): number {
  if (isX87(row)) return x87OperandSize(row.code, (row.ext ?? 0) << 3, size === 2)
  if (/^fx(save|rstor)/.test(name)) return 512
  return memory.size
}

/** By the mnemonic: what the source operand holds. */
export function laneTypeOf({ name }: Row): LaneType {
  const source = /^v?cvtt?(ps|ss|pd|sd|pi|dq|si)2/.exec(name)?.[1]
  if (source !== undefined) return source.endsWith('s') ? 'single' : source.endsWith('d') ? 'double' : 'integer'
  if (/^p/.test(name) && !/^pblend/.test(name)) return 'integer'
  if (/(ps|ss)$/.test(name)) return 'single'
  if (/(pd|sd)$/.test(name)) return 'double'
  return 'any'
}
