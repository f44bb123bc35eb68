import { afterEach, describe, expect, test } from 'vitest'
import { codeWritten } from '../../src/mmu/code-written.ts'
import { CPU, FRAME } from '../../src/state/layout.ts'
import { VcpuMemory } from '../../src/state/vcpu-memory.ts'
import { HotVcpu } from './hot-vcpu.ts'

const WRITES = 200
/** In the frame of the loop, behind it. */
const BESIDE = 0x800

describe('code of a vCPU that another thread runs', () => {
  let hot: HotVcpu
  afterEach(() => hot.stop())

  test.each([
    { name: 'in the cold tier', regionThreshold: 0 },
    { name: 'in a region', regionThreshold: 8 },
  ])('is kept where it is not written: $name', ({ regionThreshold }) => {
    hot = new HotVcpu({ name: '', stretch: 1_000_000, regionThreshold, offset: 8 })
    hot.untilStored(0)
    const { vcpu } = hot.machine
    const epoch = vcpu.i32(CPU.CODE_EPOCH)
    for (let n = 0; n < WRITES; n++) {
      codeWritten([vcpu], hot.code, n % 2 === 0 ? 0 : BESIDE, 8)
      hot.untilStored(hot.stored)
    }
    expect(vcpu.i32(CPU.CODE_EPOCH)).toBe(epoch)
  })

  test('has its frame watched as long as any vCPU has some of it', () => {
    hot = new HotVcpu({ name: '', stretch: 1_000_000, regionThreshold: 0, offset: 8 })
    hot.untilStored(0)
    const { machine, code } = hot
    const { views, vcpu } = machine
    const isWatched = (): boolean =>
      (Atomics.load(views.u8, vcpu.i32(CPU.FRAME_FLAGS) + (code >>> 12)) & FRAME.CODE) !== 0
    expect(isWatched()).toBe(true)
    const vcpus = machine.shared.plan.vcpuBases.map((base) => new VcpuMemory(views, base))
    codeWritten(vcpus, code, BESIDE, 8)
    expect(isWatched()).toBe(true)
  })
})
