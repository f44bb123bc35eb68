import { CPU, TARGETS } from '../state/layout.ts'
import type { VcpuMemory } from '../state/vcpu-memory.ts'
import { type Code, STORE32 } from '../wasm/code.ts'
import type { I32, I64 } from '../wasm/expr.ts'
import { i32 } from '../wasm/ops.ts'

/** Notes where the jump by address at `rip` leads. */
export function emitTarget(code: Code, cpu: I32, rip: I64, to: I64): void {
  const entry = i32.add(cpu, i32.load(cpu, CPU.TARGET))
  code.store(STORE32, entry, i32.wrap(rip), CPU.TARGETS + TARGETS.FROM)
  code.store(STORE32, entry, i32.wrap(to), CPU.TARGETS + TARGETS.TO)
  const next = i32.add(i32.load(cpu, CPU.TARGET), i32.const(TARGETS.ENTRY))
  code.store(STORE32, cpu, i32.and(next, i32.const(TARGETS.BYTES - 1)), CPU.TARGET)
}

/** Where the jump at that distance from the start of an address's page went lately, as distances too: the most frequent first. */
export function recentTargets(vcpu: VcpuMemory, rip: bigint, offset: number): number[] {
  const { i32 } = vcpu.views
  const page = Number(rip & 0xfffff000n) | 0
  const counts = new Map<number, number>()
  const first = (vcpu.base + CPU.TARGETS) >> 2
  for (let at = first; at < first + TARGETS.BYTES / 4; at += TARGETS.ENTRY / 4) {
    if (((i32[at + TARGETS.FROM / 4] - page) | 0) !== offset) continue
    const to = (i32[at + TARGETS.TO / 4] - page) | 0
    counts.set(to, (counts.get(to) ?? 0) + 1)
  }
  return [...counts.keys()].sort((a, b) => (counts.get(b) as number) - (counts.get(a) as number))
}
