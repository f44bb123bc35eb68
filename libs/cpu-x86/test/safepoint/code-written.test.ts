import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { codeWritten } from '../../src/mmu/code-written.ts'
import { HotVcpu, type Way } from './hot-vcpu.ts'

const ROUNDS = 200
const LONG = 1_000_000

const ways: readonly Way[] = [
  { name: 'in the cold tier', stretch: LONG, regionThreshold: 0, offset: 8 },
  { name: 'in a region', stretch: LONG, regionThreshold: 8, offset: 8 },
  { name: 'going out and in all the time', stretch: 20, regionThreshold: 8, offset: 8 },
]

/** Third byte of `inc rax` and of `dec rax`, at the start of the vCPU's loop. */
const OPERATION = 2
const INC = 0xc0
const DEC = 0xc8

describe.each(ways)('a vCPU that counts $name', (way) => {
  let hot: HotVcpu
  beforeAll(() => {
    hot = new HotVcpu(way)
    hot.untilStored(0)
  })
  afterAll(() => hot.stop())

  test('counts the other way as soon as another thread has changed its code', () => {
    const { vcpu, views } = hot.machine
    const wrong: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      const isDown = round % 2 === 0
      Atomics.store(views.u8, hot.code + OPERATION, isDown ? DEC : INC)
      codeWritten([vcpu], hot.code, OPERATION, 1)
      const first = hot.stored
      hot.untilStored(first)
      const change = (hot.stored - first) | 0
      if (change < 0 !== isDown) wrong.push(round)
    }
    expect(wrong).toEqual([])
  })
})
