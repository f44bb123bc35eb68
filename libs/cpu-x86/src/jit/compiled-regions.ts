import type { RegionCode } from './region-code.ts'
import { regionModule } from './region-module.ts'

/**
 * Modules kept beyond those in use. A guest that writes code without end fills this and its own table: measured, some 25 KiB of V8's
 * for each region.
 */
const MOST_MODULES = 0x2000

/** Regions compiled by one thread, found by content. Those not used for longest are forgotten. */
export class CompiledRegions {
  /** In the order of their last use. */
  readonly #modules = new Map<string, WebAssembly.Module>()
  readonly #most: number

  constructor(most: number = MOST_MODULES) {
    this.#most = most
  }

  get size(): number {
    return this.#modules.size
  }

  /** The module of a region of these bytes, compiled if it is not known. */
  of(code: RegionCode, page: Uint8Array): WebAssembly.Module {
    const key = keyOf(code, page)
    const known = this.#modules.get(key)
    if (known) this.#modules.delete(key)
    const module = known ?? new WebAssembly.Module(regionModule(code))
    this.#modules.set(key, module)
    for (const oldest of this.#modules.keys()) {
      if (this.#modules.size <= this.#most) break
      this.#modules.delete(oldest)
    }
    return module
  }
}

/** Entry, mode, and each block's place and bytes. */
function keyOf(code: RegionCode, page: Uint8Array): string {
  let key = `${code.entry}.${code.mode}`
  for (const { offset, next } of code.blocks) key += `|${offset}.${String.fromCharCode(...page.subarray(offset, next))}`
  return key
}
