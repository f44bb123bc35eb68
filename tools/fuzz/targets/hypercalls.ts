/**
 * The hypercalls of core (those of the MMU are `mmu`): two guests call with numbers, pointers and structures half right,
 * while domain 0's backends use what they are offered. Each call answers a value or an errno of Xen's, in bounded work;
 * nothing but DomainCrash is thrown; all records agree with a recount, and a third guest is not touched.
 */
import * as errno from '../../../libs/core/src/abi/errno.ts'
import { VIRQ_TIMER } from '../../../libs/core/src/abi/xen.ts'
import { DOMAIN, DOMAIN_RUNNING, VCPU, VCPU_BLOCKED } from '../../../libs/core/src/domain/domain-state.ts'
import type { GuestAccess } from '../../../libs/core/src/hypercall/guest-handle.ts'
import type { HypercallContext } from '../../../libs/core/src/hypercall/hypercall-context.ts'
import { Machine } from '../../../libs/core/test/pv-kit/machine.ts'
import { gmfnOf, MemoryDomain } from '../../../libs/core/test/pv-kit/memory-domain.ts'
import type { Random } from '../random.ts'
import { Tape } from '../tape.ts'
import { demand, finding, type Judge, type Target } from '../target.ts'
import { ACT, backend, type Call, callOf, scribble, strangeCall } from './core-acts.ts'
import { checkState } from './core-state.ts'

const MOST_ACTS = 800
const ERRNOS: ReadonlySet<number> = new Set(Object.values(errno).filter((value) => value !== errno.ERESTART))
/** Entries into one call, and accesses to guest memory of one entry. */
const MOST_ENTRIES = 10_000
const MOST_ACCESSES = 2048
const MOST_BYTES = 1 << 18
const VCPUS = 4

/** Something that is broken on purpose, so that the oracles can be seen to fail. */
export type Sabotage = (machine: Machine, guest: MemoryDomain, call: Call) => void

/** Counts what an entry into a hypercall does to guest memory. */
class CountedGuest implements GuestAccess {
  inner: GuestAccess | undefined
  accesses = 0
  bytes = 0

  read(va: bigint, into: Uint8Array): boolean {
    this.#count(into.length)
    return this.inner!.read(va, into)
  }

  write(va: bigint, from: Uint8Array): boolean {
    this.#count(from.length)
    return this.inner!.write(va, from)
  }

  #count(bytes: number): void {
    this.accesses++
    this.bytes += bytes
  }
}

class HypercallJudge implements Judge {
  readonly #tape = new Tape()
  readonly #guest = new CountedGuest()
  readonly #sabotage: Sabotage | undefined

  constructor(sabotage?: Sabotage) {
    this.#sabotage = sabotage
  }

  make(random: Random): Uint8Array {
    return random.fill(new Uint8Array(ACT * (1 + random.below(MOST_ACTS))))
  }

  judge(bytes: Uint8Array): number {
    const machine = new Machine()
    const guests = [1, 2].map((domid) => machine.add(new MemoryDomain(domid)))
    const neighbour = machine.add(new MemoryDomain(3))
    prepare(machine, guests)
    const before = [neighbour.buffer, neighbour.state.memory.buffer].map((buffer) =>
      Buffer.from(new Uint8Array(buffer)),
    )
    const held: { release(): void }[] = []
    let acts = 0
    for (let at = 0; at + ACT <= bytes.length; at += ACT, acts++) {
      const tape = this.#tape.open(bytes, at, at + ACT)
      const guest = tape.pick(guests)
      const kind = tape.below(32)
      if (kind < 26) this.#call(machine, guest, callOf(tape, guest))
      else if (kind < 28) this.#call(machine, guest, strangeCall(tape))
      else if (kind < 30) scribble(tape, guest)
      else backend(tape, machine, guest, held)
    }
    checkState(machine, [...guests, neighbour])
    const after = [neighbour.buffer, neighbour.state.memory.buffer]
    for (const [n, buffer] of after.entries()) {
      demand(Buffer.compare(before[n]!, new Uint8Array(buffer)) === 0, 'a guest that did nothing was changed')
    }
    for (const one of held) one.release()
    checkState(machine, guests)
    return acts
  }

  #call(machine: Machine, guest: MemoryDomain, call: Call): void {
    const { dispatcher } = machine
    const counted = this.#guest
    counted.inner = guest.guest
    const ctx: HypercallContext = { ...machine.context(guest, call.vcpu), guest: counted }
    dispatcher.args.fill(call.args)
    for (let entries = 1; ; entries++) {
      counted.accesses = 0
      counted.bytes = 0
      const exit = dispatcher.dispatch(ctx, call.nr)
      if (counted.accesses > MOST_ACCESSES || counted.bytes > MOST_BYTES) {
        finding(`hypercall ${call.nr}: ${counted.accesses} accesses of ${counted.bytes} bytes in one entry`)
      }
      if (exit === 'done') break
      if (exit !== 'continue') {
        if (exit !== 'crashed') finding(`hypercall ${call.nr} ends as ${exit}`)
        revive(guest)
        return
      }
      if (entries > MOST_ENTRIES) finding(`hypercall ${call.nr} never ends`)
    }
    judgeResult(call, dispatcher.result)
    this.#sabotage?.(machine, guest, call)
    revive(guest)
  }
}

function judgeResult({ nr }: Call, result: number | bigint): void {
  if (typeof result === 'bigint') {
    if (result < 0n || result >= 1n << 64n) finding(`hypercall ${nr} answers ${result}`)
  } else if (!Number.isSafeInteger(result)) finding(`hypercall ${nr} answers ${result}`)
  else if (result < 0 && !ERRNOS.has(-result)) finding(`hypercall ${nr} answers ${result}, which is no errno`)
}

/** Channels and grants to get wrong. */
function prepare(machine: Machine, [d1, d2]: readonly MemoryDomain[]): void {
  machine.events.bindVirq(d1!, VIRQ_TIMER, 0)
  machine.events.bindIpi(d1!, 1)
  machine.events.allocUnbound(d2!, 2, 1)
  machine.grants.grow(d1!, 1)
  machine.grants.grow(d2!, 1)
  for (let ref = 0; ref < 8; ref++) {
    machine.grants.grantAccess(d2!, ref, ref & 1, gmfnOf(9 + ref))
    machine.grants.grantAccess(d1!, ref, (ref & 1) * 2, gmfnOf(9 + ref))
  }
}

/** Undoes what would end the case: a shutdown, a sleep. */
function revive({ state }: MemoryDomain): void {
  DOMAIN.lifecycle.store(state.memory, 0, DOMAIN_RUNNING)
  DOMAIN.shutdownReason.store(state.memory, 0, -1)
  for (let vcpu = 0; vcpu < VCPUS; vcpu++) VCPU.flags.clear(state.memory, state.vcpu(vcpu), VCPU_BLOCKED)
}

/** @param sabotage for the test that a fault would be found */
export function hypercallsTarget(sabotage?: Sabotage): Target {
  return {
    name: 'hypercalls',
    input: 'one hypercall',
    stride: ACT,
    life: 1 << 20,
    open: () => new HypercallJudge(sabotage),
  }
}
