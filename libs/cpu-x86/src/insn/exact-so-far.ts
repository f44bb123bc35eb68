/**
 * The function behind the import 'exact': (vCPU, operation, x, y) -> whether WebAssembly's result of an operation is right although
 * inexact is not set in MXCSR, which is all that keeps it from the usual mode. Sets it with the first result that is not exact. 0 is for the
 * library, which nothing is done of yet.
 */
import { isExactSoFar, PE } from '../builder/float-tests.ts'
import { Locals, parameter } from '../builder/locals.ts'
import { CPU } from '../state/layout.ts'
import { branchTable } from '../wasm/branch-table.ts'
import { Code, STORE32 } from '../wasm/code.ts'
import { isFused } from '../wasm/fused.ts'
import { assemble, type FunctionBody, type Signature } from '../wasm/module.ts'
import { i32 } from '../wasm/ops.ts'
import { DoubtWriter } from './doubt-writer.ts'
import { exactArithmetic } from './exact-arithmetic.ts'
import { sseOpId } from './sse-op-ids.ts'

/** Operands of scalars are in the low lanes. */
export const EXACT: Signature = { params: ['i32', 'i32', 'v128', 'v128'], results: ['i32'] }

function testFunction(fused: boolean): FunctionBody {
  const code = new Code(4096)
  const locals = new Locals(EXACT.params.length)
  const w = new DoubtWriter(code, locals)
  const cpu = parameter('i32', 0)
  const mxcsr = i32.load(cpu, CPU.MXCSR)
  code.block()
  w.library = code.depth
  w.leaveIf(i32.eqz(isExactSoFar(mxcsr)))
  branchTable(
    code,
    parameter('i32', 1),
    exactArithmetic(fused).map(([name, test]) => [
      sseOpId(name),
      () => {
        locals.release()
        code.if(i32.eqz(test(w, parameter('v128', 2), parameter('v128', 3))), false)
        code.store(STORE32, cpu, i32.or(mxcsr, i32.const(PE)), CPU.MXCSR)
        code.end()
        code.return(i32.const(1))
      },
    ]),
  )
  code.end()
  code.return(i32.const(0))
  code.end()
  return { name: 'exact', signature: EXACT, locals: locals.types, code }
}

const compiled = new Map<boolean, WebAssembly.Module>()

/** @param fused for tests: false is what a processor without such an instruction has */
export function exactSoFar(memory: WebAssembly.Memory, fused: boolean = isFused()): WebAssembly.ExportValue {
  const module =
    compiled.get(fused) ?? new WebAssembly.Module(assemble({ imports: [], functions: [testFunction(fused)] }))
  compiled.set(fused, module)
  return new WebAssembly.Instance(module, { e: { m: memory } }).exports.exact
}
