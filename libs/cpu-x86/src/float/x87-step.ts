/** One x87 instruction being executed: its operands, its environment, and what it leaves behind. */
import { FloatEnvironment, IE, loadControlWord, OE, PE, PRE_COMPUTATION, UE } from './environment.ts'
import type { Packed, Unpacked } from './format.ts'
import { DEFAULT_NAN, F80, packExact } from './format.ts'
import {
  C0,
  C1,
  C2,
  C3,
  fcw,
  fsw,
  isEmpty,
  readSt,
  SF,
  setEmpty,
  setStatus,
  setTop,
  top,
  writeSt,
} from './x87-state.ts'

export const INDEFINITE: Packed = packExact(F80, DEFAULT_NAN)

/** Significand bits by precision control; the reserved encoding 1 behaves as extended. */
const PRECISIONS = [24, 64, 53, 64]

/** What an instruction may need of its surroundings. */
export interface X87Context {
  /** RFLAGS, read by fcmovcc. */
  readonly rflags?: number
  /** A 66 prefix: fldenv, fnstenv, fnsave and frstor use the 16-bit layout. */
  readonly operandSize16?: boolean
  /** Address of the instruction; FIP, FOP and FDP are left alone without it. */
  readonly ip?: bigint
  /** Offset of the memory operand, without its segment's base; FDP stays without it. */
  readonly dataPointer?: bigint
}

export interface StoreBuffer {
  readonly bytes: Uint8Array
  readonly view: DataView
}

function storeBuffer(size: number): StoreBuffer {
  const bytes = new Uint8Array(size)
  return { bytes, view: new DataView(bytes.buffer) }
}

/** Making a typed array costs more than most instructions, so there is one for each size. */
const STORE_BUFFERS: ReadonlyMap<number, StoreBuffer> = new Map(
  [2, 4, 8, 10, 14, 28, 94, 108].map((size) => [size, storeBuffer(size)]),
)

export class X87Step {
  readonly env: FloatEnvironment = new FloatEnvironment()
  state: DataView = new DataView(new ArrayBuffer(512))
  modrm: number = 0
  /** The memory operand of a load. */
  memory: DataView = new DataView(new ArrayBuffer(0))
  operandSize16: boolean = false
  /** RFLAGS before the instruction, which fcmovcc reads. */
  rflagsIn: number = 0
  /** Bytes for memory; the buffer is used again by the next instruction. */
  store: Uint8Array | undefined
  rflags: number | undefined
  ax: number | undefined
  #stackFault = 0
  #c1 = false
  /** What this instruction makes of C0, C2 and C3, and which of them it changes. */
  #codes = 0
  #codesMask = 0
  #keepC1 = false

  begin(state: DataView, modrm: number, memory: DataView, context: X87Context): void {
    this.state = state
    this.modrm = modrm
    this.memory = memory
    this.operandSize16 = context.operandSize16 === true
    this.rflagsIn = context.rflags ?? 0
    this.store = undefined
    this.rflags = undefined
    this.ax = undefined
    this.#stackFault = 0
    this.#c1 = false
    this.#codes = 0
    this.#codesMask = 0
    this.#keepC1 = false
    loadControlWord(this.env, fcw(state))
  }

  /** Merges flags and condition codes into the status word; C1 is the rounding direction unless set otherwise. */
  finish(): void {
    const { env } = this
    const flags = env.stopped ? env.flags & PRE_COMPUTATION : env.flags
    const rounded = env.roundedUp && (flags & PE) !== 0
    let status = fsw(this.state) | flags | this.#stackFault
    if (!this.#keepC1) status &= ~C1
    if (this.#c1 || rounded) status |= C1
    setStatus(this.state, (status & ~this.#codesMask) | this.#codes)
  }

  /** A store of `bytes` bytes to fill in, of which nothing is done unless it becomes `store`. */
  storeBuffer(bytes: number): StoreBuffer {
    return STORE_BUFFERS.get(bytes) ?? storeBuffer(bytes)
  }

  /** i of the ST(i) operand. */
  get index(): number {
    return this.modrm & 7
  }

  get precision(): number {
    return PRECISIONS[(fcw(this.state) >>> 8) & 3] as number
  }

  setC1(value: boolean): void {
    this.#c1 = value
  }

  /** For an instruction that leaves C1 alone when it succeeds. */
  keepC1(): void {
    this.#keepC1 = true
  }

  /** Sets those of C0, C2 and C3 that are in `mask` to `codes`. */
  setCodes(codes: number, mask: number = C0 | C2 | C3): void {
    this.#codes = codes
    this.#codesMask = mask
  }

  isEmpty(i: number): boolean {
    return isEmpty(this.state, i)
  }

  read(i: number): Unpacked {
    return readSt(this.state, i)
  }

  /** An empty register was used as a source. @returns whether the masked response applies */
  underflow(): boolean {
    this.env.raise(IE)
    this.#stackFault = SF
    return this.env.isMasked(IE)
  }

  /** A push found ST(7) in use. @returns whether the masked response applies */
  overflow(): boolean {
    this.#c1 = true
    return this.underflow()
  }

  /** Writes a result to ST(i). @returns false, and writes nothing, if an unmasked exception stopped the computation */
  deliver(i: number, p: Packed): boolean {
    if (this.env.stopped) return false
    writeSt(this.state, i, p)
    return true
  }

  /** Whether a result may go to memory: there, unmasked overflow and underflow too leave the destination alone. */
  get mayStore(): boolean {
    const { env } = this
    if ((env.flags & ~env.masks & (IE | OE | UE)) === 0) return true
    // Nothing was rounded, then.
    env.flags &= ~PE
    return false
  }

  /** Pushes; the caller has dealt with overflow and with exceptions. */
  push(p: Packed): void {
    setTop(this.state, top(this.state) - 1)
    writeSt(this.state, 0, p)
  }

  pop(): void {
    setEmpty(this.state, 0, true)
    setTop(this.state, top(this.state) + 1)
  }
}

/** Executes one instruction on a step between `begin` and `finish`. */
export type X87Run = (x: X87Step) => void
