/**
 * Typed WebAssembly expressions as small trees. Definitions build them, `Code` (code.ts) writes them as bytes.
 * An expression is pure until written: bind it with `Builder.let` if it is used twice or must keep a value that a later
 * store would change. Names are WebAssembly's own (https://webassembly.github.io/spec/core/appendix/index-instructions.html).
 */
export type WasmType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128'

export type Shape = 'const' | 'local' | 'un' | 'bin' | 'select' | 'load' | 'atomic' | 'lane' | 'shuffle' | 'call'

export class Expr<T extends WasmType = WasmType> {
  readonly type: T
  readonly shape: Shape
  /** Opcode; a prefixed one is `prefix << 16 | opcode`. For 'local' the index, for 'call' the function index. */
  readonly op: number
  readonly args: readonly Expr[]
  /** Constant value, memory offset or lane. */
  readonly imm: number | bigint
  readonly bytes: Uint8Array | undefined

  constructor(
    type: T,
    shape: Shape,
    op: number,
    args: readonly Expr[] = [],
    imm: number | bigint = 0,
    bytes?: Uint8Array,
  ) {
    this.type = type
    this.shape = shape
    this.op = op
    this.args = args
    this.imm = imm
    this.bytes = bytes
  }
}

export type I32 = Expr<'i32'>
export type I64 = Expr<'i64'>
export type F32 = Expr<'f32'>
export type F64 = Expr<'f64'>
export type V128 = Expr<'v128'>

/** The value of an i64 constant expression, else undefined. */
export function constantOf(e: Expr): bigint | undefined {
  return e.shape === 'const' && (e.type === 'i64' || e.type === 'i32') ? BigInt(e.imm) : undefined
}
