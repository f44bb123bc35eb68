/**
 * The function behind the import 'sse' as code has it: while nothing but the inexact flag keeps MXCSR from the usual mode, what
 * WebAssembly compares and converts right is taken, and inexact is set by the first result that is not exact. All else is the
 * library's (sse-helper.ts); arithmetic has been left to it by then (exact-so-far.ts).
 */
import { isExactSoFar, PE } from '../builder/float-tests.ts'
import { Locals, parameter } from '../builder/locals.ts'
import { CPU } from '../state/layout.ts'
import { branchTable } from '../wasm/branch-table.ts'
import { Code, STORE32 } from '../wasm/code.ts'
import { Expr, type I32 } from '../wasm/expr.ts'
import { assemble, type FunctionBody, type Signature } from '../wasm/module.ts'
import { i32 } from '../wasm/ops.ts'
import { DoubtWriter } from './doubt-writer.ts'
import { FRONT_COMPARISONS } from './sse-front-compare.ts'
import { FRONT_CONVERSIONS } from './sse-front-convert.ts'
import type { SseHelper } from './sse-helper.ts'
import { sseOpId } from './sse-op-ids.ts'

const SSE: Signature = { params: ['i32', 'i32', 'i32', 'i32'], results: ['i32'] }

/** Emits what is done in one operation. */
export type Front = (w: FrontWriter) => void

/** By mnemonic. */
const FRONTS: readonly (readonly [string, Front])[] = [...FRONT_COMPARISONS, ...FRONT_CONVERSIONS]

/** What an operation is emitted with. Each ends in `finish`. */
export class FrontWriter extends DoubtWriter {
  readonly cpu: I32 = parameter('i32', 0)
  readonly imm: I32 = i32.shr_u(parameter('i32', 1), i32.const(8))
  /** Places; those without one, general registers among them, are in RESULT. */
  readonly target: I32 = parameter('i32', 2)
  readonly source: I32 = parameter('i32', 3)
  /** A label. */
  inexact = 0

  /** The result is stored. */
  finish(isExact?: I32): void {
    if (isExact) this.code.brIf(this.inexact, i32.eqz(isExact), false)
    this.code.return(i32.const(0))
  }
}

function frontFunction(): FunctionBody {
  const code = new Code(4096)
  const locals = new Locals(4)
  const w = new FrontWriter(code, locals)
  const mxcsr = i32.load(w.cpu, CPU.MXCSR)
  code.block()
  w.library = code.depth
  code.brIf(w.library, i32.eqz(isExactSoFar(mxcsr)))
  code.block()
  w.inexact = code.depth
  branchTable(
    code,
    i32.and(parameter('i32', 1), i32.const(0xff)),
    FRONTS.map(([name, front]) => [
      sseOpId(name),
      () => {
        locals.release()
        front(w)
      },
    ]),
  )
  code.br(w.library)
  code.end()
  code.store(STORE32, w.cpu, i32.or(mxcsr, i32.const(PE)), CPU.MXCSR)
  code.return(i32.const(0))
  code.end()
  code.return(new Expr('i32', 'call', 0, [w.cpu, parameter('i32', 1), w.target, w.source]))
  code.end()
  return { name: 'sse', signature: SSE, locals: locals.types, code }
}

let compiled: WebAssembly.Module | undefined

/** The library behind what is done without it. */
export function sseFront(memory: WebAssembly.Memory, sse: SseHelper): SseHelper {
  compiled ??= new WebAssembly.Module(assemble({ imports: [['sse', SSE]], functions: [frontFunction()] }))
  return new WebAssembly.Instance(compiled, { e: { m: memory, sse } }).exports.sse as SseHelper
}
