import { describe, expect, it } from 'vitest'
import { shared_info } from '../../src/abi/xen.ts'
import { createDomainState } from '../../src/domain/create-domain-state.ts'
import { DOMAIN } from '../../src/domain/domain-state.ts'
import { HostClock } from '../../src/time/clock.ts'
import { SeededEntropy } from '../../src/time/entropy.ts'
import { publishWallclock, tscScale } from '../../src/time/system-time.ts'
import { VirtualClock } from '../../src/time/virtual-clock.ts'
import { gmfnOf, MemoryDomain } from '../pv-kit/memory-domain.ts'

describe('tscScale', () => {
  it.each([
    [1_000_000_000, 0x8000_0000, 1],
    [2_000_000_000, 0x8000_0000, 0],
    [2_500_000_000, 3_435_973_836, -1],
    [3_000_000_000, 2_863_311_530, -1],
    [999_999_999, 0x8000_0000 + 2, 1],
    [1_193_182, 3_515_225_673, 10],
  ])('%i Hz', (hz, mul, shift) => {
    expect(tscScale(hz)).toEqual({ mul, shift })
    // A second's worth of ticks is a second, as the guest computes it, to the precision of 32 bits.
    const scaled = shift < 0 ? BigInt(hz) >> BigInt(-shift) : BigInt(hz) << BigInt(shift)
    expect(Number((scaled * BigInt(mul)) >> 32n)).toBeGreaterThan(999_999_998)
    expect(Number((scaled * BigInt(mul)) >> 32n)).toBeLessThanOrEqual(1_000_000_000)
  })
})

describe('the virtual clock', () => {
  it('is instructions and the time that was skipped, and nothing else', () => {
    const state = createDomainState({ domid: 1, nrVcpus: 1, maxPages: 1, sharedInfoFrame: 1 })
    let retired = 0n
    const clock = new VirtualClock({ state, retired: () => retired, nsPerInstruction: 2n, epoch: 0n })
    expect([clock.now(), clock.instructionsUntil(101n)]).toEqual([0n, 51n])
    retired = 30n
    clock.skipTo(1_000n)
    clock.skipTo(10n)
    expect([clock.now(), clock.tsc(), clock.instructionsUntil(1_000n)]).toEqual([1_000n, 1_000n, 0n])
    retired = 31n
    const sameDomainElsewhere = new VirtualClock({ state, retired: () => 31n, nsPerInstruction: 2n, epoch: 0n })
    expect([clock.now(), sameDomainElsewhere.now()]).toEqual([1_002n, 1_002n])
  })
})

describe('the host clock', () => {
  it('counts from the origin it is given, in every thread', () => {
    const origin = { hrtime: process.hrtime.bigint() - 5_000n, epoch: 7n }
    const [first, second] = [new HostClock(origin), new HostClock(origin)]
    const readings = [first.now(), second.now(), first.tsc()]
    expect(readings[0]).toBeGreaterThanOrEqual(5_000n)
    expect(readings).toEqual(readings.toSorted((a, b) => Number(a - b)))
    expect(first.epoch).toBe(7n)
  })
})

describe('the wall clock', () => {
  it('is in shared_info under its version', () => {
    const domain = new MemoryDomain(1)
    DOMAIN.wallclock.store(domain.state.memory, 0, 0x1_2345_6789n * 1_000_000_000n + 42n)
    publishWallclock(domain)
    publishWallclock(domain)
    const view = new DataView(domain.memory.bytes.buffer, domain.memory.frameOffset(gmfnOf(95)))
    const { wc_version, wc_sec, wc_sec_hi, wc_nsec } = shared_info
    expect([wc_version, wc_sec, wc_sec_hi, wc_nsec].map((field) => field.get(view, 0))).toEqual([4, 0x2345_6789, 1, 42])
  })
})

describe('seeded entropy', () => {
  it('repeats for a seed, and only for that', () => {
    const draw = (seed: bigint, sizes: number[]) => {
      const entropy = new SeededEntropy(seed)
      return sizes.map((size) => {
        const bytes = new Uint8Array(size)
        entropy.fill(bytes)
        return Buffer.from(bytes).toString('hex')
      })
    }
    // 0xe220a8397b1dcdaf, the first number of splitmix64 for seed 0, as is published.
    expect(draw(0n, [8])).toEqual(['afcd1d7b39a820e2'])
    expect(draw(5n, [3, 16])).toEqual(draw(5n, [3, 16]))
    expect(draw(5n, [16])).not.toEqual(draw(6n, [16]))
  })
})
