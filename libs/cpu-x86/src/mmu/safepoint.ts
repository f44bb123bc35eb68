/**
 * Taking translations away from a vCPU that another thread runs.
 *
 * IN_GUEST is IN while the vCPU's thread uses translations: translated code, page walks, and accesses to what a walk found. It
 * waits for nobody meanwhile (no lock, no safepoint of another vCPU), so whoever waits for it waits briefly. Everywhere else it is
 * OUT and has acknowledged in advance: what was asked meanwhile is done before it is IN again.
 */
import { bugOn } from '@paravane/core'
import { dropAllCode } from '../cold/drop-code.ts'
import { CPU } from '../state/layout.ts'
import type { VcpuMemory } from '../state/vcpu-memory.ts'

const OUT = 0
const IN = 1
/** Another thread works on the translations of a vCPU that is out, and waits for nobody meanwhile. */
const HELD = 2
/** Another thread does an instruction alone (alone.ts), within which it may want something of this vCPU, and so may others. */
const HELD_ALONE = 3

/** A backstop for waits: leaving wakes at once. In milliseconds. */
const LOOK_AGAIN = 1
/** Some microseconds of looking come before a sleep. */
const LOOKS_BEFORE_SLEEP = 500
/** How long `hold` sleeps then, in milliseconds: a vCPU that leaves the guest does not notify it. */
const SHORT_SLEEP = 0.05

const word = (vcpu: VcpuMemory, offset: number): number => (vcpu.base + offset) >>> 2

/** Before translations are used: from here on a safepoint waits for this vCPU. Does first what was asked while it was out. */
export function enterGuest(vcpu: VcpuMemory): void {
  const { i32 } = vcpu.views
  const state = word(vcpu, CPU.IN_GUEST)
  for (let looks = 1; ; looks++) {
    const before = Atomics.compareExchange(i32, state, OUT, IN)
    if (before === OUT) break
    bugOn(before === IN, 'a vCPU enters the guest twice')
    // To fall asleep and be woken takes longer than most have to do.
    if (looks % LOOKS_BEFORE_SLEEP === 0) Atomics.wait(i32, state, before, LOOK_AGAIN)
  }
  for (;;) {
    const asked = Atomics.load(i32, word(vcpu, CPU.SAFEPOINT_ASKED))
    if (asked === vcpu.i32(CPU.SAFEPOINT_DONE)) return
    vcpu.flushAll()
    if (Atomics.exchange(i32, word(vcpu, CPU.CODE_STALE), 0) !== 0) dropAllCode(vcpu)
    // The current record may be of a page that is mapped no longer; RIP holds outside translated code.
    vcpu.setI32(CPU.REC, 0)
    Atomics.store(i32, word(vcpu, CPU.SAFEPOINT_DONE), asked)
  }
}

/** After the last use: whoever waits need not wait longer. */
export function leaveGuest(vcpu: VcpuMemory): void {
  const { i32 } = vcpu.views
  Atomics.store(i32, word(vcpu, CPU.IN_GUEST), OUT)
  if (Atomics.load(i32, word(vcpu, CPU.SAFEPOINT_ASKED)) !== vcpu.i32(CPU.SAFEPOINT_DONE))
    Atomics.notify(i32, word(vcpu, CPU.IN_GUEST))
}

/** Runs `use` with the vCPU in the guest. */
export function inGuest<T>(vcpu: VcpuMemory, use: () => T): T {
  enterGuest(vcpu)
  try {
    return use()
  } finally {
    leaveGuest(vcpu)
  }
}

/** Runs what may wait for other vCPUs with the vCPU out of the guest, which it may be in. */
export function outsideGuest(vcpu: VcpuMemory, act: () => void): void {
  if (vcpu.i32(CPU.IN_GUEST) !== IN) {
    act()
    return
  }
  leaveGuest(vcpu)
  try {
    act()
  } finally {
    enterGuest(vcpu)
  }
}

/**
 * Takes every translation away from a vCPU of another thread and returns when it has none: none is used after. A vCPU that is
 * out does it before it uses any; one that is in leaves at its next jump. The caller's own vCPU must be out: two that wait for
 * each other would wait for ever.
 */
export function safepoint(vcpu: VcpuMemory): void {
  const { i32 } = vcpu.views
  const mine = Atomics.add(i32, word(vcpu, CPU.SAFEPOINT_ASKED), 1) + 1
  while (Atomics.load(i32, word(vcpu, CPU.IN_GUEST)) === IN) {
    // It may have been out and in again since; counts wrap.
    if (((Atomics.load(i32, word(vcpu, CPU.SAFEPOINT_DONE)) - mine) | 0) >= 0) return
    // The vCPU sets its limit before it enters: ask again until it is seen out.
    Atomics.store(i32, word(vcpu, CPU.LIMIT), 0)
    Atomics.wait(i32, word(vcpu, CPU.IN_GUEST), IN, LOOK_AGAIN)
  }
}

/**
 * Takes some translations away, by `act`, while the vCPU is kept out; the others it keeps. Where an instruction that runs alone keeps
 * it out already, it loses all before it enters again, and does what `ask` adds. `act` waits for nobody. The caller's own vCPU must be
 * out.
 */
export function takeAway(vcpu: VcpuMemory, act: (vcpu: VcpuMemory) => void, ask?: (vcpu: VcpuMemory) => void): void {
  if (!hold(vcpu, HELD)) {
    ask?.(vcpu)
    safepoint(vcpu)
    return
  }
  act(vcpu)
  // As after a safepoint.
  vcpu.setI32(CPU.REC, 0)
  release(vcpu)
}

/**
 * Waits until a vCPU is out of the guest and keeps it out until the answer is called. It loses no translation. The caller's own
 * vCPU must be out, and nobody else do the same.
 */
export function holdOut(vcpu: VcpuMemory): () => void {
  const held = hold(vcpu, HELD_ALONE)
  bugOn(!held, 'two instructions run alone')
  return () => release(vcpu)
}

/** Waits until the vCPU is out, and keeps it out; false if it is HELD_ALONE. */
function hold(vcpu: VcpuMemory, as: number): boolean {
  const { i32 } = vcpu.views
  const state = word(vcpu, CPU.IN_GUEST)
  for (let looks = 1; ; looks++) {
    const before = Atomics.compareExchange(i32, state, OUT, as)
    if (before === OUT) return true
    if (before === HELD_ALONE) return false
    // It sets its limit before it enters: ask again until it is seen out. It leaves at its next jump, unless its thread sleeps.
    if (before === IN) Atomics.store(i32, word(vcpu, CPU.LIMIT), 0)
    if (looks % LOOKS_BEFORE_SLEEP === 0) Atomics.wait(i32, state, before, SHORT_SLEEP)
  }
}

function release({ views, base }: VcpuMemory): void {
  const state = (base + CPU.IN_GUEST) >>> 2
  Atomics.store(views.i32, state, OUT)
  Atomics.notify(views.i32, state)
}

/** Makes a vCPU leave translated code soon and look at its events. */
export function kick(vcpu: VcpuMemory): void {
  const { i32 } = vcpu.views
  Atomics.store(i32, word(vcpu, CPU.KICK), 1)
  Atomics.store(i32, word(vcpu, CPU.LIMIT), 0)
}
