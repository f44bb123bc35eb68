import { join } from 'node:path'
import { deserialize, serialize } from 'node:v8'
import type { RegionsModule } from '../jit/compile-request.ts'
import { KeptReader, KeptWriter, type PlacedRecord } from './kept-file.ts'
import { filesIn, isUsed } from './kept-folder.ts'
import { codeOf, withCode } from './v8-code.ts'

/** Bytes that one thread writes at most, half of them WebAssembly: a guest may make new code for ever. */
const MOST_BYTES = 128 << 20

interface KeptModule {
  readonly path: string
  readonly reader: KeptReader
  readonly module: PlacedRecord
  code: PlacedRecord | undefined
}

const NO_HEADS = new Int32Array(0)
const NOTHING = new Uint8Array(0)

export interface KeptCodeOptions {
  /** Of this engine alone (`engineDigest`); it is there. */
  readonly folder: string
  /** The file in it that this thread may write; nobody else does. */
  readonly name: string
  readonly mostBytes?: number
}

/**
 * Compiled regions of earlier processes, by what they begin with, and those of this one for later ones. Each thread that compiles has
 * its own. It is a cache: what cannot be read or written is made again.
 */
export class KeptCode {
  readonly #path: string
  readonly #mostBytes: number
  readonly #byHead = new Map<number, Set<KeptModule>>()
  readonly #used = new Set<string>()
  #noted: { readonly module: WebAssembly.Module; readonly id: number }[] = []
  #writer: KeptWriter | 'none' | 'failed' = 'none'
  #next = 0

  constructor({ folder, name, mostBytes = MOST_BYTES }: KeptCodeOptions) {
    this.#path = join(folder, name)
    this.#mostBytes = mostBytes
    for (const path of filesIn(folder)) this.#index(path)
  }

  /** `headOf` all entries of regions that are kept. */
  get heads(): Int32Array<ArrayBuffer> {
    return Int32Array.from(this.#byHead.keys())
  }

  /** The modules with a region that has an entry of this head, each the first time it is asked for. */
  load(head: number): RegionsModule[] {
    return [...(this.#byHead.get(head) ?? [])].flatMap((kept) => {
      for (const one of kept.module.heads) this.#byHead.get(one)?.delete(kept)
      if (!this.#used.has(kept.path)) isUsed(kept.path)
      this.#used.add(kept.path)
      return load(kept) ?? []
    })
  }

  /** Takes down what was just compiled; its machine code follows when V8 has made it (`save`). */
  note({ module, regions }: RegionsModule, wire: Uint8Array<ArrayBuffer>): void {
    const id = this.#next++
    const heads = Int32Array.from(regions.flatMap(({ facts }) => facts.entries.map(({ head }) => head)))
    if (this.#append('module', id, heads, wire, serialize(regions))) this.#noted.push({ module, id })
  }

  /** Adds the machine code of what was noted, once V8's optimizing compiler has made some of it. */
  save(): void {
    this.#noted = this.#noted.filter(({ module, id }) => {
      const code = codeOf(module)
      if (code) this.#append('code', id, NO_HEADS, code, NOTHING)
      return code === undefined
    })
  }

  #append(
    kind: PlacedRecord['kind'],
    module: number,
    heads: Int32Array<ArrayBuffer>,
    first: Uint8Array,
    second: Uint8Array,
  ): boolean {
    try {
      if (this.#writer === 'none') this.#writer = new KeptWriter(this.#path)
      const most = kind === 'module' ? this.#mostBytes / 2 : this.#mostBytes
      if (this.#writer === 'failed' || this.#writer.bytes + first.length > most) return false
      this.#writer.append({ kind, module, heads }, first, second)
      return true
    } catch {
      this.#writer = 'failed'
      return false
    }
  }

  #index(path: string): void {
    let reader: KeptReader
    try {
      reader = new KeptReader(path)
    } catch {
      return
    }
    const modules = new Map<number, KeptModule>()
    for (const record of reader.records()) {
      const known = modules.get(record.module)
      if (record.kind === 'module') modules.set(record.module, { path, reader, module: record, code: undefined })
      else if (known) known.code = record
    }
    for (const kept of modules.values()) {
      for (const head of kept.module.heads)
        this.#byHead.set(head, (this.#byHead.get(head) ?? new Set<KeptModule>()).add(kept))
    }
  }
}

function load({ reader, module: record, code }: KeptModule): RegionsModule | undefined {
  const parts = reader.parts(record)
  if (!parts) return undefined
  // V8 looks at its version, its flags and the processor's features, and refuses machine code of others.
  const native = code && reader.parts(code)
  const module = (native && withCode(parts.first, native.first)) ?? new WebAssembly.Module(parts.first)
  return { module, regions: deserialize(parts.second) as RegionsModule['regions'] }
}
