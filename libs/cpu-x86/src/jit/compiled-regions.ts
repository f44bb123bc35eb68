import type { FunctionBody } from '../wasm/module.ts'
import type { RegionCode } from './region-code.ts'
import { regionFunction, regionsModule } from './region-module.ts'

/** Regions kept beyond those in use. A guest that writes code without end fills this and its own table. */
const MOST_REGIONS = 0x2000
/**
 * Regions in one module. Each module costs some 25 KiB of V8's and a tenth of a millisecond; and regions of modules of their own lie
 * far from each other, so that a guest that wakes finds none of them in its processor's caches.
 */
const TOGETHER = 32

/** A function of a module. */
export interface CompiledRegion {
  readonly module: WebAssembly.Module
  /** Its export. */
  readonly name: string
}

/** Waits to be compiled with others, and is compiled. */
type Region = { readonly body: FunctionBody } | CompiledRegion

/** Regions compiled by one thread, found by content. Those not used for longest are forgotten. */
export class CompiledRegions {
  /** In the order of their last use. */
  readonly #regions = new Map<string, Region>()
  #waiting: string[] = []
  readonly #most: number

  constructor(most: number = MOST_REGIONS) {
    this.#most = most
  }

  get size(): number {
    return this.#regions.size
  }

  /** The region of these bytes; undefined at first if it waits for others. Who asks again waits no longer. */
  ask(code: RegionCode, page: Uint8Array): CompiledRegion | undefined {
    return this.#ask(code, page, false)
  }

  /** The region of these bytes, which does not wait. */
  demand(code: RegionCode, page: Uint8Array): CompiledRegion {
    return this.#ask(code, page, true) as CompiledRegion
  }

  #ask(code: RegionCode, page: Uint8Array, now: boolean): CompiledRegion | undefined {
    const key = keyOf(code, page)
    const known = this.#regions.get(key)
    this.#regions.delete(key)
    this.#regions.set(key, known ?? { body: regionFunction(code) })
    if (!known) {
      this.#waiting.push(key)
      this.#forget()
    }
    if (known ? !('module' in known) : now || this.#waiting.length >= TOGETHER) this.#compile()
    const region = this.#regions.get(key)
    return region && 'module' in region ? region : undefined
  }

  #forget(): void {
    for (const oldest of this.#regions.keys()) {
      if (this.#regions.size <= this.#most) return
      this.#regions.delete(oldest)
    }
  }

  #compile(): void {
    const waiting = this.#waiting.flatMap((key) => {
      const region = this.#regions.get(key)
      return region && 'body' in region ? [{ key, body: region.body }] : []
    })
    const module = new WebAssembly.Module(regionsModule(waiting.map(({ body }) => body)))
    for (const [n, { key }] of waiting.entries()) this.#regions.set(key, { module, name: `${n}` })
    this.#waiting = []
  }
}

/** Entry, mode, and each block's place and bytes. */
function keyOf(code: RegionCode, page: Uint8Array): string {
  let key = `${code.entry}.${code.mode}`
  for (const { offset, next } of code.blocks) key += `|${offset}.${String.fromCharCode(...page.subarray(offset, next))}`
  return key
}
