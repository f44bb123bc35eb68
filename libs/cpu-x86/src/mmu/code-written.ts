import { dropCode, hasCode } from '../cold/drop-code.ts'
import { CPU } from '../state/layout.ts'
import type { VcpuMemory } from '../state/vcpu-memory.ts'
import { unwatchCode } from './code-frames.ts'
import { takeAway } from './safepoint.ts'

/**
 * Bytes of a frame were changed, in memory already: no vCPU of the domain, wherever it runs, uses translations of what was there
 * after this returns. The caller's own is out of the guest. One that runs meanwhile keeps the rest of its translations.
 */
export function codeWritten(vcpus: readonly VcpuMemory[], frameHost: number, from: number, length: number): void {
  const [{ views, base }] = vcpus
  // The bytes before the look at the tables: a vCPU makes its table before it reads them.
  Atomics.add(views.i32, (base + CPU.FENCE) >>> 2, 0)
  for (const vcpu of vcpus) {
    if (!hasCode(vcpu, frameHost)) continue
    takeAway(
      vcpu,
      (out) => dropCode(out, frameHost, from, length),
      ({ base, views }) => Atomics.store(views.i32, (base + CPU.CODE_STALE) >>> 2, 1),
    )
  }
  unwatchCode(vcpus, frameHost)
}
