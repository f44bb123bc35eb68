import { beforeEach, describe, expect, it } from 'vitest'
import * as abi from '../../src/abi/event-channel.ts'
import { type Embedded, offsetof } from '../../src/abi/struct.ts'
import { DOMID_SELF, __HYPERVISOR_event_channel_op as NR } from '../../src/abi/xen.ts'
import { upcallPending } from '../../src/domain/vcpu-info.ts'
import { Machine } from '../pv-kit/machine.ts'
import { gmfnOf, MemoryDomain, READ_ONLY_PFN } from '../pv-kit/memory-domain.ts'
import type { Values } from '../pv-kit/struct-values.ts'

const ENOENT = -2
const EACCES = -13
const EINVAL = -22
const EOPNOTSUPP = -95
const ENOSYS = -38
const PENDING = 1 << 31
const MASKED = 1 << 30
const LINKED = 1 << 29
const BUSY = 1 << 28
const CONTROL_PFN = 10
const WORDS_PFN = 12

let machine: Machine
let d1: MemoryDomain
beforeEach(() => {
  machine = new Machine()
  d1 = machine.add(new MemoryDomain(1))
})

const op = (cmd: number, struct: Embedded, values: Values) => machine.op(d1, NR, cmd, struct, values)
const init = (vcpu: number, offset = vcpu * 256, pfn = CONTROL_PFN) =>
  op(abi.EVTCHNOP_init_control, abi.evtchn_init_control, { control_gfn: BigInt(gmfnOf(pfn)), offset, vcpu })
const expand = (pfn = WORDS_PFN) =>
  op(abi.EVTCHNOP_expand_array, abi.evtchn_expand_array, { array_gfn: BigInt(gmfnOf(pfn)) }).result
const setPriority = (port: number, priority: number) =>
  op(abi.EVTCHNOP_set_priority, abi.evtchn_set_priority, { port, priority }).result
const send = (port: number) => machine.events.send(d1, port)
const ipi = (vcpu: number) => machine.events.bindIpi(d1, vcpu)

/** Where a port's word is, and a word of a vCPU's control block. */
const at = (port: number) => d1.memory.frameOffset(gmfnOf(WORDS_PFN)) / 4 + port
const block = (vcpu: number) => d1.memory.frameOffset(gmfnOf(CONTROL_PFN)) / 4 + vcpu * 64
const word = (port: number) => d1.memory.words[at(port)]
const ready = (vcpu: number) => d1.memory.words[block(vcpu)]
const head = (vcpu: number, priority: number) =>
  d1.memory.words[block(vcpu) + (offsetof(abi.evtchn_fifo_control_block.head) >> 2) + priority]

/** Takes the first event of a queue as a guest does. */
function take(vcpu: number, priority: number): number {
  const { words } = d1.memory
  Atomics.and(words, block(vcpu), ~(1 << priority))
  const port = head(vcpu, priority) as number
  words[block(vcpu) + 2 + priority] = (word(port) as number) & 0x1ffff
  Atomics.and(words, at(port), ~(LINKED | 0x1ffff | PENDING))
  return port
}

describe('entering the FIFO ABI', () => {
  it('needs a frame that may be written, inside it, for a vCPU that is there, once', () => {
    expect(expand()).toBe(EOPNOTSUPP)
    expect(setPriority(ipi(0), 3)).toBe(ENOSYS)
    expect(
      [init(4), init(0, 4), init(0, 4032), init(0, 0, READ_ONLY_PFN), init(0, 0, 9999)].map((a) => a.result),
    ).toEqual([ENOENT, EINVAL, EINVAL, EINVAL, EINVAL])
    const { result, fields } = init(0)
    expect([result, ...fields('link_bits'), init(0).result, init(1).result]).toEqual([0, 17, EINVAL, 0])
    expect([expand(READ_ONLY_PFN), expand()]).toEqual([EINVAL, 0])
    expect(d1.frame(gmfnOf(WORDS_PFN)).references).toBe(1)
  })

  it('keeps what was pending before, and what is sent before there are words', () => {
    const [early, late] = [ipi(0), ipi(1)]
    send(early)
    init(0)
    init(1)
    send(late)
    expect(d1.ports.isPending(late)).toBe(false)
    expand()
    expect([word(early), word(late)]).toEqual([PENDING | LINKED, PENDING | LINKED])
    expect([head(0, 7), head(1, 7), upcallPending(d1, 1)]).toEqual([early, late, true])
  })

  it('is left by a reset, with its frames let go', () => {
    init(0)
    expand()
    expect(op(abi.EVTCHNOP_reset, abi.evtchn_reset, { dom: DOMID_SELF }).result).toBe(0)
    expect([CONTROL_PFN, WORDS_PFN].map((pfn) => d1.frame(gmfnOf(pfn)).references)).toEqual([0, 0])
    const port = ipi(0)
    send(port)
    expect([d1.ports.isFifo, d1.ports.twoLevel.isPending(port), init(0).result]).toEqual([false, true, 0])
  })
})

describe('events of the FIFO ABI', () => {
  beforeEach(() => {
    for (let vcpu = 0; vcpu < 3; vcpu++) init(vcpu)
    expand()
  })

  it('queue in the order they come, with one upcall', () => {
    const ports = [ipi(1), ipi(1), ipi(1)] as const
    for (const port of ports) send(port)
    expect([ready(1), head(1, 7), upcallPending(d1, 1), upcallPending(d1, 0)]).toEqual([1 << 7, ports[0], true, false])
    expect(ports.map(word)).toEqual([PENDING | LINKED | ports[1], PENDING | LINKED | ports[2], PENDING | LINKED])
    expect([send(ports[0]), take(1, 7), take(1, 7), take(1, 7)]).toEqual([0, ...ports])
  })

  it('of a port that another has now are not in the way of the queue it was in, as when a vCPU went down and came back', () => {
    const old = ipi(1)
    send(old)
    expect([take(1, 7), machine.events.close(d1, old), ipi(0)]).toEqual([old, 0, old])
    send(old)
    const other = ipi(1)
    send(other)
    expect([head(0, 7), head(1, 7), ready(1), word(old)]).toEqual([old, other, 1 << 7, PENDING | LINKED])
  })

  it('go to the queue of their priority from the next time on', () => {
    const [a, b] = [ipi(0), ipi(0)]
    expect([setPriority(a, 16), setPriority(0, 3), setPriority(99, 3), setPriority(a, 2)]).toEqual([
      EINVAL,
      EACCES,
      EINVAL,
      0,
    ])
    send(b)
    send(a)
    expect([ready(0), head(0, 2), head(0, 7)]).toEqual([(1 << 2) | (1 << 7), a, b])
    setPriority(b, 0)
    take(0, 7)
    send(b)
    expect([head(0, 0), (ready(0) as number) & 1]).toEqual([b, 1])
  })

  it('leave no trace of themselves in the queue they moved from', () => {
    const port = machine.events.allocUnbound(d1, DOMID_SELF, 0)
    const other = ipi(0)
    machine.events.setPending(d1, port)
    expect(take(0, 7)).toBe(port)
    machine.events.bindVcpu(d1, port, 2)
    machine.events.setPending(d1, port)
    // Had port stayed the tail of vCPU 0's queue, this event would be linked behind it and be lost there.
    send(other)
    expect([head(2, 7), head(0, 7), (word(port) as number) & 0x1ffff]).toEqual([port, other, 0])
  })

  it('wait while masked, and are told of by unmask', () => {
    const port = ipi(0)
    d1.memory.words[at(port)] = MASKED
    send(port)
    expect([word(port), upcallPending(d1, 0)]).toEqual([PENDING | MASKED, false])
    expect([machine.events.unmask(d1, port), word(port), head(0, 7)]).toEqual([0, PENDING | LINKED, port])
    expect(upcallPending(d1, 0)).toBe(true)
  })

  it('do not give a port away that is still in a queue', () => {
    const port = ipi(0)
    send(port)
    machine.events.close(d1, port)
    expect(word(port)).toBe(LINKED)
    expect(ipi(0)).not.toBe(port)
    take(0, 7)
    expect(ipi(0)).toBe(port)
  })

  it('for a vCPU without a control block are pending and go no further', () => {
    const port = ipi(3)
    expect([send(port), word(port), upcallPending(d1, 3)]).toEqual([0, PENDING, false])
  })

  it.each([0x1ffff, LINKED | 0x1ffff, BUSY | LINKED, MASKED | LINKED | BUSY, PENDING | LINKED | 7, -1])(
    'survive a guest that writes 0x%x into a word',
    (nonsense) => {
      const [a, b] = [ipi(0), ipi(0)]
      send(a)
      d1.memory.words[at(a)] = nonsense
      expect(send(b)).toBe(0)
      expect(send(a)).toBe(0)
      for (let i = 0; i < 16; i++) d1.memory.words[block(0) + i] = nonsense
      expect([send(b), machine.events.unmask(d1, a), machine.events.close(d1, a)]).toEqual([0, 0, 0])
    },
  )
})
