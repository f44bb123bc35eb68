import { Locals, parameter } from '../builder/locals.ts'
import { BODY, BODY_IMPORTS, HELPER_INDEX } from '../cold/functions.ts'
import { CPU } from '../state/layout.ts'
import { Code, STORE32, STORE64 } from '../wasm/code.ts'
import { assemble, type FunctionBody, type Signature } from '../wasm/module.ts'
import { i32, i64 } from '../wasm/ops.ts'
import { type Edges, RegionBuilder, type RegionLocals } from './region-builder.ts'
import type { RegionCode } from './region-code.ts'

const FILL: Signature = { params: ['i32', 'i64', 'i32'], results: ['i32'] }

/** A module of regions, the n-th of which it exports by its number. */
export function regionsModule(regions: readonly FunctionBody[]): Uint8Array<ArrayBuffer> {
  return assemble({
    imports: [...BODY_IMPORTS, ['fill', FILL]],
    functions: regions.map((region, n) => ({ ...region, name: `${n}` })),
  })
}

/**
 * A region as a function: (vCPU, record) -> EXIT, the guest going on at RIP; DONE where the cold loop shall find the way. Nothing of
 * the place in memory is in it: the same bytes give the same function.
 */
export function regionFunction(region: RegionCode): FunctionBody {
  const cpu = parameter('i32', 0)
  const locals = new Locals(2)
  const at: RegionLocals = {
    tlb: locals.named('i32'),
    count: locals.named('i32'),
    exit: locals.named('i32'),
    block: locals.named('i32'),
    pageVa: locals.named('i64'),
    rip: locals.named('i64'),
    flags: { fz: locals.named('i64'), fs: locals.named('i64'), fc: locals.named('i64') },
    x: locals.named('i64'),
    y: locals.named('i64'),
    r: locals.named('i64'),
  }
  const body = new Code(2048)
  const b = new RegionBuilder(body, locals, cpu, at, HELPER_INDEX, BODY_IMPORTS.length)
  blocks(region, body, b, at)
  const code = new Code(body.length + 256)
  code.setLocal(at.tlb.op, i32.load(cpu, CPU.TLB))
  code.setLocal(at.count.op, i32.load(cpu, CPU.COUNT))
  code.setLocal(at.pageVa.op, i64.load(cpu, CPU.PAGE_VA))
  code.setLocal(at.flags.fz.op, i64.load(cpu, CPU.FZ))
  code.setLocal(at.flags.fs.op, i64.load(cpu, CPU.FS))
  code.setLocal(at.flags.fc.op, i64.load(cpu, CPU.FC))
  b.registers.forEach((local, n) => {
    if (local) code.setLocal(local.op, i64.load(cpu, CPU.GPR + n * 8))
  })
  code.append(body)
  for (const n of b.dirty) code.store(STORE64[8], cpu, b.register(n), CPU.GPR + n * 8)
  code.store(STORE64[8], cpu, at.flags.fz, CPU.FZ)
  code.store(STORE64[8], cpu, at.flags.fs, CPU.FS)
  code.store(STORE64[8], cpu, at.flags.fc, CPU.FC)
  code.store(STORE64[8], cpu, at.rip, CPU.RIP)
  code.store(STORE32, cpu, at.count, CPU.COUNT)
  code.return(at.exit)
  code.end()
  return { signature: BODY, locals: locals.types, code }
}

/** All blocks in a dispatch loop; each is a loop of its own for jumps to itself, and falls into the next where the guest does. */
function blocks(region: RegionCode, code: Code, b: RegionBuilder, at: RegionLocals): void {
  const { blocks, entry } = region
  const index = new Map(blocks.map((block, n) => [block.offset, n]))
  code.setLocal(at.block.op, i32.const(index.get(entry) as number))
  code.block()
  const exit = code.depth
  code.loop()
  const dispatch = code.depth
  for (let n = 0; n < blocks.length; n++) code.block()
  code.expr(at.block)
  code.u8(0x0e)
  code.u32(blocks.length - 1)
  for (let n = 0; n < blocks.length; n++) code.u32(n)
  blocks.forEach((block, n) => {
    code.end()
    code.loop()
    const self = code.depth
    b.edges = edges(code, b, at, index, n, { exit, dispatch, self })
    b.beginBlock()
    for (const insn of block.insns) b.emit(insn)
    if (block.fallsThrough) {
      b.settle()
      // Straight on into the next block where that is the one; else out, or to a block that lies elsewhere.
      if (index.get(block.next) !== n + 1) b.edges.goTo(block.next)
    }
    code.end()
  })
  code.u8(0x00)
  code.end()
  code.u8(0x00)
  code.end()
}

interface Labels {
  readonly exit: number
  readonly dispatch: number
  readonly self: number
}

function edges(
  code: Code,
  b: RegionBuilder,
  at: RegionLocals,
  index: ReadonlyMap<number, number>,
  from: number,
  labels: Labels,
): Edges {
  return {
    exit: labels.exit,
    goTo: (offset) => {
      const rip = i64.add(at.pageVa, i64.const(offset))
      const to = index.get(offset)
      if (to === undefined) return b.out(rip)
      if (to <= from) {
        code.if(i32.ge_s(at.count, i32.load(b.cpu, CPU.LIMIT)), false)
        b.out(rip)
        code.end()
      }
      if (to === from) return code.br(labels.self)
      code.setLocal(at.block.op, i32.const(to))
      code.br(labels.dispatch)
    },
  }
}
