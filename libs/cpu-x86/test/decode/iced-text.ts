/** What iced-x86 answers, as text. */
import {
  Code,
  CpuidFeature,
  Decoder,
  DecoderOptions,
  EncodingKind,
  Instruction,
  MemorySizeExt,
  Mnemonic,
  OpKind,
  Register,
} from 'iced-x86'
import { memoryText } from './our-text.ts'

const lowerNames = (names: Record<number, string>): Record<number, string> =>
  Object.fromEntries(
    Object.entries(names)
      .filter(([key]) => /^\d+$/.test(key))
      .map(([key, name]) => [key, String(name).toLowerCase()]),
  )

const registers = lowerNames(Register as unknown as Record<number, string>)
const mnemonics = lowerNames(Mnemonic as unknown as Record<number, string>)

const IMPLIED: ReadonlySet<OpKind> = new Set([
  OpKind.MemorySegSI,
  OpKind.MemorySegESI,
  OpKind.MemorySegRSI,
  OpKind.MemorySegDI,
  OpKind.MemorySegEDI,
  OpKind.MemorySegRDI,
  OpKind.MemoryESDI,
  OpKind.MemoryESEDI,
  OpKind.MemoryESRDI,
])

const IMMEDIATE_BITS: Readonly<Record<number, number>> = {
  [OpKind.Immediate8]: 8,
  [OpKind.Immediate8_2nd]: 8,
  [OpKind.Immediate8to16]: 16,
  [OpKind.Immediate16]: 16,
  [OpKind.Immediate8to32]: 32,
  [OpKind.Immediate32]: 32,
}

export interface Answer {
  readonly text: string
  readonly mnemonic: string
  readonly valid: boolean
  readonly length: number
  /** Encoded without VEX, EVEX, XOP or 3DNow!. */
  readonly legacy: boolean
  readonly vex: boolean
  /** CPUID features, in iced's names. */
  readonly features: () => readonly string[]
}

/** Decodes with iced at any place of one buffer. */
export class Iced {
  readonly #decoder: Decoder
  readonly #insn = new Instruction()

  constructor(bytes: Uint8Array, mode: 32 | 64) {
    this.#decoder = new Decoder(mode, bytes, DecoderOptions.None)
  }

  free(): void {
    this.#decoder.free()
    this.#insn.free()
  }

  /** Bytes of the instruction at a place, 0 for none. Much cheaper than `decode`. */
  length(position: number): number {
    this.#decodeAt(position)
    return this.#insn.code === Code.INVALID ? 0 : this.#insn.length
  }

  #decodeAt(position: number): void {
    this.#decoder.position = position
    this.#decoder.ip = 0n
    this.#decoder.decodeOut(this.#insn)
  }

  decode(position: number): Answer {
    const insn = this.#insn
    this.#decodeAt(position)
    const mnemonic = mnemonics[insn.mnemonic]
    const features = () => [...insn.cpuidFeatures()].map((feature) => CpuidFeature[feature])
    if (insn.code === Code.INVALID)
      return { text: 'invalid', mnemonic, valid: false, length: insn.length, legacy: true, vex: false, features }
    const operands: string[] = []
    let implied = false
    for (let n = 0; n < insn.opCount; n++) {
      const kind = insn.opKind(n)
      if (IMPLIED.has(kind)) implied = true
      else operands.push(this.#operand(n, kind))
    }
    const rep = insn.hasRepPrefix ? 'rep ' : insn.hasRepnePrefix ? 'repne ' : ''
    const lock = insn.hasLockPrefix ? 'lock ' : ''
    return {
      text: `${insn.length}: ${lock}${implied ? rep : ''}${mnemonic} ${implied ? '' : operands.join(', ')}`,
      mnemonic,
      valid: true,
      length: insn.length,
      legacy: insn.encoding === EncodingKind.Legacy,
      vex: insn.encoding === EncodingKind.VEX,
      features,
    }
  }

  #operand(n: number, kind: OpKind): string {
    const insn = this.#insn
    switch (kind) {
      case OpKind.Register:
        return registers[insn.opRegister(n)]
      case OpKind.NearBranch16:
        return `+${((Number(insn.nearBranchTarget) - insn.length) << 16) >> 16}`
      case OpKind.NearBranch32:
        return `+${(Number(insn.nearBranchTarget) - insn.length) | 0}`
      case OpKind.NearBranch64:
        return `+${BigInt.asIntN(64, insn.nearBranchTarget - BigInt(insn.length))}`
      case OpKind.FarBranch16:
        return `#${insn.farBranch16.toString(16)}, #${insn.farBranchSelector.toString(16)}`
      case OpKind.FarBranch32:
        return `#${insn.farBranch32.toString(16)}, #${insn.farBranchSelector.toString(16)}`
      case OpKind.Memory:
        return this.#memory()
      default:
        return `#${hex(insn.immediate(n), IMMEDIATE_BITS[kind] ?? 64)}`
    }
  }

  #memory(): string {
    const insn = this.#insn
    const base = insn.memoryBase
    const relative = base === Register.RIP || base === Register.EIP
    const addressBits = BigInt(8 * (base === Register.EIP ? 4 : insn.memoryDisplSize === 8 ? 8 : addressSize(insn)))
    const displacement = insn.memoryDisplacement - (relative ? BigInt(insn.length) : 0n)
    const segment = insn.memorySegment
    return memoryText(
      segment === Register.FS ? 'fs' : segment === Register.GS ? 'gs' : 'none',
      relative ? 'rip' : registers[base],
      registers[insn.memoryIndex],
      insn.memoryIndexScale,
      BigInt.asUintN(Number(addressBits), displacement),
      MemorySizeExt.size(insn.memorySize),
    )
  }
}

const hex = (value: bigint, bits: number): string => BigInt.asUintN(bits, value).toString(16)

function addressSize(insn: Instruction): number {
  const register = insn.memoryBase === Register.None ? insn.memoryIndex : insn.memoryBase
  if (register === Register.None) return insn.memoryDisplSize
  if (register >= Register.RAX && register <= Register.R15) return 8
  return register >= Register.EAX && register <= Register.R15D ? 4 : 2
}
