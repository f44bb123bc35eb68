import { IDLE, NO_DEADLINE, SharedMemory, sharedSize } from '@paravane/core'
import { seeded } from '@paravane/core/conformance'
import { expect, test } from 'vitest'
import { creditPart } from '../credit-part.ts'

const SECOND = 1_000_000_000
const LIMITS = { pcpus: 1, domains: 4, units: 8 }

/** Parts of a pCPU that busy guests had, while its host now and then runs something else for up to `stall` ns. */
function sharesBesideOthers(weights: readonly number[], stall: number): number[] {
  const part = creditPart()
  const memory = new SharedMemory(new SharedArrayBuffer(sharedSize(part.layout(LIMITS))))
  const scheduler = part.create({ memory, base: 0 }, LIMITS, { tickle: () => {} })
  for (const [n, weight] of weights.entries()) {
    scheduler.insertDomain(n)
    scheduler.adjust(n, { weight })
    scheduler.insertUnit(n, n, 1n, 0n)
    scheduler.wake(n, 0n)
  }
  const random = seeded(3)
  const used = weights.map(() => 0)
  let current = IDLE
  let now = 0
  while (now < 60 * SECOND) {
    const { unit, slice } = scheduler.doSchedule(0, BigInt(now), current, current !== IDLE)
    const deadline = scheduler.nextDeadline(0)
    const wanted = deadline === NO_DEADLINE ? now + slice : Math.min(now + slice, Number(deadline))
    const end = wanted + (random() < 0.3 ? Math.floor(random() * stall) : 0)
    used[unit]! += end - now
    now = end
    current = unit
    if (deadline !== NO_DEADLINE && now >= Number(deadline)) scheduler.tick(0, BigInt(now))
  }
  return used.map((each) => each / now)
}

test.each([0, 50, 150])('weights hold on a host that stalls a pCPU for up to %i ms', (ms) => {
  const weights = [256, 512, 1024]
  const shares = sharesBesideOthers(weights, ms * 1_000_000)
  for (const [n, weight] of weights.entries()) {
    const due = weight / 1792
    expect(Math.abs(shares[n]! / due - 1), `${shares}`).toBeLessThan(0.03)
  }
})
