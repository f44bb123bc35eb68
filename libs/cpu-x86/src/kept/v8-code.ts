/**
 * V8's own way to keep machine code of WebAssembly: what browsers store beside a page's modules. Node has no function for it, but V8's
 * runtime functions are in every build, behind a flag of the parser (src/runtime/runtime-test-wasm.cc). V8 checks what it is given
 * against its version, its flags and the processor's features, and refuses what does not fit.
 */
interface Natives {
  readonly serialize: (module: WebAssembly.Module) => ArrayBuffer | undefined
  readonly isOptimized: (exported: WebAssembly.ExportValue) => boolean
  readonly deserialize: (code: ArrayBuffer, wire: Uint8Array) => WebAssembly.Module | undefined
}

let known: Natives | 'none' | undefined

function natives(): Natives | undefined {
  known ??= findNatives()
  return known === 'none' ? undefined : known
}

/** Their syntax stays allowed (v8-flags.ts): V8 drops the bytecode of functions that are seldom called, and parses them again. */
function findNatives(): Natives | 'none' {
  try {
    return {
      serialize: new Function('module', 'return %SerializeWasmModule(module)') as Natives['serialize'],
      isOptimized: new Function('exported', 'return %IsTurboFanFunction(exported)') as Natives['isOptimized'],
      deserialize: new Function('code', 'wire', 'return %DeserializeWasmModule(code, wire)') as Natives['deserialize'],
    }
  } catch {
    return 'none'
  }
}

/** The module's machine code: of the functions that the optimizing compiler has done, by now; undefined if there are none. */
export function codeOf(module: WebAssembly.Module): Uint8Array<ArrayBuffer> | undefined {
  const v8 = natives()
  // V8 ends the process where there is nothing to write.
  if (!v8 || !functionsOf(module).some((exported) => v8.isOptimized(exported))) return undefined
  const code = v8.serialize(module)
  return code && new Uint8Array(code)
}

let emptyMemory: WebAssembly.Memory | undefined

/** What it exports, to be looked at and not to be called. */
function functionsOf(module: WebAssembly.Module): WebAssembly.ExportValue[] {
  emptyMemory ??= new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true })
  const imports: WebAssembly.Imports = {}
  for (const { module: from, name, kind } of WebAssembly.Module.imports(module))
    imports[from] = { ...imports[from], [name]: kind === 'memory' ? emptyMemory : () => 0 }
  return Object.values(new WebAssembly.Instance(module, imports).exports)
}

/** The module of these bytes with machine code that was its; undefined if V8 does not take it. */
export function withCode(wire: Uint8Array<ArrayBuffer>, code: Uint8Array<ArrayBuffer>): WebAssembly.Module | undefined {
  return natives()?.deserialize(code.slice().buffer, wire)
}
