import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { VIRQ_TIMER } from '../../src/abi/xen.ts'
import { DOMAIN, DOMAIN_RUNNING, VCPU, VCPU_BLOCKED } from '../../src/domain/domain-state.ts'
import { Prng } from '../builder/prng.ts'
import { Machine } from '../pv-kit/machine.ts'
import { gmfnOf, MemoryDomain } from '../pv-kit/memory-domain.ts'
import { RandomAbsence } from '../pv-kit/random-absence.ts'
import { randomCall } from '../pv-kit/random-calls.ts'

/** A machine with two guests that have channels and grants to get wrong. */
function makeWorld() {
  const machine = new Machine()
  const d1 = machine.add(new MemoryDomain(1))
  const d2 = machine.add(new MemoryDomain(2))
  machine.events.bindVirq(d1, VIRQ_TIMER, 0)
  machine.events.bindIpi(d1, 1)
  machine.events.allocUnbound(d2, 2, 1)
  machine.grants.grow(d1, 1)
  machine.grants.grow(d2, 1)
  for (let ref = 0; ref < 8; ref++) machine.grants.grantAccess(d2, ref, 1, gmfnOf(9 + ref))
  return { machine, d1, d2 }
}

function digest({ machine, d1, d2 }: ReturnType<typeof makeWorld>): string {
  const hash = createHash('sha256').update(machine.logged)
  for (const buffer of [machine.memory.buffer, d1.buffer, d2.buffer]) hash.update(new Uint8Array(buffer))
  // The grants that are in use by nobody are the long tail of a domain's state: leave them out of the hash.
  for (const { state } of [d1, d2]) hash.update(new Uint8Array(state.memory.buffer, 0, DOMAIN.activeGrants.offset))
  return hash.digest('hex')
}

/** Undoes what would end the run: a shutdown, a sleep. */
function keepGoing({ d1 }: ReturnType<typeof makeWorld>): void {
  const { memory } = d1.state
  DOMAIN.lifecycle.store(memory, 0, DOMAIN_RUNNING)
  DOMAIN.shutdownReason.store(memory, 0, -1)
  for (let vcpu = 0; vcpu < 4; vcpu++) VCPU.flags.clear(memory, d1.state.vcpu(vcpu), VCPU_BLOCKED)
}

describe('a hypercall that meets absent frames', () => {
  it.each([1, 2, 3, 4, 5, 6])('ends as if they had been there, seed %i', (seed) => {
    const present = makeWorld()
    const absent = makeWorld()
    const calls = [new Prng(seed), new Prng(seed)] as const
    const absence = new RandomAbsence(new Prng(seed + 1000))
    absent.machine.beforeAttempt = () => absence.newAttempt()
    for (let i = 0; i < 1000; i++) {
      const call = randomCall(calls[0], present.d1)
      randomCall(calls[1], absent.d1)
      const expected = present.machine.call(present.d1, call.vcpu, call.nr, ...call.args)
      absence.newCall()
      absent.d1.absence = absence
      const actual = absent.machine.call(absent.d1, call.vcpu, call.nr, ...call.args)
      absent.d1.absence = { touch: () => {} }
      expect(actual, `call ${i}: ${call.nr} ${call.args}`).toBe(expected)
      if (i % 25 === 0) expect(digest(absent), `after call ${i}: ${call.nr} ${call.args}`).toBe(digest(present))
      keepGoing(present)
      keepGoing(absent)
    }
    expect(digest(absent)).toBe(digest(present))
    expect(absence.thrown).toBeGreaterThan(400)
  })
})

describe('hostile numbers and pointers', () => {
  it.each([11, 12, 13])('only ever get an answer, seed %i', (seed) => {
    const { machine, d1 } = makeWorld()
    const prng = new Prng(seed)
    const number = () =>
      prng.pick([
        0n,
        BigInt(prng.below(64)),
        BigInt(prng.below(0xffff_ffff)) * BigInt(prng.below(0xffff_ffff)),
        2n ** 63n,
        2n ** 64n - 1n,
        BigInt(prng.below(256)) << 56n,
      ])
    for (let i = 0; i < 3000; i++) {
      // console_io (18) may log gigabytes by request, one stretch at a time: not for a test that waits for the end.
      const nr = prng.pick([prng.below(64), 12, 13, 15, 17, 20, 21, 24, 29, 32, 33, Number(number())])
      if (nr === 18) continue
      const args = Array.from({ length: 6 }, number)
      expect(machine.call(d1, prng.below(4), nr, ...args)).toBeTypeOf('number')
    }
  })
})
