import { CPU } from '../state/layout.ts'
import type { VcpuMemory } from '../state/vcpu-memory.ts'

const word = (vcpu: VcpuMemory, offset: number): number => (vcpu.base + offset) >> 2

/**
 * Before translated code is entered: from here on a safepoint waits for this vCPU. Does first what was asked while it was out.
 */
export function enterGuest(vcpu: VcpuMemory): void {
  const { i32 } = vcpu.views
  for (;;) {
    Atomics.store(i32, word(vcpu, CPU.IN_GUEST), 1)
    const asked = Atomics.load(i32, word(vcpu, CPU.SAFEPOINT_ASKED))
    if (asked === vcpu.i32(CPU.SAFEPOINT_DONE)) return
    acknowledge(vcpu, asked)
  }
}

/** After translated code was left: whoever waits need not wait longer. */
export function leaveGuest(vcpu: VcpuMemory): void {
  const { i32 } = vcpu.views
  Atomics.store(i32, word(vcpu, CPU.IN_GUEST), 0)
  if (Atomics.load(i32, word(vcpu, CPU.SAFEPOINT_ASKED)) !== vcpu.i32(CPU.SAFEPOINT_DONE))
    Atomics.notify(i32, word(vcpu, CPU.IN_GUEST))
}

function acknowledge(vcpu: VcpuMemory, asked: number): void {
  const { i32 } = vcpu.views
  vcpu.flushAll()
  // The current record may be of code that was dropped; RIP holds outside translated code.
  vcpu.setI32(CPU.REC, 0)
  Atomics.store(i32, word(vcpu, CPU.SAFEPOINT_DONE), asked)
}

/**
 * Takes every translation away from a vCPU of another thread and returns when it has none: none is used after. A vCPU that is
 * not in translated code does it before it enters; one that is leaves at its next jump.
 */
export function safepoint(vcpu: VcpuMemory): void {
  const { i32 } = vcpu.views
  Atomics.add(i32, word(vcpu, CPU.SAFEPOINT_ASKED), 1)
  while (Atomics.load(i32, word(vcpu, CPU.IN_GUEST)) !== 0) {
    // The vCPU sets its limit before it enters: ask again until it is seen out.
    Atomics.store(i32, word(vcpu, CPU.LIMIT), 0)
    Atomics.wait(i32, word(vcpu, CPU.IN_GUEST), 1, 1)
  }
}

/** Makes a vCPU leave translated code soon and look at its events. */
export function kick(vcpu: VcpuMemory): void {
  const { i32 } = vcpu.views
  Atomics.store(i32, word(vcpu, CPU.KICK), 1)
  Atomics.store(i32, word(vcpu, CPU.LIMIT), 0)
}
