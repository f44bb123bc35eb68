import { Locals, parameter } from '../builder/locals.ts'
import { BODY, BODY_IMPORTS, HELPER_INDEX } from '../cold/functions.ts'
import { EXIT } from '../cold/record.ts'
import { CPU, REGION } from '../state/layout.ts'
import { Code, STORE32, STORE64 } from '../wasm/code.ts'
import { assemble, type FunctionBody, type Signature } from '../wasm/module.ts'
import { i32, i64 } from '../wasm/ops.ts'
import { whatBlocksBeginWith } from './effects.ts'
import { HomeRegisters, KeptRegisters } from './general-registers.ts'
import { isMostlyLoop } from './mostly-loop.ts'
import { RegionBuilder } from './region-builder.ts'
import type { RegionCode } from './region-code.ts'
import { RegionFlow } from './region-flow.ts'
import { RegionGraph } from './region-graph.ts'
import { regionLocals } from './region-locals.ts'

const OPEN: Signature = { params: ['i32', 'i64', 'i32'], results: ['i32'] }
const SETTLE: Signature = { params: ['i32'], results: [] }
const IMPORTS = [...BODY_IMPORTS, ['open', OPEN], ['settle', SETTLE], ['fill', OPEN]] as const
const [OPEN_INDEX, SETTLE_INDEX, FILL_INDEX] = [0, 1, 2].map((n) => BODY_IMPORTS.length + n)

/** A module of regions, the n-th of which it exports by its number. */
export function regionsModule(regions: readonly FunctionBody[]): Uint8Array<ArrayBuffer> {
  return assemble({
    imports: IMPORTS,
    functions: regions.map((region, n) => ({ ...region, name: `${n}` })),
  })
}

/**
 * A region as a function: (vCPU, record) -> EXIT; DONE where the guest goes on at RIP, SIDE where an instruction was begun and SITE
 * says which. Nothing of the place in memory is in it: the same bytes give the same function.
 */
export function regionFunction(region: RegionCode): FunctionBody {
  const cpu = parameter('i32', 0)
  const locals = new Locals(2)
  const at = regionLocals(locals)
  const exit = locals.named('i32')
  const body = new Code(2048)
  // Labels: behind all, behind what leaves at a site, behind what goes on at an address.
  body.block()
  const left = body.depth
  body.block()
  const done = body.depth
  body.block()
  const tlb = region.mode.isUser ? REGION.TLB_USER : REGION.TLB_KERNEL
  const outside = { done, site: body.depth, open: OPEN_INDEX, fill: FILL_INDEX, settle: SETTLE_INDEX, tlb }
  const graph = new RegionGraph(region)
  const Registers = isMostlyLoop(region, graph) ? KeptRegisters : HomeRegisters
  const general = new Registers(body, locals, cpu)
  const b = new RegionBuilder(body, locals, cpu, at, HELPER_INDEX, outside, general)
  const begin = whatBlocksBeginWith(region, graph)
  const flow = new RegionFlow(body, b, at, region, graph, begin)
  b.flow = flow
  flow.emit()
  body.u8(0x00)
  body.end()
  body.store(STORE64[8], cpu, at.site, CPU.SITE)
  body.setLocal(exit.op, i32.const(EXIT.SIDE))
  body.br(left)
  body.end()
  body.store(STORE64[8], cpu, at.rip, CPU.RIP)
  body.end()
  const { p, q, r } = at.flags.values
  const code = new Code(body.length + 256)
  code.setLocal(at.count.op, i32.load(cpu, CPU.COUNT))
  code.setLocal(at.pageVa.op, i64.load(cpu, CPU.PAGE_VA))
  code.setLocal(at.flags.state.op, i32.load(cpu, CPU.FLAG_STATE))
  code.setLocal(p.op, i64.load(cpu, CPU.FZ))
  code.setLocal(q.op, i64.load(cpu, CPU.FS))
  code.setLocal(r.op, i64.load(cpu, CPU.FC))
  general.enter(code)
  const isFirst = region.entries.length > 1 ? i32.eq(i32.load(cpu, CPU.ENTRY), i32.const(region.entry)) : undefined
  b.enterVectors(code, begin.vectors.entry, isFirst)
  code.append(body)
  general.leave(code)
  b.leaveVectors(code)
  code.store(STORE64[8], cpu, p, CPU.FZ)
  code.store(STORE64[8], cpu, q, CPU.FS)
  code.store(STORE64[8], cpu, r, CPU.FC)
  code.store(STORE32, cpu, at.flags.state, CPU.FLAG_STATE)
  code.store(STORE32, cpu, at.count, CPU.COUNT)
  code.return(exit)
  code.end()
  return { signature: BODY, locals: locals.types, code }
}
