import { beforeEach, describe, expect, it } from 'vitest'
import * as abi from '../../src/abi/event-channel.ts'
import type { Embedded } from '../../src/abi/struct.ts'
import {
  DOMID_SELF,
  __HYPERVISOR_event_channel_op as NR,
  shared_info,
  VIRQ_CONSOLE,
  VIRQ_TIMER,
} from '../../src/abi/xen.ts'
import { CHANNEL } from '../../src/domain/domain-state.ts'
import { upcallDue, upcallPending } from '../../src/domain/vcpu-info.ts'
import { ECS_IPI, packBinding } from '../../src/event-channel/binding.ts'
import { Machine } from '../pv-kit/machine.ts'
import { gmfnOf, HOLE_PFN, MemoryDomain, READ_ONLY_PFN, va } from '../pv-kit/memory-domain.ts'
import type { Values } from '../pv-kit/struct-values.ts'

const EPERM = -1
const ENOENT = -2
const ESRCH = -3
const EFAULT = -14
const EEXIST = -17
const EINVAL = -22
const ENOSPC = -28
const _ENOSYS = -38

let machine: Machine
let d1: MemoryDomain
let d2: MemoryDomain

beforeEach(() => {
  machine = new Machine()
  d1 = machine.add(new MemoryDomain(1))
  d2 = machine.add(new MemoryDomain(2))
})

/** `[result, ...fields asked for]` */
function evtchn(domain: MemoryDomain, cmd: number, struct: Embedded, values: Values, ...fields: string[]): unknown[] {
  const { result, fields: read } = machine.op(domain, NR, cmd, struct, values)
  return [result, ...read(...fields)]
}

const alloc = (domain: MemoryDomain, remote_dom: number, dom = DOMID_SELF) =>
  evtchn(domain, abi.EVTCHNOP_alloc_unbound, abi.evtchn_alloc_unbound, { dom, remote_dom }, 'port')
const bind = (domain: MemoryDomain, remote_dom: number, remote_port: number) =>
  evtchn(domain, abi.EVTCHNOP_bind_interdomain, abi.evtchn_bind_interdomain, { remote_dom, remote_port }, 'local_port')
const bindVirq = (virq: number, vcpu: number) =>
  evtchn(d1, abi.EVTCHNOP_bind_virq, abi.evtchn_bind_virq, { virq, vcpu }, 'port')
const bindIpi = (vcpu: number) => evtchn(d1, abi.EVTCHNOP_bind_ipi, abi.evtchn_bind_ipi, { vcpu }, 'port')
const close = (domain: MemoryDomain, port: number) => evtchn(domain, abi.EVTCHNOP_close, abi.evtchn_close, { port })[0]
const send = (domain: MemoryDomain, port: number) => evtchn(domain, abi.EVTCHNOP_send, abi.evtchn_send, { port })[0]
const unmask = (port: number) => evtchn(d1, abi.EVTCHNOP_unmask, abi.evtchn_unmask, { port })[0]
const bindVcpu = (port: number, vcpu: number) =>
  evtchn(d1, abi.EVTCHNOP_bind_vcpu, abi.evtchn_bind_vcpu, { port, vcpu })[0]
const status = (domain: MemoryDomain, port: number, ...fields: string[]) =>
  evtchn(domain, abi.EVTCHNOP_status, abi.evtchn_status, { dom: DOMID_SELF, port }, 'status', ...fields)

/** Sets or clears the guest's mask bit of a port. */
function mask(domain: MemoryDomain, port: number, masked: boolean): void {
  const word = (domain.memory.frameOffset(gmfnOf(95)) + shared_info.evtchn_mask.offset) / 4 + (port >> 5)
  const bit = 1 << (port & 31)
  if (masked) Atomics.or(domain.memory.words, word, bit)
  else Atomics.and(domain.memory.words, word, ~bit)
}

describe('event_channel_op', () => {
  it('joins two guests, the new end pending, and carries events both ways', () => {
    expect(alloc(d1, 2)).toEqual([0, 1])
    expect(status(d1, 1, 'u.unbound.dom')).toEqual([0, abi.EVTCHNSTAT_unbound, 2])
    expect(bind(d2, 1, 1)).toEqual([0, 1])
    expect(d2.ports.isPending(1)).toBe(true)
    expect(status(d1, 1, 'u.interdomain.dom', 'u.interdomain.port')).toEqual([0, abi.EVTCHNSTAT_interdomain, 2, 1])
    expect(d1.ports.isPending(1)).toBe(false)
    expect(send(d2, 1)).toBe(0)
    expect(d1.ports.isPending(1)).toBe(true)
    expect(upcallDue(d1, 0)).toBe(true)
  })

  it('falls back to unbound when the other end closes, and can be bound again', () => {
    alloc(d1, 2)
    bind(d2, 1, 1)
    expect(close(d2, 1)).toBe(0)
    expect(d2.ports.isPending(1)).toBe(false)
    expect(status(d1, 1, 'u.unbound.dom')).toEqual([0, abi.EVTCHNSTAT_unbound, 2])
    expect(send(d1, 1)).toBe(0)
    expect(bind(d2, 1, 1)).toEqual([0, 1])
  })

  it('refuses what is not there, not waiting, or waits for another', () => {
    expect(bind(d2, 1, 1)[0]).toBe(EINVAL)
    expect(bind(d2, 77, 1)[0]).toBe(ESRCH)
    alloc(d1, 0)
    expect(bind(d2, 1, 1)[0]).toBe(EINVAL)
    expect([bind(d2, 1, 0)[0], send(d1, 0), close(d1, 0), bindVcpu(0, 0)]).toEqual(Array(4).fill(EINVAL))
    expect([unmask(0), status(d1, 0)]).toEqual([0, [0, abi.EVTCHNSTAT_closed]])
    // Ports past the last bucket of 64 that was begun are not there at all.
    for (const port of [64, 4096, 0xffff_ffff]) {
      expect(bind(d2, 1, port)[0]).toBe(EINVAL)
      expect([send(d1, port), close(d1, port), unmask(port), status(d1, port)[0], bindVcpu(port, 0)]).toEqual(
        Array(5).fill(EINVAL),
      )
    }
    expect([send(d1, 9), close(d1, 9), bindVcpu(9, 0)]).toEqual([EINVAL, EINVAL, EINVAL])
    expect(alloc(d1, 2, 2)[0]).toBe(EPERM)
    expect([alloc(d1, 2, 77)[0], alloc(d1, 0x8000)[0]]).toEqual([ESRCH, 0])
    expect(status(d1, 9)).toEqual([0, abi.EVTCHNSTAT_closed])
  })

  it('gives a VIRQ one port, and a VIRQ of a vCPU one on each', () => {
    expect(bindVirq(VIRQ_TIMER, 0)).toEqual([0, 1])
    expect(bindVirq(VIRQ_TIMER, 0)[0]).toBe(EEXIST)
    expect(bindVirq(VIRQ_TIMER, 3)).toEqual([0, 2])
    expect(bindVirq(VIRQ_TIMER, 4)[0]).toBe(ENOENT)
    expect(bindVirq(VIRQ_CONSOLE, 1)[0]).toBe(EINVAL)
    expect(bindVirq(24, 0)[0]).toBe(EINVAL)
    expect(status(d1, 2, 'vcpu', 'u.virq')).toEqual([0, abi.EVTCHNSTAT_virq, 3, VIRQ_TIMER])
    machine.events.raiseVirq(d1, 3, VIRQ_TIMER)
    expect([d1.ports.isPending(1), d1.ports.isPending(2)]).toEqual([false, true])
    expect([upcallPending(d1, 0), upcallPending(d1, 3)]).toEqual([false, true])
    expect(send(d1, 1)).toBe(EINVAL)
    expect(close(d1, 1)).toBe(0)
    expect(bindVirq(VIRQ_TIMER, 0)).toEqual([0, 1])
  })

  it('sends an IPI to the vCPU it was bound for, and keeps it there', () => {
    expect(bindIpi(2)).toEqual([0, 1])
    expect(bindIpi(4)[0]).toBe(ENOENT)
    expect(send(d1, 1)).toBe(0)
    expect([upcallPending(d1, 0), upcallPending(d1, 2)]).toEqual([false, true])
    expect(bindVcpu(1, 0)).toBe(EINVAL)
  })

  it('tells the vCPU a port was moved to', () => {
    alloc(d1, 2)
    bind(d2, 1, 1)
    expect([bindVcpu(1, 4), bindVcpu(1, 1)]).toEqual([ENOENT, 0])
    send(d2, 1)
    expect([upcallPending(d1, 0), upcallPending(d1, 1)]).toEqual([false, true])
  })

  it('holds a masked event until it is unmasked', () => {
    bindIpi(1)
    mask(d1, 1, true)
    send(d1, 1)
    expect([d1.ports.isPending(1), upcallPending(d1, 1)]).toEqual([true, false])
    expect(unmask(1)).toBe(0)
    expect([d1.ports.isMasked(1), upcallPending(d1, 1)]).toEqual([false, true])
  })

  it('has no upcall for a port that was unmasked while nothing is pending', () => {
    bindIpi(1)
    mask(d1, 1, true)
    expect(unmask(1)).toBe(0)
    expect(upcallPending(d1, 1)).toBe(false)
  })

  it('runs out of ports', () => {
    const { memory } = d1.state
    for (let port = 1; port < 4095; port++) CHANNEL.binding.store(memory, d1.state.channel(port), packBinding(ECS_IPI))
    expect(alloc(d1, 0)).toEqual([0, 4095])
    expect(alloc(d1, 0)[0]).toBe(ENOSPC)
    expect(evtchn(d1, abi.EVTCHNOP_reset, abi.evtchn_reset, { dom: DOMID_SELF })[0]).toBe(0)
    expect(alloc(d1, 0)).toEqual([0, 1])
  })

  it('resets only the caller', () => {
    alloc(d2, 1)
    expect(evtchn(d1, abi.EVTCHNOP_reset, abi.evtchn_reset, { dom: 2 })[0]).toBe(EPERM)
    expect(status(d2, 1)[1]).toBe(abi.EVTCHNSTAT_unbound)
  })

  it('makes no port when the answer cannot be written', () => {
    const call = (pfn: number) => machine.call(d1, 0, NR, abi.EVTCHNOP_alloc_unbound, va(pfn))
    d1.poke(va(1), new Uint8Array([0xf0, 0x7f]))
    expect([call(HOLE_PFN), call(READ_ONLY_PFN)]).toEqual([EFAULT, EFAULT])
    expect(alloc(d1, 0)).toEqual([0, 1])
  })
})
