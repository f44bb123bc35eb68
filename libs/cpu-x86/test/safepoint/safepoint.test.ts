import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { safepoint, takeAway } from '../../src/mmu/safepoint.ts'
import type { VcpuMemory } from '../../src/state/vcpu-memory.ts'
import { HotVcpu, PAGE, type Way, WORD } from './hot-vcpu.ts'

const P = 1
const RW = 2
const ROUNDS = 500
/** Looks at the page after an acknowledgement: some tens of microseconds, hundreds of rounds of the vCPU's loop. */
const LOOKS = 2000

const LONG = 1_000_000

const ways: readonly Way[] = [
  { name: 'in the cold tier', stretch: LONG, regionThreshold: 0, offset: 8 },
  { name: 'in a region', stretch: LONG, regionThreshold: 8, offset: 8 },
  { name: 'going out and in all the time', stretch: 20, regionThreshold: 8, offset: 8 },
  { name: 'by slow steps, across the end of the page', stretch: LONG, regionThreshold: 0, offset: 0xffc },
]

const kinds: readonly { name: string; bit: number; take: (vcpu: VcpuMemory) => void }[] = [
  { name: 'write protection', bit: RW, take: (vcpu) => takeAway(vcpu, (v) => v.flushPage(PAGE)) },
  { name: 'type change', bit: RW, take: (vcpu) => takeAway(vcpu, (v) => v.revokeWrites()) },
  { name: 'unmapping', bit: P, take: safepoint },
]

describe.each(ways)('a vCPU that stores $name', (way) => {
  let hot: HotVcpu
  beforeAll(() => {
    hot = new HotVcpu(way)
    hot.untilStored(0)
  })
  afterAll(() => hot.stop())

  test.each(kinds)('stores nothing after it acknowledged: $name', ({ bit, take }) => {
    const { i32 } = hot.machine.views
    let stores = 0
    let rounds = 0
    for (; rounds < ROUNDS && stores === 0; rounds++) {
      Atomics.and(i32, hot.entry, ~bit)
      take(hot.machine.vcpu)
      const faults = Atomics.load(hot.words, WORD.FAULTS)
      const seen = hot.stored
      for (let n = 0; n < LOOKS; n++) if (hot.stored !== seen) stores++
      hot.untilFaultOrStored(faults, seen)
      if (hot.stored !== seen) stores++
      Atomics.or(i32, hot.entry, bit)
      hot.untilStored(seen)
    }
    expect({ rounds, stores }).toEqual({ rounds: ROUNDS, stores: 0 })
  })

  test('runs in the tier that was asked for', () => {
    expect(Atomics.load(hot.words, WORD.REGIONS) > 0).toBe(way.regionThreshold > 0)
  })
})
