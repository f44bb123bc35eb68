/**
 * The part of the WebAssembly JavaScript API that Paravane uses. It stands in for lib.dom, which would bring the whole
 * browser along. Keep these names out of exported declarations: a consumer's compiler does not see this file.
 */
declare namespace WebAssembly {
  type ValueType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128' | 'anyfunc' | 'externref' | 'exnref'
  type ImportExportKind = 'function' | 'global' | 'memory' | 'table' | 'tag'
  type ExportValue = ((...args: never[]) => unknown) | Global | Memory | Table | Tag
  type Imports = Record<string, Record<string, ExportValue | number | bigint>>

  class CompileError extends Error {}
  class LinkError extends Error {}
  class RuntimeError extends Error {}

  class Module {
    constructor(bytes: ArrayBufferView | ArrayBuffer | SharedArrayBuffer)
    static exports(module: Module): { name: string; kind: ImportExportKind }[]
    static imports(module: Module): { module: string; name: string; kind: ImportExportKind }[]
    static customSections(module: Module, name: string): ArrayBuffer[]
  }

  class Instance {
    constructor(module: Module, imports?: Imports)
    // biome-ignore lint/suspicious/noExplicitAny: what a module exports is known to its user only
    readonly exports: Record<string, any>
  }

  /** `initial` and `maximum` count pages of 64 KiB; a shared memory needs `maximum`. */
  class Memory {
    constructor(descriptor: { initial: number; maximum?: number; shared?: boolean })
    readonly buffer: ArrayBuffer | SharedArrayBuffer
    /** Grows by `delta` pages and returns the size before; throws RangeError beyond the maximum. */
    grow(delta: number): number
  }

  /** `initial` and `maximum` count elements. */
  class Table {
    constructor(descriptor: { element: 'anyfunc' | 'externref'; initial: number; maximum?: number }, value?: unknown)
    readonly length: number
    // biome-ignore lint/suspicious/noExplicitAny: an element is a function of any signature, or null
    get(index: number): any
    set(index: number, value?: unknown): void
    grow(delta: number, value?: unknown): number
  }

  class Global<T = number | bigint> {
    constructor(descriptor: { value: ValueType; mutable?: boolean }, value?: T)
    value: T
    valueOf(): T
  }

  class Tag {
    constructor(descriptor: { parameters: ValueType[] })
  }

  class Exception extends Error {
    constructor(tag: Tag, payload: unknown[])
    is(tag: Tag): boolean
    getArg(tag: Tag, index: number): unknown
  }

  function validate(bytes: ArrayBufferView | ArrayBuffer | SharedArrayBuffer): boolean
  function compile(bytes: ArrayBufferView | ArrayBuffer): Promise<Module>
  function instantiate(module: Module, imports?: Imports): Promise<Instance>
}
