import { dropCode, hasCode } from '../cold/drop-code.ts'
import { CPU, FRAME } from '../state/layout.ts'
import type { VcpuMemory } from '../state/vcpu-memory.ts'
import { takeAway } from './safepoint.ts'

/**
 * Bytes of a frame were changed, in memory already: no vCPU of the domain, wherever it runs, uses translations of what was there
 * after this returns. The caller's own is out of the guest. A vCPU that is in loses all its translations, as it may be making some.
 */
export function codeWritten(vcpus: readonly VcpuMemory[], frameHost: number, from: number, length: number): void {
  for (const vcpu of vcpus) {
    if (!hasCode(vcpu, frameHost)) continue
    takeAway(
      vcpu,
      (out) => dropCode(out, frameHost, from, length),
      ({ base, views }) => Atomics.store(views.i32, (base + CPU.CODE_STALE) >>> 2, 1),
    )
  }
  // With one vCPU nobody makes a translation meanwhile: without any left, the frame is plain memory again.
  const [only] = vcpus
  if (vcpus.length === 1 && !hasCode(only, frameHost))
    Atomics.and(only.views.u8, only.i32(CPU.FRAME_FLAGS) + (frameHost >>> 12), ~FRAME.CODE)
}
