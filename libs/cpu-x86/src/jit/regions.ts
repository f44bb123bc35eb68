import type { CodeCache } from '../cold/code-cache.ts'
import { type ColdTier, TABLE } from '../cold/cold-tier.ts'
import { FORM_LIST } from '../cold/form-registry.ts'
import { HANDLER, REC } from '../cold/record.ts'
import { inGuest } from '../mmu/safepoint.ts'
import type { DomainViews, VcpuMemory } from '../state/vcpu-memory.ts'
import { jumpTarget, type RegionCode, regionCode } from './region-code.ts'
import { regionModule } from './region-module.ts'

/** Compiled regions by content, shared by all domains of a thread: the same code compiles once. */
const modules = new Map<string, WebAssembly.Module>()

/** A record that is never asked about again; and jumps to one until a region is tried once more. */
const NEVER_HOT = 0x7fffffff
const TRY_AGAIN = 1000

/** Makes regions of hot code and puts them in this thread's table, in place of the record at their head. */
export class Regions {
  readonly #vcpu: VcpuMemory
  readonly #views: DomainViews
  readonly #tier: ColdTier
  readonly #cache: CodeCache
  /** Regions made or found compiled by this thread; for statistics. */
  count = 0

  constructor(vcpu: VcpuMemory, tier: ColdTier, cache: CodeCache) {
    this.#vcpu = vcpu
    this.#views = vcpu.views
    this.#cache = cache
    this.#tier = tier
  }

  /** Before a vCPU that another thread may have run is run here. */
  prepare(): void {
    this.#tier.reserve(TABLE.FORMS + this.#views.i32[FORM_LIST.NEXT_REGION >> 2])
  }

  /** The record at `offset` of the frame is hot: a region takes its place if one can begin there. */
  make(rec: number, frameHost: number, offset: number, mode: 32 | 64): void {
    const { i32 } = this.#views
    const page = this.#page(frameHost)
    const code = regionCode(page, offset, mode)
    const good = code !== undefined && worthwhile(code)
    // Said now, while the record is surely there.
    i32[(rec + REC.HOT) >> 2] = good ? TRY_AGAIN : NEVER_HOT
    if (!good) return
    const slot = TABLE.FORMS + Atomics.add(i32, FORM_LIST.NEXT_REGION >> 2, 1)
    if (slot >= TABLE.MOST) return
    this.#install(slot, code, page)
    inGuest(this.#vcpu, () => {
      // Compiling takes long and is done outside: the code may have been changed and dropped meanwhile. Nothing is translated
      // meanwhile, as that is done by this thread.
      if (this.#cache.known(frameHost, offset) !== rec) return
      for (const block of code.blocks) this.#cache.usedByRegion(frameHost, block.offset, block.next)
      i32[(rec + REC.FORM) >> 2] = slot
      i32[(rec + REC.HANDLER) >> 2] = HANDLER.REGION
    })
  }

  /** Another thread made the region at this record: the same again from the same bytes, for this thread's table. */
  install(rec: number, frameHost: number, offset: number, mode: 32 | 64): void {
    const page = this.#page(frameHost)
    const code = regionCode(page, offset, mode)
    const slot = this.#views.i32[(rec + REC.FORM) >> 2]
    if (code) this.#install(slot, code, page)
  }

  /** A copy, read once: a region and its key are of the same bytes, whatever other vCPUs write meanwhile. */
  #page(frameHost: number): Uint8Array {
    return this.#views.u8.slice(frameHost, frameHost + 4096)
  }

  #install(slot: number, code: RegionCode, page: Uint8Array): void {
    const key = keyOf(code, page)
    let module = modules.get(key)
    if (!module) {
      module = new WebAssembly.Module(regionModule(code))
      modules.set(key, module)
    }
    this.#tier.installRegion(slot, module)
    this.count++
  }
}

/** Entry, mode, and each block's place and bytes. */
function keyOf(code: RegionCode, page: Uint8Array): string {
  let key = `${code.entry}.${code.mode}`
  for (const { offset, next } of code.blocks) key += `|${offset}.${String.fromCharCode(...page.subarray(offset, next))}`
  return key
}

/** Entering and leaving costs about as much as ten instructions in the cold loop: without a loop it must be longer than that. */
function worthwhile({ blocks }: RegionCode): boolean {
  const [{ offset, insns }] = blocks
  return blocks.length > 1 || insns.length >= 4 || insns.some((insn) => jumpTarget(insn) === offset)
}
