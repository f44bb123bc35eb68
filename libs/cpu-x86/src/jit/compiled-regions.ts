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

/** Regions compiled by one thread, found by content. Those not used for longest are forgotten. */
export class CompiledRegions {
  /** In the order of their last use. */
  readonly #compiled = new Map<string, CompiledRegion>()
  /** Fewer than fill a module. */
  readonly #waiting = new Map<string, FunctionBody>()
  readonly #most: number

  constructor(most: number = MOST_REGIONS) {
    this.#most = most
  }

  get size(): number {
    return this.#compiled.size
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
    const known = this.#compiled.get(key)
    if (known) {
      this.#compiled.delete(key)
      this.#compiled.set(key, known)
      return known
    }
    const isAskedAgain = this.#waiting.has(key)
    if (!isAskedAgain) this.#waiting.set(key, regionFunction(code))
    if (!isAskedAgain && !now && this.#waiting.size < TOGETHER) return undefined
    this.#compileWaiting()
    const region = this.#compiled.get(key)
    this.#forget()
    return region
  }

  #compileWaiting(): void {
    const module = new WebAssembly.Module(regionsModule([...this.#waiting.values()]))
    for (const [n, key] of [...this.#waiting.keys()].entries()) this.#compiled.set(key, { module, name: `${n}` })
    this.#waiting.clear()
  }

  #forget(): void {
    for (const oldest of this.#compiled.keys()) {
      if (this.#compiled.size <= this.#most) return
      this.#compiled.delete(oldest)
    }
  }
}

/** Entry, mode, and each block's place and bytes. */
function keyOf(code: RegionCode, page: Uint8Array): string {
  let key = `${code.entry}.${code.mode}`
  for (const { offset, next } of code.blocks) key += `|${offset}.${String.fromCharCode(...page.subarray(offset, next))}`
  return key
}
