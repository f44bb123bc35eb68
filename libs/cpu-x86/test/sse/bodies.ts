/** Runs single instructions through the cold tier's out-of-line bodies, without pages: what a definition itself does. */
import { Locals, parameter } from '../../src/builder/locals.ts'
import { encodeOperands } from '../../src/cold/encode.ts'
import { BODY, BODY_IMPORTS, HELPER_INDEX } from '../../src/cold/functions.ts'
import { EXIT } from '../../src/cold/record.ts'
import { addressShape, OutOfLineBuilder } from '../../src/cold/record-builder.ts'
import type { Decoded, Operand } from '../../src/decode/decoded.ts'
import { isFault, makeDecoder } from '../../src/decode/decoder.ts'
import { exactSoFar } from '../../src/insn/exact-so-far.ts'
import type { Row } from '../../src/insn/row.ts'
import { sseFront } from '../../src/insn/sse-front.ts'
import { sseHelper } from '../../src/insn/sse-helper.ts'
import { x87Helper } from '../../src/insn/x87-helper.ts'
import { SIZE_AND_WRITE } from '../../src/mmu/fill.ts'
import { CPU, REGION } from '../../src/state/layout.ts'
import { DomainViews, VcpuMemory } from '../../src/state/vcpu-memory.ts'
import { Code } from '../../src/wasm/code.ts'
import { isFused } from '../../src/wasm/fused.ts'
import { assemble } from '../../src/wasm/module.ts'
import { DATA, DATA_BYTES, initialFx, type NativeCase, STACK, STACK_BYTES, type Word } from '../native/native.ts'

export interface Outcome {
  /** Exception vector, -1 for none. */
  readonly vector: number
  readonly error: number
  readonly gpr: BigUint64Array
  readonly rflags: number
  readonly fx: Uint8Array
  readonly memory: readonly Word[]
}

type Body = (cpu: number, record: number) => number

const BASE = 0x10000
const RECORD = 0x8000
const DATA_HOST = 0x200000
const STACK_HOST = DATA_HOST + DATA_BYTES
const FILL = BODY_IMPORTS.length
const PAGE_FAULT = 14
const UNDEFINED = 6

/** As a region knows them: immediates are constants while code is written. */
class KnowingBuilder extends OutOfLineBuilder {
  override known(operand?: Operand): bigint | undefined {
    return operand?.kind === 'imm' ? operand.value : undefined
  }
}

/**
 * Answers what becomes of a case with one instruction. `knows`: each immediate has a body of its own; `fused`: whether exact products
 * are told by a multiplication and addition that rounds once, if the processor has one.
 */
export function bodyRunner(
  rows: readonly Row[],
  knows: boolean = false,
  fused: boolean = isFused(),
): (test: NativeCase) => Outcome {
  const memory = new WebAssembly.Memory({ initial: 64, maximum: 65536, shared: true })
  const views = new DomainViews(memory)
  const vcpu = new VcpuMemory(views, BASE)
  const data = new DataView(memory.buffer)
  const decode = makeDecoder(rows)
  const bodies = new Map<string, Body>()
  // No case reads the time.
  const hosts = {
    fill,
    sse: sseFront(memory, sseHelper(data)),
    x87: x87Helper(data),
    tsc: () => EXIT.TRAP,
    exact: exactSoFar(memory, fused),
  }
  vcpu.resetTlbs()
  vcpu.setI32(CPU.TLB, BASE + REGION.TLB_KERNEL)

  function fill(_cpu: number, va: bigint, info: number): number {
    const [at, size] = [Number(BigInt.asUintN(64, va)), (info & SIZE_AND_WRITE) >> 1]
    if (at >= DATA && at + size <= DATA + DATA_BYTES) return at - DATA + DATA_HOST
    if (at >= STACK && at + size <= STACK + STACK_BYTES) return at - STACK + STACK_HOST
    return 0
  }

  function bodyOf(insn: Decoded): Body {
    const shapes = insn.operands.map((o) => (o.kind === 'mem' ? addressShape(o, insn.addressSize) : o.kind))
    const immediates = insn.operands.flatMap((o) => (knows && o.kind === 'imm' ? [o.value] : []))
    const key = [
      rows.indexOf(insn.row),
      insn.size,
      insn.addressSize,
      insn.row.variant?.(insn) ?? 0,
      ...shapes,
      ...immediates,
    ].join()
    const known = bodies.get(key)
    if (known !== undefined) return known
    const code = new Code()
    const locals = new Locals(2)
    const Kind = knows ? KnowingBuilder : OutOfLineBuilder
    const b = new Kind(code, locals, parameter('i32', 0), parameter('i32', 1), HELPER_INDEX, FILL)
    b.emit({ ...insn, operands: insn.operands.map((o) => ({ ...o })) })
    code.u8(0)
    code.end()
    const bytes = assemble({
      imports: [...BODY_IMPORTS, ['fill', { params: ['i32', 'i64', 'i32'], results: ['i32'] }]],
      functions: [{ name: 'body', signature: BODY, locals: locals.types, code }],
    })
    const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { e: { m: memory, ...hosts } })
    const body = instance.exports.body as Body
    bodies.set(key, body)
    return body
  }

  return ({ code, gpr, rflags = 0, fx = initialFx(), memory: words = [], mode = 64 }) => {
    const before = views.u64.subarray(DATA_HOST >> 3, (STACK_HOST + STACK_BYTES) >> 3)
    before.fill(0n)
    for (const { address, value } of words) before[wordIndex(address)] = value
    const old = before.slice()
    for (const [n, value] of gpr.entries()) vcpu.setGpr(n, value)
    views.u8.set(fx, BASE + CPU.FX)
    setFlags(vcpu, rflags)
    const insn = decode(code, 0, code.length, mode)
    let vector = UNDEFINED
    let error = -1
    if (!isFault(insn)) {
      encodeOperands(vcpu, RECORD, insn, 0)
      const exit = bodyOf(insn)(BASE, RECORD)
      vector = exit === EXIT.DONE ? -1 : exit === EXIT.FAULT ? vcpu.i32(CPU.VECTOR) : PAGE_FAULT
      if (exit === EXIT.FAULT) error = vcpu.i32(CPU.ERROR)
    }
    const changed: Word[] = []
    before.forEach((value, n) => {
      if (value !== old[n]) changed.push({ address: wordAddress(n), value })
    })
    return {
      vector,
      error,
      gpr: BigUint64Array.from({ length: 16 }, (_, n) => vcpu.gpr(n)),
      rflags: flags(vcpu),
      fx: views.u8.slice(BASE + CPU.FX, BASE + CPU.FX + 512),
      memory: changed,
    }
  }
}

const wordIndex = (address: number): number => (address >= STACK ? address - STACK + DATA_BYTES : address - DATA) >> 3
const wordAddress = (n: number): number => (n * 8 >= DATA_BYTES ? n * 8 - DATA_BYTES + STACK : n * 8 + DATA)

function setFlags(vcpu: VcpuMemory, rflags: number): void {
  const bit = (n: number): bigint => BigInt((rflags >> n) & 1)
  vcpu.setU64(CPU.FZ, 1n - bit(6))
  vcpu.setU64(CPU.FS, (bit(7) << 63n) | (1n - bit(2)))
  vcpu.setU64(CPU.FC, (bit(0) << 63n) | ((bit(0) ^ bit(11)) << 62n) | (bit(4) << 3n))
}

function flags(vcpu: VcpuMemory): number {
  const [fz, fs, fc] = [CPU.FZ, CPU.FS, CPU.FC].map((at) => vcpu.u64(at))
  let parity = 1
  for (let low = Number(fs & 255n); low !== 0; low &= low - 1) parity ^= 1
  const carry = Number(fc >> 63n)
  const overflow = carry ^ Number((fc >> 62n) & 1n)
  const adjust = Number((fc >> 3n) & 1n)
  return carry | (parity << 2) | (adjust << 4) | (Number(fz === 0n) << 6) | (Number(fs >> 63n) << 7) | (overflow << 11)
}
