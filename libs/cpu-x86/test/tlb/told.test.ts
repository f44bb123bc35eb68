/** What a compiling thread is told of the execute TLB of user mode is what it has, request by request. */
import { beforeEach, describe, expect, test } from 'vitest'
import { RememberedTlb } from '../../src/jit/code-pages.ts'
import { XTLB } from '../../src/state/layout.ts'
import type { ToldTo } from '../../src/state/vcpu-memory.ts'
import { Machine } from '../machine.ts'

const BASE = 0x10_0000_0000n
const page = (n: number): bigint => BASE + BigInt(n) * 0x1000n
/** More pages than the list of used entries holds, where each takes the place of others. */
const MANY = 6000

describe('the execute TLB of user mode', () => {
  let m: Machine
  let frames: number[]
  let remembered: RememberedTlb
  let told: ToldTo | undefined

  const run = (n: number): void => {
    m.vcpu.rip = page(n)
    expect(m.runner.run(1)).toBe('limit')
  }
  /** As a request does. @returns how many entries were told */
  const tell = (): number => {
    const { words, isAll, ...to } = m.vcpu.tellUserTlb(told)
    if (isAll) remembered = new RememberedTlb()
    remembered.tell(words)
    told = to
    return (words.length * 4) / XTLB.ENTRY
  }

  beforeEach(() => {
    m = new Machine()
    m.user(true)
    // jmp to itself
    frames = Array.from({ length: 4 }, (_, n) => m.map({ va: page(n) }))
    for (const frame of frames) m.write(frame, Uint8Array.of(0xeb, 0xfe))
    remembered = new RememberedTlb()
    told = undefined
  })

  test('is told once, then what came since', () => {
    run(0)
    run(1)
    expect(tell()).toBe(2)
    run(2)
    expect(tell()).toBe(1)
    expect(tell()).toBe(0)
    expect([0, 1, 2, 3].map((n) => remembered.frame(page(n)))).toEqual([...frames.slice(0, 3), 0])
  })

  test('is told anew where a page may have gone', () => {
    run(0)
    run(1)
    tell()
    m.vcpu.flushPage(page(1))
    expect(tell()).toBe(1)
    expect([0, 1].map((n) => remembered.frame(page(n)))).toEqual([frames[0], 0])
    m.vcpu.flushExecuteTlb(true)
    run(3)
    expect(tell()).toBe(1)
    expect([0, 3].map((n) => remembered.frame(page(n)))).toEqual([0, frames[3]])
  })

  test('is told whole where it has more pages than are listed', () => {
    const frame = (frames[0] - m.host(0)) / 4096
    for (let n = 10; n < MANY; n++) m.map({ va: page(n), frame })
    for (let n = 10; n < MANY; n++) {
      m.vcpu.rip = page(n)
      m.runner.run(1)
    }
    tell()
    const last = page(MANY - 1)
    expect(remembered.frame(last)).toBe(frames[0])
    run(1)
    tell()
    expect(remembered.frame(page(1))).toBe(frames[1])
    expect(remembered.frame(last)).toBe(frames[0])
  })
})
