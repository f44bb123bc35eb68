import { Bytes, type Code, TYPE_BYTE } from './code.ts'
import type { WasmType } from './expr.ts'

/** Parameters and results of a function. */
export interface Signature {
  readonly params: readonly WasmType[]
  readonly results: readonly WasmType[]
}

export interface FunctionBody {
  readonly signature: Signature
  /** Types of the locals after the parameters, in order. */
  readonly locals: readonly WasmType[]
  readonly code: Code
  /** Export name; none if absent. */
  readonly name?: string
}

export interface ModuleShape {
  /** Imported functions in index order: [name, signature]; module name is 'e'. */
  readonly imports: readonly (readonly [string, Signature])[]
  readonly functions: readonly FunctionBody[]
  /** Imports a second shared memory as 'e' 'p' (SECOND_MEMORY of code.ts). */
  readonly secondMemory?: boolean
  /** Imports a table 'e' 't' of functions. */
  readonly table?: boolean
  /** Signatures used by call_indirect, which take the first type indices in this order. */
  readonly indirect?: readonly Signature[]
}

/** Largest memory: 65536 pages of 64 KiB. The import must state limits no narrower than the memory's own. */
const MEMORY_PAGES = 65536

/**
 * Assembles a module that imports the domain's shared memory as 'e' 'm'. Same input, same bytes: compiled code is shared
 * by content between domains and workers.
 */
export function assemble(shape: ModuleShape): Uint8Array<ArrayBuffer> {
  const types = new Types()
  for (const s of shape.indirect ?? []) types.index(s)
  const imports = importSection(shape, types)
  const functions = new Bytes()
  functions.u32(shape.functions.length)
  for (const f of shape.functions) functions.u32(types.index(f.signature))
  const out = new Bytes(1 << 14)
  for (const b of [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]) out.u8(b)
  out.section(1, types.section())
  out.section(2, imports)
  out.section(3, functions)
  out.section(7, exportSection(shape))
  const locals = shape.functions.map((f) => localDeclarations(f.locals))
  const hints = hintSection(shape, locals)
  if (hints) out.section(0, hints)
  out.section(10, codeSection(shape, locals))
  return out.view().slice()
}

class Types {
  readonly #keys = new Map<string, number>()
  readonly #bytes = new Bytes()

  index(s: Signature): number {
    const key = `${s.params.join()}:${s.results.join()}`
    const known = this.#keys.get(key)
    if (known !== undefined) return known
    const index = this.#keys.size
    this.#keys.set(key, index)
    this.#bytes.u8(0x60)
    for (const list of [s.params, s.results]) {
      this.#bytes.u32(list.length)
      for (const t of list) this.#bytes.u8(TYPE_BYTE[t])
    }
    return index
  }

  section(): Bytes {
    const out = new Bytes()
    out.u32(this.#keys.size)
    out.bytes(this.#bytes.view())
    return out
  }
}

function importSection(shape: ModuleShape, types: Types): Bytes {
  const out = new Bytes()
  out.u32(shape.imports.length + 1 + (shape.secondMemory ? 1 : 0) + (shape.table ? 1 : 0))
  for (const name of shape.secondMemory ? ['m', 'p'] : ['m']) {
    out.name('e')
    out.name(name)
    out.u8(2)
    out.u8(3)
    out.u32(1)
    out.u32(MEMORY_PAGES)
  }
  if (shape.table) {
    out.name('e')
    out.name('t')
    out.u8(1)
    out.u8(0x70)
    out.u8(0)
    out.u32(1)
  }
  for (const [name, signature] of shape.imports) {
    out.name('e')
    out.name(name)
    out.u8(0)
    out.u32(types.index(signature))
  }
  return out
}

function exportSection(shape: ModuleShape): Bytes {
  const out = new Bytes()
  const named = shape.functions.map((f, i) => [f.name, i] as const).filter(([name]) => name !== undefined)
  out.u32(named.length)
  for (const [name, i] of named) {
    out.name(name as string)
    out.u8(0)
    out.u32(shape.imports.length + i)
  }
  return out
}

function localDeclarations(locals: readonly WasmType[]): Bytes {
  const runs: [WasmType, number][] = []
  for (const t of locals) {
    const last = runs.at(-1)
    if (last && last[0] === t) last[1]++
    else runs.push([t, 1])
  }
  const out = new Bytes(16)
  out.u32(runs.length)
  for (const [type, n] of runs) {
    out.u32(n)
    out.u8(TYPE_BYTE[type])
  }
  return out
}

/** Branch hinting proposal: offsets count from the start of the body, local declarations included. */
function hintSection(shape: ModuleShape, locals: readonly Bytes[]): Bytes | undefined {
  const hinted = shape.functions.map((f, i) => [f, i] as const).filter(([f]) => f.code.hints.length > 0)
  if (hinted.length === 0) return undefined
  const out = new Bytes()
  out.name('metadata.code.branch_hint')
  out.u32(hinted.length)
  for (const [f, i] of hinted) {
    out.u32(shape.imports.length + i)
    const sorted = [...f.code.hints].sort((a, b) => a[0] - b[0])
    out.u32(sorted.length)
    for (const [offset, likely] of sorted) {
      out.u32(offset + locals[i].length)
      out.u32(1)
      out.u8(likely)
    }
  }
  return out
}

function codeSection(shape: ModuleShape, locals: readonly Bytes[]): Bytes {
  const out = new Bytes(1 << 14)
  out.u32(shape.functions.length)
  shape.functions.forEach((f, i) => {
    out.u32(locals[i].length + f.code.length)
    out.bytes(locals[i].view())
    out.bytes(f.code.view())
  })
  return out
}
