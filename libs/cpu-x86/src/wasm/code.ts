import type { Expr, I32, WasmType } from './expr.ts'

/** WebAssembly value type bytes. */
export const TYPE_BYTE: Readonly<Record<WasmType, number>> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b }

/** Added to the offset of an access: it is one of the module's second memory. */
export const SECOND_MEMORY: number = 2 ** 32

/** A growing buffer of WebAssembly bytes: LEB numbers straight into a Uint8Array. */
export class Bytes {
  #data: Uint8Array
  length = 0

  constructor(capacity: number = 256) {
    this.#data = new Uint8Array(capacity)
  }

  view(): Uint8Array {
    return this.#data.subarray(0, this.length)
  }

  #reserve(n: number): void {
    if (this.length + n <= this.#data.length) return
    const grown = new Uint8Array(Math.max(this.#data.length * 2, this.length + n))
    grown.set(this.#data)
    this.#data = grown
  }

  u8(byte: number): void {
    if (this.length === this.#data.length) this.#reserve(1)
    this.#data[this.length++] = byte
  }

  /** Unsigned LEB128. */
  u32(value: number): void {
    let v = value >>> 0
    while (v > 127) {
      this.u8((v & 127) | 128)
      v >>>= 7
    }
    this.u8(v)
  }

  /** Signed LEB128 of a 32-bit value. */
  s32(value: number): void {
    let v = value | 0
    for (;;) {
      const low = v & 127
      v >>= 7
      if ((v === 0 && (low & 64) === 0) || (v === -1 && (low & 64) !== 0)) {
        this.u8(low)
        return
      }
      this.u8(low | 128)
    }
  }

  /** Signed LEB128 of a 64-bit value. */
  s64(value: number | bigint): void {
    const rounded = Number(value)
    if ((rounded | 0) === rounded) {
      this.s32(rounded)
      return
    }
    let v = BigInt(value)
    for (;;) {
      const low = Number(v & 127n)
      v >>= 7n
      if ((v === 0n && (low & 64) === 0) || (v === -1n && (low & 64) !== 0)) {
        this.u8(low)
        return
      }
      this.u8(low | 128)
    }
  }

  bytes(source: Uint8Array): void {
    this.#reserve(source.length)
    this.#data.set(source, this.length)
    this.length += source.length
  }

  name(text: string): void {
    this.u32(text.length)
    for (let i = 0; i < text.length; i++) this.u8(text.charCodeAt(i))
  }

  section(id: number, content: Bytes): void {
    this.u8(id)
    this.u32(content.length)
    this.bytes(content.view())
  }
}

/** The body of one function: expressions and statements as bytes, with branch hints by offset. */
export class Code extends Bytes {
  /** Open blocks; a label is remembered as the depth at which it was opened. */
  depth = 0
  /** [offset in the body after the local declarations, 1 = likely / 0 = unlikely]. */
  readonly hints: [number, 0 | 1][] = []

  op(op: number): void {
    if (op > 0xffff) {
      this.u8(op >>> 16)
      this.u32(op & 0xffff)
    } else this.u8(op)
  }

  expr(e: Expr): void {
    switch (e.shape) {
      case 'const':
        this.#constant(e)
        break
      case 'local':
        this.u8(0x20)
        this.u32(e.op)
        break
      case 'load':
        this.expr(e.args[0])
        this.memory(e.op, e.imm as number)
        break
      case 'atomic':
        for (const a of e.args) this.expr(a)
        this.memory(e.op, e.imm as number)
        break
      case 'call':
        for (const a of e.args) this.expr(a)
        this.u8(0x10)
        this.u32(e.op)
        break
      default:
        for (const a of e.args) this.expr(a)
        this.op(e.op)
        if (e.shape === 'lane') this.u8(e.imm as number)
        else if (e.shape === 'shuffle') this.bytes(e.bytes as Uint8Array)
    }
  }

  /** A load or store instruction with its alignment (natural for atomics, 1 otherwise) and offset. */
  memory(op: number, offset: number): void {
    this.op(op)
    const alignment = op >>> 16 === 0xfe ? atomicAlignment(op & 0xffff) : 0
    if (offset >= SECOND_MEMORY) {
      this.u8(alignment | 0x40)
      this.u32(1)
    } else this.u8(alignment)
    this.u32(offset)
  }

  #constant(e: Expr): void {
    switch (e.type) {
      case 'i32':
        this.u8(0x41)
        this.s32(Number(e.imm))
        break
      case 'i64':
        this.u8(0x42)
        this.s64(e.imm)
        break
      case 'f64':
        this.u8(0x44)
        this.bytes(new Uint8Array(Float64Array.of(e.imm as number).buffer))
        break
      case 'f32':
        this.u8(0x43)
        this.bytes(new Uint8Array(Float32Array.of(e.imm as number).buffer))
        break
      case 'v128':
        this.op(0xfd000c)
        this.bytes(e.bytes as Uint8Array)
        break
    }
  }

  setLocal(index: number, value: Expr): void {
    this.expr(value)
    this.u8(0x21)
    this.u32(index)
  }

  call(index: number, ...args: Expr[]): void {
    for (const arg of args) this.expr(arg)
    this.u8(0x10)
    this.u32(index)
  }

  /** Sets a local to the value on the stack. */
  popLocal(index: number): void {
    this.u8(0x21)
    this.u32(index)
  }

  store(op: number, address: I32, value: Expr, offset: number = 0): void {
    this.expr(address)
    this.expr(value)
    this.memory(op, offset)
  }

  block(): void {
    this.u8(0x02)
    this.u8(0x40)
    this.depth++
  }

  loop(): void {
    this.u8(0x03)
    this.u8(0x40)
    this.depth++
  }

  /** `likely` undefined leaves the engine to guess. */
  if(condition: I32, likely?: boolean): void {
    this.expr(condition)
    if (likely !== undefined) this.hints.push([this.length, likely ? 1 : 0])
    this.u8(0x04)
    this.u8(0x40)
    this.depth++
  }

  else(): void {
    this.u8(0x05)
  }

  end(): void {
    this.u8(0x0b)
    this.depth--
  }

  /** Statements for a condition that holds, and for one that does not. */
  ifElse(condition: I32, then: () => void, otherwise?: () => void): void {
    this.if(condition)
    then()
    if (otherwise) {
      this.else()
      otherwise()
    }
    this.end()
  }

  /** Branch to the block or loop that was the `label`-th opened (its depth right after opening). */
  br(label: number): void {
    this.u8(0x0c)
    this.u32(this.depth - label)
  }

  /** memory.copy. */
  copy(to: I32, from: I32, count: I32): void {
    for (const e of [to, from, count]) this.expr(e)
    this.op(0xfc000a)
    this.u8(0)
    this.u8(0)
  }

  /** memory.fill. */
  fill(to: I32, value: I32, count: I32): void {
    for (const e of [to, value, count]) this.expr(e)
    this.op(0xfc000b)
    this.u8(0)
  }

  brIf(label: number, condition: I32, likely?: boolean): void {
    this.expr(condition)
    if (likely !== undefined) this.hints.push([this.length, likely ? 1 : 0])
    this.u8(0x0d)
    this.u32(this.depth - label)
  }

  /** Branch by the number on the stack, below `count`, to the n-th innermost block. */
  table(count: number): void {
    this.u8(0x0e)
    this.u32(count - 1)
    for (let n = 0; n < count; n++) this.u32(n)
  }

  return(value?: Expr): void {
    if (value) this.expr(value)
    this.u8(0x0f)
  }

  /** Puts another body, complete in itself, behind this one. */
  append(other: Code): void {
    for (const [offset, likely] of other.hints) this.hints.push([this.length + offset, likely])
    this.bytes(other.view())
  }

  drop(value: Expr): void {
    this.expr(value)
    this.u8(0x1a)
  }
}

/** log2 of the natural alignment of an atomic instruction (threads proposal, opcode table). */
function atomicAlignment(op: number): number {
  if (op === 0x10 || op === 0x17) return 2
  if (op === 0x11 || op === 0x18) return 3
  const within = (op - 0x1e) % 7
  return within === 0 ? 2 : within === 1 ? 3 : within === 2 || within === 4 ? 0 : within === 3 || within === 5 ? 1 : 2
}

/** Store opcodes by size of the value in bytes. */
export const STORE64: Readonly<Record<number, number>> = { 1: 0x3c, 2: 0x3d, 4: 0x3e, 8: 0x37 }
export const STORE32 = 0x36
/** Of the low bits of an i32. */
export const STORE32_8 = 0x3a
export const STORE32_16 = 0x3b
export const STORE_V128 = 0xfd000b
