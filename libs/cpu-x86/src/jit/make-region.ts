import type { FunctionBody } from '../wasm/module.ts'
import type { Stretch } from './code-pages.ts'
import { headOf, type PageBytes, type RegionFacts } from './compiled-regions.ts'
import {
  type Block,
  type CodeMode,
  type CodeSource,
  pageOf,
  type RegionCode,
  regionCode,
  target,
} from './region-code.ts'
import { regionFunction, regionsModule } from './region-module.ts'

/** Above these V8 refuses a function (WebAssembly JavaScript Interface, "Implementation-defined Limits"). */
const V8_LIMITS = { FUNCTION_BYTES: 7_654_321, LOCALS: 50_000 } as const
/** Of a function's bytes: declarations of locals at most. */
const BESIDE_CODE = 6 * V8_LIMITS.LOCALS

/** A region before it is compiled. */
export interface MadeRegion {
  readonly facts: RegionFacts
  readonly body: FunctionBody
  readonly instructions: number
}

/** The region that begins at `entry`; undefined if none can, or none is worth while. */
export function makeRegion(source: CodeSource, entry: number, mode: CodeMode): MadeRegion | undefined {
  const code = regionCode(source, entry, mode)
  if (!code || !worthwhile(code)) return undefined
  const body = regionFunction(code)
  // Left to the cold tier.
  if (body.code.length > V8_LIMITS.FUNCTION_BYTES - BESIDE_CODE || body.locals.length > V8_LIMITS.LOCALS)
    return undefined
  const bytes: PageBytes = (delta) => source.page(delta)
  const { entries, pages, blocks } = code
  const facts: RegionFacts = {
    entries: entries.map((offset) => ({
      offset,
      head: headOf(bytes(pageOf(offset)) as Uint8Array, 0, offset & 0xfff, mode),
    })),
    pages,
    stretches: stretchesOf(blocks, bytes),
    leaders: blocks.map(({ offset }) => offset),
  }
  return { facts, body, instructions: blocks.reduce((sum, { insns }) => sum + insns.length, 0) }
}

/** Compiles them as one module, which exports the n-th by its number. */
export function compileRegions(bodies: readonly FunctionBody[]): {
  readonly module: WebAssembly.Module
  readonly wire: Uint8Array<ArrayBuffer>
} {
  const wire = regionsModule(bodies)
  return { module: new WebAssembly.Module(wire), wire }
}

/** Entering and leaving costs about as much as ten instructions in the cold loop: without a loop it must be longer than that. */
function worthwhile({ blocks }: RegionCode): boolean {
  const [{ offset, insns }] = blocks
  return blocks.length > 1 || insns.length >= 4 || insns.some((insn) => target(insn) === offset)
}

/** The bytes of blocks, which are in the order of their offsets; those of one page that follow each other together. */
function stretchesOf(blocks: readonly Block[], bytes: PageBytes): Stretch[] {
  const spans: { from: number; to: number }[] = []
  for (const { offset, next } of blocks) {
    const last = spans.at(-1)
    if (last && offset <= last.to && pageOf(offset) === pageOf(last.from)) last.to = Math.max(last.to, next)
    else spans.push({ from: offset, to: next })
  }
  return spans.map(({ from, to }) => {
    const at = from & 0xfff
    return { offset: from, bytes: (bytes(pageOf(from)) as Uint8Array).slice(at, at + to - from) }
  })
}
