import { hasCode } from '../cold/drop-code.ts'
import { CPU, FRAME } from '../state/layout.ts'
import type { VcpuMemory } from '../state/vcpu-memory.ts'
import { takeAway } from './safepoint.ts'

/** A backstop for waits, in milliseconds. */
const LOOK_AGAIN = 1
const FREE = 0
const TAKEN = 1

/**
 * FRAME.CODE says that stores to a frame are watched. It holds wherever a vCPU has a code table of the frame, except between the
 * making of the table and `watchCode`, which comes before anything is translated: so the table is what `unwatchCode` looks for. Both
 * have the same lock, and the vCPU of whoever calls them is out of the guest.
 *
 * @param vcpus the domain's, in the same order for every caller
 */
export function watchCode(vcpus: readonly VcpuMemory[], frameHost: number): void {
  const [{ views, base }] = vcpus
  const flags = flagsOf(vcpus, frameHost)
  locked(views.i32, (base + CPU.CODE_LOCK) >>> 2, () => {
    if (Atomics.or(views.u8, flags, FRAME.CODE) & FRAME.CODE) return
    for (const vcpu of vcpus) takeAway(vcpu, (out) => out.revokeWritesTo(frameHost))
  })
}

/** A frame of which no vCPU has translated code any more is plain memory again. */
export function unwatchCode(vcpus: readonly VcpuMemory[], frameHost: number): void {
  const [{ views, base }] = vcpus
  const flags = flagsOf(vcpus, frameHost)
  if (vcpus.some((vcpu) => hasCode(vcpu, frameHost))) return
  locked(views.i32, (base + CPU.CODE_LOCK) >>> 2, () => {
    if (!vcpus.some((vcpu) => hasCode(vcpu, frameHost))) Atomics.and(views.u8, flags, ~FRAME.CODE)
  })
}

function flagsOf([vcpu]: readonly VcpuMemory[], frameHost: number): number {
  return vcpu.i32(CPU.FRAME_FLAGS) + (frameHost >>> 12)
}

/** What holds the lock waits for no vCPU that wants it: those that do are out of the guest. */
function locked(i32: Int32Array<ArrayBufferLike>, lock: number, act: () => void): void {
  while (Atomics.compareExchange(i32, lock, FREE, TAKEN) !== FREE) Atomics.wait(i32, lock, TAKEN, LOOK_AGAIN)
  try {
    act()
  } finally {
    Atomics.store(i32, lock, FREE)
    Atomics.notify(i32, lock, 1)
  }
}
