import { Locals, parameter } from '../builder/locals.ts'
import { HELPER_INDEX } from '../cold/functions.ts'
import type { I64 } from '../wasm/expr.ts'
import { type Carried, carriedRegisters } from './carried.ts'
import { type FlagEffects, type FlagsAt, flagFlow } from './flag-flow.ts'
import { KeptRegisters } from './general-registers.ts'
import { LinearValues } from './linear.ts'
import { NoCode } from './no-code.ts'
import { type AddressEffects, type BlockAccess, reachFlow } from './reach.ts'
import { RegionBuilder } from './region-builder.ts'
import type { CodeMode, RegionCode, RegionInsn } from './region-code.ts'
import type { RegionGraph } from './region-graph.ts'
import { regionLocals } from './region-locals.ts'
import type { KnownOfMemory } from './region-memory.ts'
import { steadyRegisters } from './steady.ts'
import type { Outside } from './surroundings.ts'
import { type VectorEffects, type VectorsAt, vectorFlow } from './vector-flow.ts'
import { ALL_PLAIN, type Plain } from './vector-state.ts'

/** What is known where each block begins. */
export interface BlocksAt {
  readonly flags: readonly FlagsAt[]
  readonly vectors: VectorsAt
  readonly memory: readonly KnownOfMemory[]
  readonly carried: Carried
}

type Effects = FlagEffects & VectorEffects & AddressEffects & RegisterEffects

interface RegisterEffects {
  /** Bits of the general registers that are read. */
  readonly asked: number
}

class AskedRegisters extends KeptRegisters {
  asked = 0

  override get(n: number): I64 {
    this.asked |= 1 << n
    return super.get(n)
  }
}

const NOTHING: ReadonlyMap<number, never> = new Map<number, never>()
const NOTHING_KNOWN: KnownOfMemory = { reached: NOTHING, steady: 0, small: NOTHING }
const INCOMING: readonly Plain[] = Array.from({ length: 16 }, (_, from) => ({ from, and: ALL_PLAIN, or: 0 }))

/** Found by emitting all blocks, by themselves, for nothing. */
export function whatBlocksBeginWith(region: RegionCode, graph: RegionGraph): BlocksAt {
  const code = new NoCode()
  const locals = new Locals(2)
  const at = regionLocals(locals)
  const nowhere: Outside = { done: 0, site: 0, open: 0, fill: 0, settle: 0, tlb: 0 }
  const cpu = parameter('i32', 0)
  const general = new AskedRegisters(code, locals, cpu)
  const b = new RegionBuilder(code, locals, cpu, at, HELPER_INDEX, nowhere, general)
  const values = new LinearValues((local) => general.numberOf(local), at.pageVa.op)
  const reached = new Set(graph.sequence)
  const effects = region.blocks.map(({ insns, next, fallsThrough }, block): Effects => {
    if (!reached.has(graph.way(block)))
      return { isAsking: false, wanted: b.wanted, asked: 0, accesses: [], small: NOTHING, changed: 0, ways: [] }
    const accesses: BlockAccess[] = []
    const small = new Map<number, number>()
    const ways: Effects['ways'][number][] = []
    const go = (offset: number): void => {
      const to = graph.place(offset)
      if (to === undefined) b.declareFlags()
      else {
        if (graph.isBack(block, graph.way(to))) b.declareFlags()
        const { registers } = values
        ways.push({ to, flags: b.flagsHere, vectors: b.vectorsHere(), accesses: accesses.length, registers })
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
    general.asked = 0
    values.begin()
    b.beginBlock({ flags: 'incoming', vectors: INCOMING, memory: NOTHING_KNOWN })
    b.memory.trace = { values, accesses, small }
    for (const insn of insns) b.emit(insn)
    if (fallsThrough) go(next)
    const { isAsking, wanted } = b
    return { isAsking, wanted, asked: general.asked, accesses, small, changed: values.changed, ways }
  })
  return {
    flags: flagFlow(effects, graph.entered),
    vectors: vectorFlow(effects, graph.entered),
    memory: whatIsKnownOfMemory(effects, graph, region.mode),
    carried: carriedRegisters(
      region,
      graph,
      effects.map(({ asked }) => asked),
    ),
  }
}

function whatIsKnownOfMemory(
  effects: readonly AddressEffects[],
  graph: RegionGraph,
  { isApart }: CodeMode,
): readonly KnownOfMemory[] {
  const reached = isApart ? undefined : reachFlow(effects, graph)
  const steady = steadyRegisters(effects, graph)
  return effects.map((_, block) => ({
    reached: reached?.[block] ?? NOTHING,
    steady: steady[block],
    small: effects[block].small,
  }))
}
