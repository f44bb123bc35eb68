/** Random operands for rows of the table: registers, memory and constants that keep a program on its way. */
import { operandSize, x87Row } from '../../src/float/x87-table.ts'
import { RAX, RBX, RDI, RDX, RSP } from '../../src/insn/register-numbers.ts'
import type { Row } from '../../src/insn/row.ts'
import {
  type Address,
  absolute,
  based,
  HIGH_BYTES,
  isSized,
  type Operands,
  relative,
  withoutConflict,
} from './encode.ts'
import { CODE, DATA, DATA_BYTES, READ_ONLY_BYTES } from './layout.ts'
import type { Random } from './random.ts'
import { impliedRegisters, rowOf } from './selection.ts'
import { Text } from './text.ts'

type Size = 1 | 2 | 4 | 8

/** Bytes of the text that may be changed at will: an immediate, or data jumped over. */
export interface Field {
  readonly at: number
  readonly bytes: number
}

const MOV_CONSTANT = rowOf('mov', 'Zv Iv')
const MOVZX_BYTE = rowOf('movzx', 'Gv Eb')
const MOVSX_BYTE = rowOf('movsx', 'Gv Eb')
const DEFINING = [rowOf('cmp', 'Gv Ev'), rowOf('add', 'Gv Ev'), rowOf('sub', 'Ev Gv'), rowOf('neg', 'Ev')]
const FXCH = rowOf('fxch', '')

const SIZE_OF: Readonly<Record<string, number>> = { b: 1, w: 2, d: 4, q: 8, x: 16 }
const UNALIGNED: ReadonlySet<string> = new Set(['movups', 'movupd', 'movdqu'])
/** Their constants may be anything at any time, so they can be overwritten. */
const WITH_FIELD = /^(add|or|adc|sbb|and|sub|xor|cmp|test|mov|imul|pshufd|pshufhw|pshuflw|pshufw|shufps|shufpd)$/
const IDLE_PREFIXES = [0x26, 0x2e, 0x36, 0x3e]

export class Writer {
  readonly random: Random
  readonly text: Text
  /** Offset in CODE of the first instruction. */
  readonly start: number
  /** Registers that any instruction may change. */
  free: readonly number[]
  /** Counts loops. */
  readonly counter: number
  /** Hold addresses in DATA all the time. */
  readonly pointers: readonly (readonly [register: number, address: number])[]
  readonly fields: Field[] = []
  /** Data between instructions. */
  readonly gaps: Field[] = []
  /** The code being written is also run elsewhere: no operands relative to it. */
  movable = false
  /** RSP is a multiple of 8 at the start, and so outside of 16-bit pushes. */
  readonly stackIsAligned: boolean
  /** Offset in DATA where accesses of all sizes meet. */
  readonly #meeting: number

  constructor(random: Random) {
    this.random = random
    const start = random.chance(50) ? 0x1000 - random.between(20, 900) : random.below(0x1000)
    this.start = start
    this.text = new Text(start, () => this.#define())
    const keepsFirst = random.chance(70)
    const others = random.shuffled([3, 5, 8, 9, 10, 11, 12, 13, 14, 15])
    const order = keepsFirst ? others : random.shuffled([0, 1, 2, 6, 7, ...others])
    this.counter = order[0]
    this.pointers = [
      [order[1], DATA + random.below(0x1000)],
      [order[2], DATA + 0x2000 + 8 * random.below(0x200)],
    ]
    const reserved = order.slice(0, 3)
    this.free = Array.from({ length: 16 }, (_, n) => n).filter((n) => n !== RSP && !reserved.includes(n))
    this.stackIsAligned = random.chance(75)
    this.#meeting = random.below(DATA_BYTES - 256) + 64
  }

  isFree(...registers: number[]): boolean {
    return registers.every((register) => this.free.includes(register))
  }

  register(): number {
    return this.random.pick(this.free)
  }

  #byteRegister(): number {
    const register = this.register()
    return register < 4 && this.random.chance(35) ? register + HIGH_BYTES : register
  }

  constant(register: number, value: number): void {
    this.text.emit(MOV_CONSTANT, { size: 4, rm: register, immediate: this.#number(value, 4) })
  }

  #number(value: number, bytes: number): number[] {
    return Array.from({ length: bytes }, (_, n) => (n < 4 ? (value >>> (8 * n)) & 0xff : 0))
  }

  /** Changes the flags, and a register. */
  #define(): void {
    const operands = { size: this.random.pick<4 | 8>([4, 8]), reg: this.register(), rm: this.register() }
    this.text.emit(this.random.pick(DEFINING), operands)
  }

  defineFlags(): void {
    if (this.text.undefinedFlags) this.#define()
  }

  /** An address in DATA at which so many bytes may be accessed, `slack` more on both sides. */
  target(bytes: number, aligned: boolean, reads: boolean, slack: number = 0): number {
    const { random } = this
    const end = reads ? DATA_BYTES + READ_ONLY_BYTES : DATA_BYTES
    const within = (at: number) => DATA + Math.min(Math.max(at, slack), end - bytes - slack)
    if (aligned) return DATA + (Math.min(random.below(end), end - bytes) & ~15)
    switch (random.below(6)) {
      case 0:
        return within(0x1000 * random.between(1, reads ? 4 : 3) - random.between(1, Math.max(1, bytes - 1)))
      case 1:
      case 2:
        return within(this.#meeting + random.below(24))
      case 3:
        return within(random.below(end))
      default:
        return within(random.below(end) & -bytes)
    }
  }

  /** A memory operand of so many bytes; may write an instruction or two that load an index. */
  memory(bytes: number, aligned: boolean, reads: boolean, slack: number = 0): Address {
    const { random } = this
    if (this.gaps.length > 0 && !aligned && slack === 0 && random.chance(15)) {
      const gap = random.pick(this.gaps)
      if (gap.bytes >= bytes) return this.reach(CODE + gap.at + random.below(gap.bytes - bytes + 1))
    }
    if (!aligned && slack === 0 && bytes <= 8 && random.chance(8))
      return based(RSP, reads ? random.between(-64, 64) : random.between(-200, -8 - bytes))
    if (!aligned && random.chance(25)) return this.#indexed(bytes, reads, slack)
    return this.reach(this.target(bytes, aligned, reads, slack))
  }

  reach(address: number): Address {
    const { random } = this
    const cut = random.chance(6)
    if (random.chance(20)) return { ...absolute(address), cut }
    if (!this.movable && random.chance(20)) return relative(address)
    const [register, value] = random.pick(this.pointers)
    return { ...based(register, address - value), cut }
  }

  #indexed(bytes: number, reads: boolean, slack: number): Address {
    const { random } = this
    const index = this.register()
    const scale = random.below(4)
    const source = this.register()
    const reach = 255 << scale
    const from = this.target(bytes + reach, false, reads, slack)
    this.text.emit(MOVZX_BYTE, { size: random.pick([4, 8]), reg: index, rm: source })
    if (random.chance(30)) return { ...absolute(from), index, scale }
    const [register, value] = random.pick(this.pointers)
    return { ...based(register, from - value), index, scale }
  }

  /** Sizes the row allows, one of them. */
  size(row: Row): Size {
    if (/^[EZGM]b|^AL/.test(row.operands)) return 1
    if (!isSized(row)) return row.w === 1 ? 8 : 4
    if (row.prefix === '66' && /v\b/.test(row.operands)) return this.random.pick([2, 8])
    if (/y\b/.test(row.operands) || row.prefix === 'np' || /^(bswap|movsxd)$/.test(row.name))
      return this.random.pick([4, 8])
    return this.random.pick([2, 4, 4, 8, 8])
  }

  /** Writes an instruction of this row, after what it needs; nothing if it would change a register that is in use. */
  instruction(row: Row): void {
    if (!this.isFree(...impliedRegisters(row))) return
    this.text.defineFor(row)
    const size = this.size(row)
    if (/^sh[lr]d$/.test(row.name) && size === 2 && row.operands.endsWith('CL')) return
    if (row.name === 'lea') {
      this.#address(row, size)
      return
    }
    const tokens = row.operands.split(' ')
    const reg = this.#registerFor(tokens.find((token) => /^[GVP]/.test(token)))
    const memory = this.#takesMemory(row) ? this.#memoryFor(row, size, reg) : undefined
    const rm = memory ? undefined : this.#rmFor(row, tokens)
    const immediate = this.immediate(row, size)
    const operands = this.#prepare(row, { size, reg, rm, memory, immediate })
    if (operands) this.#emit(row, operands)
  }

  /** An instruction of this row, whose first operand is memory, on what lies at this address. */
  change(row: Row, size: Size, address: number): void {
    if (!this.isFree(...impliedRegisters(row))) return
    this.text.defineFor(row)
    const token = row.operands.split(' ')[1] ?? ''
    const reg = this.#registerFor(token)
    this.#emit(row, { size, reg, memory: this.reach(address), immediate: this.immediate(row, size) })
  }

  #emit(row: Row, operands: Operands): void {
    const { random } = this
    const memory = operands.memory
    const lock = row.lock && memory && !operands.lock && random.chance(20)
    const idlePrefix = random.chance(2) ? random.pick(IDLE_PREFIXES) : 0
    const { at, immediateAt } = this.text.emit(
      row,
      withoutConflict(row, { ...operands, lock: lock === true, idlePrefix }),
    )
    const immediate = operands.immediate?.length ?? 0
    if (immediate > 0 && WITH_FIELD.test(row.name)) this.fields.push({ at: at + immediateAt, bytes: immediate })
    if (/^fu?comip?$/.test(row.name)) this.text.emit(FXCH, { size: 4, rm: 0 })
  }

  #registerFor(token: string | undefined): number {
    if (token === undefined) return 0
    if (token[0] === 'V') return this.random.below(16)
    if (token[0] === 'P') return this.random.below(8)
    return token === 'Gb' ? this.#byteRegister() : this.register()
  }

  #rmFor(row: Row, tokens: readonly string[]): number {
    const token = tokens.find((one) => /^[ERZWUQN]/.test(one))
    if (token === undefined) return this.random.below(8)
    if (/^[WU]/.test(token)) return this.random.below(16)
    if (/^[QN]/.test(token)) return this.random.below(8)
    return /^[EZ]b/.test(token) && row.map < 2 ? this.#byteRegister() : this.register()
  }

  #takesMemory(row: Row): boolean {
    if (row.mod !== undefined) return row.mod === 'mem'
    // The register form of 0F 0D is #UD at AMD.
    if (/\b[MO][a-z]/.test(row.operands) || (row.name === 'prefetch' && row.code === 0x0d)) return true
    return /\b[EWQ][a-z]/.test(row.operands) && this.random.chance(45)
  }

  #memoryFor(row: Row, size: Size, reg: number): Address {
    const tokens = row.operands.split(' ')
    const n = tokens.findIndex((token) => /^[EMWQO]/.test(token))
    const letter = tokens[n][1]
    if (tokens[n][0] === 'O') return { ...absolute(this.target(size, false, n > 0)), cut: this.random.chance(30) }
    if (letter === 'n') {
      const modrm = (row.ext ?? 0) << 3
      return this.memory(operandSize(row.code, modrm), false, x87Row(row.code, modrm)?.access === 'r')
    }
    const bytes = SIZE_OF[letter] ?? (letter === 'z' ? Math.min(size, 4) : size)
    const aligned = row.name === 'cmpxchg16b' || (bytes === 16 && !UNALIGNED.has(row.name))
    if (!/^bt/.test(row.name) || !row.operands.endsWith('Gv')) return this.memory(bytes, aligned, n > 0)
    this.text.emit(this.random.chance(50) ? MOVSX_BYTE : MOVZX_BYTE, { size, reg, rm: this.register() })
    return this.memory(bytes, false, false, 32)
  }

  /** Bytes of the immediate operand. */
  immediate(row: Row, size: Size): number[] {
    const letter = /Iu?([bwzv])$/.exec(row.operands)?.[1]
    if (letter === undefined) return []
    const bytes = letter === 'b' ? 1 : letter === 'w' ? 2 : letter === 'z' ? Math.min(size, 4) : size
    if (/^sh[lr]d$/.test(row.name) && size === 2) return [this.random.below(17)]
    if (/^sh[lr]$/.test(row.name) && size < 4) return [this.random.below(8 * size)]
    if (/^cmp[ps][sd]$/.test(row.name)) return [this.random.below(8)]
    return this.random.bytes(bytes)
  }

  /** What must hold before the instruction; nothing if it cannot be had. */
  #prepare(row: Row, o: Operands): Operands | undefined {
    const { random } = this
    switch (row.name) {
      case 'bsf':
      case 'bsr': {
        const rm = o.rm ?? this.register()
        this.text.emit(OR_BYTE, { size: o.size, rm, immediate: [random.between(1, 127)] })
        return { ...o, rm, memory: undefined }
      }
      case 'xlat':
        this.constant(RBX, this.target(256, false, true))
        return o
      case 'maskmovq':
      case 'maskmovdqu':
        this.constant(RDI, this.target(16, false, false))
        return o
      case 'div':
      case 'idiv':
        return this.#prepareDivision(row, o)
      default:
        return o
    }
  }

  /** A quotient that fits: the upper half is the sign of the lower one, the divisor small and positive. */
  #prepareDivision(row: Row, { size }: Operands): Operands | undefined {
    const { random } = this
    const rm = random.pick(this.free.filter((register) => register !== RAX && register !== RDX))
    this.constant(rm, random.between(1, 127))
    if (size === 1) {
      if (row.name === 'idiv') this.text.emit(CBW, { size: 2 })
      else this.text.emit(MOVZX_BYTE, { size: 4, reg: RAX, rm: RAX })
    } else if (row.name === 'idiv') this.text.emit(CWD, { size })
    else this.constant(RDX, 0)
    return { size, rm }
  }

  /** lea of anything: no access is made. */
  #address(row: Row, size: Size): void {
    const { random } = this
    const index = random.pick([-1, 0, 1, 2, 3, 5, 6, 7, 8, 9, 12, 13, 15])
    const disp = random.chance(50) ? random.between(-128, 127) : random.bits() | 0
    const memory = {
      base: random.between(-1, 15),
      index,
      scale: random.below(4),
      disp,
      ripRelative: false,
      cut: random.chance(15),
    }
    this.text.emit(row, {
      size,
      reg: this.register(),
      memory: random.chance(15) ? relative(CODE + random.below(0x2000)) : memory,
    })
  }
}

const OR_BYTE = rowOf('or', 'Ev Ib')
const CBW = rowOf('cbw', '')
const CWD = rowOf('cwd', '')
