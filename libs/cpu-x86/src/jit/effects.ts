import { Locals, parameter } from '../builder/locals.ts'
import { HELPER_INDEX } from '../cold/functions.ts'
import { Code } from '../wasm/code.ts'
import { type FlagEffects, type FlagsAt, flagFlow } from './flag-flow.ts'
import { RegionBuilder } from './region-builder.ts'
import type { RegionCode, RegionInsn } from './region-code.ts'
import type { RegionGraph } from './region-graph.ts'
import { regionLocals } from './region-locals.ts'
import type { Outside } from './surroundings.ts'
import type { KnownFlags } from './symbolic-flags.ts'
import { type VectorEffects, type VectorsAt, vectorFlow } from './vector-flow.ts'
import { ALL_PLAIN, type Plain } from './vector-state.ts'

/** What is known where each block begins. */
export interface BlocksAt {
  readonly flags: readonly FlagsAt[]
  readonly vectors: VectorsAt
}

const INCOMING: readonly Plain[] = Array.from({ length: 16 }, (_, from) => ({ from, and: ALL_PLAIN, or: 0 }))

/** Found by emitting all blocks, by themselves, for nothing. */
export function whatBlocksBeginWith(region: RegionCode, graph: RegionGraph): BlocksAt {
  const code = new Code(4096)
  const locals = new Locals(2)
  const at = regionLocals(locals)
  const nowhere: Outside = { done: 0, site: 0, open: 0, settle: 0, tlb: 0 }
  const b = new RegionBuilder(code, locals, parameter('i32', 0), at, HELPER_INDEX, nowhere)
  const reached = new Set(graph.sequence)
  const effects = region.blocks.map(({ insns, next, fallsThrough }, block): FlagEffects & VectorEffects => {
    if (!reached.has(graph.way(block))) return { isAsking: false, wanted: b.wanted, ways: [] }
    const ways: { to: number; flags: KnownFlags; vectors: readonly Plain[] }[] = []
    const go = (offset: number): void => {
      const to = graph.place(offset)
      if (to === undefined) b.declareFlags()
      else {
        if (graph.isBack(block, graph.way(to))) b.declareFlags()
        ways.push({ to, flags: b.flagsHere, vectors: b.vectorsHere() })
      }
    }
    b.flow = {
      jump: (_, offset) => go(offset),
      jumpTo: (here: RegionInsn) => {
        b.declareFlags()
        for (const offset of graph.targets(here)) go(offset)
      },
    }
    b.isAsking = false
    b.beginBlock('incoming', INCOMING)
    for (const insn of insns) b.emit(insn)
    if (fallsThrough) go(next)
    return { isAsking: b.isAsking, wanted: b.wanted, ways }
  })
  return { flags: flagFlow(effects, graph.entered), vectors: vectorFlow(effects, graph.entered) }
}
