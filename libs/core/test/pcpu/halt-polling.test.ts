import { describe, expect, it } from 'vitest'
import { HaltPolling } from '../../src/pcpu/halt-polling.ts'
import { OnePcpu, type Turn } from './one-pcpu.ts'

const US = 1000

describe('the time that a pCPU looks for work before it sleeps', () => {
  it('is none at first, and grows while work comes soon after there was none', () => {
    const polling = new HaltPolling()
    const windows = [30, 5, 30, 30, 30, 15, 150, 190, 199].map((idle) => {
      const { window } = polling
      polling.note(idle * US)
      return window / US
    })
    expect(windows).toEqual([0, 10, 10, 20, 40, 40, 40, 80, 160])
    expect(polling.window).toBe(200 * US)
  })

  it('is none again when work takes longer than it would look', () => {
    const polling = new HaltPolling()
    for (let times = 0; times < 9; times++) polling.note(150 * US)
    expect(polling.window).toBe(160 * US)
    polling.note(4000 * US)
    expect(polling.window).toBe(0)
  })
})

/** How often a pCPU sleeps whose vCPU goes to sleep ten times, and is woken 0.05 ms later each time. */
function sleeps(processors: number): number {
  let wakeAt = Number.POSITIVE_INFINITY
  const block: Turn = () => {
    machine.runnable.delete(0)
    wakeAt = machine.ms + 0.05
    return 'blocked'
  }
  const machine: OnePcpu = new OnePcpu(Array(10).fill(block), 1, processors)
  const wake = (): void => {
    wakeAt = Number.POSITIVE_INFINITY
    machine.wake(0)
  }
  machine.onLook = () => {
    if (wakeAt === Number.POSITIVE_INFINITY) return
    machine.ms += 0.0001
    if (machine.ms >= wakeAt) wake()
  }
  for (let times = 0; times < 10; times++) {
    machine.meanwhile.push(() => {
      machine.ms = wakeAt
      wake()
    })
  }
  machine.wake(0)
  return machine.run().filter((line) => line.includes('sleep')).length
}

describe('a pCPU', () => {
  it('looks for work if it comes soon, and does not sleep then', () => {
    expect(sleeps(2)).toBe(4)
  })

  it('sleeps at once where a processor less would be left for others', () => {
    expect(sleeps(1)).toBe(10)
  })
})
