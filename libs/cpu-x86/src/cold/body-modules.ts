import { Locals, parameter } from '../builder/locals.ts'
import type { Decoded } from '../decode/decoded.ts'
import { Code } from '../wasm/code.ts'
import { assemble, type Signature } from '../wasm/module.ts'
import { i32 } from '../wasm/ops.ts'
import { BODY, BODY_IMPORTS, HELPER_INDEX } from './functions.ts'
import { EXIT } from './record.ts'
import { OutOfLineBuilder, StepBuilder } from './record-builder.ts'

const FILL: Signature = { params: ['i32', 'i64', 'i32'], results: ['i32'] }
const SLOW: Signature = { params: ['i32', 'i32'], results: ['i32'] }

/** Compiled modules by form key and kind, shared by all domains of a thread: the same body serves them all. */
const modules = new Map<string, WebAssembly.Module>()

/** The module with the single function `body` for a form: out of line, or as a step. */
export function bodyModule(key: string, insn: Decoded, kind: 'out-of-line' | 'step'): WebAssembly.Module {
  const name = `${kind} ${key}`
  let module = modules.get(name)
  if (!module) {
    module = new WebAssembly.Module(emit(insn, kind))
    modules.set(name, module)
  }
  return module
}

function emit(insn: Decoded, kind: 'out-of-line' | 'step'): Uint8Array<ArrayBuffer> {
  const code = new Code(512)
  const [cpu, rec] = [parameter('i32', 0), parameter('i32', 1)]
  const locals = new Locals(2)
  const extra = BODY_IMPORTS.length
  const builder =
    kind === 'step'
      ? new StepBuilder(code, locals, cpu, rec, HELPER_INDEX, extra)
      : new OutOfLineBuilder(code, locals, cpu, rec, HELPER_INDEX, extra)
  builder.emit(insn)
  code.return(i32.const(EXIT.DONE))
  code.end()
  return assemble({
    imports: [...BODY_IMPORTS, kind === 'step' ? ['slow', SLOW] : ['fill', FILL]],
    functions: [{ name: 'body', signature: BODY, locals: locals.types, code }],
  })
}
