import { beforeEach, describe, expect, it } from 'vitest'
import * as memory from '../../src/abi/memory.ts'
import { __HYPERVISOR_memory_op, DOMID_SELF } from '../../src/abi/xen.ts'
import { DOMAIN } from '../../src/domain/domain-state.ts'
import { Machine } from '../pv-kit/machine.ts'
import { gmfnOf, HOLE_PFN, MemoryDomain, PFNS, va } from '../pv-kit/memory-domain.ts'

const EPERM = -1
const ESRCH = -3
const ENOMEM = -12
const EFAULT = -14
const EINVAL = -22

let machine: Machine
let d1: MemoryDomain
beforeEach(() => {
  machine = new Machine()
  d1 = machine.add(new MemoryDomain(1))
})

const poke = (at: bigint, values: readonly number[]) =>
  d1.poke(at, new Uint8Array(new BigUint64Array(values.map(BigInt)).buffer))
const words = (at: bigint, count: number) =>
  Array.from({ length: count }, (_, i) => Number(d1.peek(at, count * 8).getBigUint64(i * 8, true)))
const total = () => DOMAIN.totPages.load(d1.state.memory, 0)

/** Frames that nothing maps, as pseudo-physical pages from 1000 on. */
const spare = (count: number) => Array.from({ length: count }, (_, i) => d1.frames.populate(1000 + i))

interface Asked {
  readonly give: readonly number[]
  readonly inOrder?: number
  readonly get: readonly number[]
  readonly outOrder?: number
  readonly more?: Record<string, number | bigint>
}

/** `[result, nr_exchanged]` */
function exchange({ give, inOrder = 0, get, outOrder = 0, more = {} }: Asked): (number | bigint)[] {
  poke(va(7), give)
  poke(va(8), get)
  const list = { domid: DOMID_SELF, mem_flags: 0 }
  const { result, fields } = machine.op(
    d1,
    __HYPERVISOR_memory_op,
    memory.XENMEM_exchange,
    memory.xen_memory_exchange,
    {
      in: { ...list, extent_start: more.list ?? va(7), nr_extents: BigInt(give.length), extent_order: inOrder },
      out: {
        ...list,
        extent_start: more.out ?? va(8),
        nr_extents: BigInt(get.length),
        extent_order: outOrder,
        domid: more.domid ?? DOMID_SELF,
      },
      nr_exchanged: more.done ?? 0n,
    },
  )
  return [result, ...fields('nr_exchanged')]
}

describe('XENMEM_exchange', () => {
  it('gives one frame for another, which is zero and has its place in the M2P', () => {
    const [frame = 0] = spare(1)
    expect(exchange({ give: [frame], get: [1000] })).toEqual([0, 1n])
    const [fresh = 0] = words(va(8), 1)
    expect([d1.frame(frame).kind, d1.frame(fresh).pfn, total()]).toEqual([0, 1000, PFNS + 1])
  })

  it('makes four frames one extent of order 2, and four of it again', () => {
    const frames = spare(4)
    expect(exchange({ give: frames, get: [1000], outOrder: 2 })).toEqual([0, 4n])
    const [first = 0] = words(va(8), 1)
    expect([first % 4, [0, 1, 2, 3].map((i) => d1.frame(first + i).pfn)]).toEqual([0, [1000, 1001, 1002, 1003]])
    expect(exchange({ give: [first], inOrder: 2, get: [2000, 2001, 2002, 2003] })).toEqual([0, 1n])
    expect([words(va(8), 4).map((gmfn) => d1.frame(gmfn).pfn), total()]).toEqual([[2000, 2001, 2002, 2003], PFNS + 4])
  })

  it('enters the call anew for each chunk, and goes on where the structure says', () => {
    const frames = spare(4)
    expect(exchange({ give: frames, get: [1000, 1002], outOrder: 1 })).toEqual([0, 4n])
    expect(machine.detours).toEqual(['continue'])
    const again = words(va(8), 2)
    expect(exchange({ give: again, inOrder: 1, get: [0, 0, 7, 8], more: { done: 1n } })).toEqual([0, 2n])
    expect([words(va(8), 4).slice(0, 2), d1.frame(again[0] ?? 0).kind]).toEqual([[0, 0], 1])
  })

  it('stops at a frame in use, and says how far it came', () => {
    const frames = spare(2)
    expect(exchange({ give: [...frames, gmfnOf(3)], get: [1, 2, 3] })).toEqual([EINVAL, 2n])
    expect(exchange({ give: [9, 9], get: [1], outOrder: 1 })).toEqual([EINVAL, 0n])
    const [twice = 0] = words(va(8), 1)
    expect(exchange({ give: [twice, twice], get: [1], outOrder: 1 })).toEqual([EINVAL, 0n])
    expect(total()).toBe(PFNS + 2)
  })

  it('has nothing to give where no frames lie side by side, and takes nothing then', () => {
    const frames = Array.from({ length: 16 }, () => d1.frames.populate(-1))
    DOMAIN.maxPages.store(d1.state.memory, 0, 90)
    // Every eighth frame of what is left stays taken.
    const rest = Array.from({ length: 54 }, () => d1.frames.populate(-1)).filter((gmfn) => gmfn >= 0)
    for (const gmfn of rest) if (gmfn % 8 !== 0) d1.frames.release(gmfn)
    const before = total()
    expect(exchange({ give: frames, get: [1], outOrder: 4 })).toEqual([ENOMEM, 0n])
    expect([total(), frames.every((gmfn) => d1.frame(gmfn).kind === 1)]).toEqual([before, true])
  })

  it.each<[string, Asked, number]>([
    ['sizes that differ', { give: [1, 2], get: [1] }, EINVAL],
    ['more done than there is', { give: [1], get: [1], more: { done: 2n } }, EINVAL],
    ['two domains', { give: [1], get: [1], more: { domid: 2 } }, EINVAL],
    ['an order that is too large', { give: [1], inOrder: 10, get: [1], outOrder: 10 }, EPERM],
    ['a list of the hypervisor', { give: [1], get: [1], more: { list: 0xffff_8300_0000_0000n } }, EFAULT],
    ['a list that is not there', { give: [1], get: [1], more: { list: va(HOLE_PFN) } }, EFAULT],
  ])('refuses %s', (_what, asked, error) => {
    expect(exchange(asked)[0]).toBe(error)
  })

  it('asks whose frames they are', () => {
    const values = { in: { domid: 77, nr_extents: 1n }, out: { domid: 77, nr_extents: 1n } }
    const op = (values: Record<string, Record<string, number | bigint>>) =>
      machine.op(d1, __HYPERVISOR_memory_op, memory.XENMEM_exchange, memory.xen_memory_exchange, values).result
    expect(op(values)).toBe(ESRCH)
    expect(op({ in: { nr_extents: 1n }, out: { nr_extents: 1n } })).toBe(EPERM)
  })
})
