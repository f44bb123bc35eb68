import { beforeEach, describe, expect, it } from 'vitest'
import * as abi from '../../src/abi/sched.ts'
import { __HYPERVISOR_sched_op as NR, vcpu_info } from '../../src/abi/xen.ts'
import { DOMAIN, DOMAIN_RUNNING, DOMAIN_SHUTDOWN, VCPU, VCPU_BLOCKED } from '../../src/domain/domain-state.ts'
import { setUpcallPending, vcpuInfoOffset } from '../../src/domain/vcpu-info.ts'
import { expireTimers, nextDeadline } from '../../src/time/timers.ts'
import { Machine } from '../pv-kit/machine.ts'
import { HOLE_PFN, MemoryDomain, va } from '../pv-kit/memory-domain.ts'

const EPERM = -1
const EFAULT = -14
const EINVAL = -22
const _ENOSPC = -28
const ENOSYS = -38

let machine: Machine
let d1: MemoryDomain

beforeEach(() => {
  machine = new Machine()
  d1 = machine.add(new MemoryDomain(1))
  for (let vcpu = 0; vcpu < 4; vcpu++) setMask(vcpu, 1)
})

function setMask(vcpu: number, value: number): void {
  d1.memory.bytes[vcpuInfoOffset(d1, vcpu) + vcpu_info.evtchn_upcall_mask.offset] = value
}
const maskOf = (vcpu: number) => d1.memory.bytes[vcpuInfoOffset(d1, vcpu) + vcpu_info.evtchn_upcall_mask.offset]
const blocked = (vcpu: number) => (VCPU.flags.load(d1.state.memory, d1.state.vcpu(vcpu)) & VCPU_BLOCKED) !== 0
const lifecycle = () => [DOMAIN.lifecycle.load(d1.state.memory, 0), DOMAIN.shutdownReason.load(d1.state.memory, 0)]

describe('sched_op', () => {
  it('yields', () => {
    expect(machine.call(d1, 2, NR, abi.SCHEDOP_yield)).toBe(0)
    expect(machine.asked()).toEqual(['yield d1v2'])
  })

  it('blocks with the upcall mask open until an event comes', () => {
    expect(machine.call(d1, 1, NR, abi.SCHEDOP_block)).toBe(0)
    expect([maskOf(1), blocked(1), machine.asked()]).toEqual([0, true, ['deschedule d1v1']])
    const port = machine.events.bindIpi(d1, 1)
    machine.events.send(d1, port)
    expect([blocked(1), machine.asked()]).toEqual([false, ['wake d1v1']])
  })

  it('does not sleep with an event to take', () => {
    setUpcallPending(d1, 1)
    expect(machine.call(d1, 1, NR, abi.SCHEDOP_block)).toBe(0)
    expect([maskOf(1), blocked(1), machine.asked()]).toEqual([0, false, ['wake d1v1']])
  })

  function poll(ports: number[], timeout = 0n): number {
    const list = new Uint8Array(new Uint32Array(ports).buffer)
    d1.poke(va(2), list)
    const values = { ports: va(2), nr_ports: ports.length, timeout }
    return machine.op(d1, NR, abi.SCHEDOP_poll, abi.sched_poll, values, { vcpu: 1 }).result
  }

  it('polls one port of several until it is pending, masked as the upcall is', () => {
    const [first, second, other] = [0, 0, 2].map((vcpu) => machine.events.bindIpi(d1, vcpu)) as [number, number, number]
    expect(poll([first, second])).toBe(0)
    expect([blocked(1), maskOf(1), machine.asked()]).toEqual([true, 1, ['deschedule d1v1']])
    machine.events.send(d1, second)
    expect([blocked(1), machine.asked()]).toEqual([false, ['wake d1v1']])
    // Pending already: nothing to wait for.
    expect([poll([other, second]), blocked(1)]).toEqual([0, false])
    machine.asked()
    expect([poll([other]), blocked(1)]).toEqual([0, true])
    machine.events.send(d1, first)
    expect(blocked(1)).toBe(true)
    machine.events.send(d1, other)
    expect(blocked(1)).toBe(false)
  })

  it('is not woken from a block by what it polled for before', () => {
    const port = machine.events.bindIpi(d1, 0)
    poll([port])
    machine.events.send(d1, port)
    d1.ports.clearPending(port)
    machine.asked()
    machine.call(d1, 1, NR, abi.SCHEDOP_block)
    machine.events.send(d1, port)
    expect([blocked(1), machine.asked()]).toEqual([true, ['deschedule d1v1']])
  })

  it('polls until a time', () => {
    const port = machine.events.bindIpi(d1, 0)
    expect([poll([port], machine.clock.time), blocked(1)]).toEqual([0, false])
    expect([poll([port], machine.clock.time + 500n), blocked(1)]).toEqual([0, true])
    expect(nextDeadline(d1, 1)).toBe(machine.clock.time + 500n)
    expireTimers(d1, 1, machine.clock.time + 499n, machine.services)
    expect(blocked(1)).toBe(true)
    expireTimers(d1, 1, machine.clock.time + 500n, machine.services)
    expect([blocked(1), nextDeadline(d1, 1)]).toEqual([false, -1n])
  })

  it('refuses ports that cannot be, and lists too long or unreadable', () => {
    expect([poll([0]), poll([4096]), poll([0xffff_ffff]), poll(Array(129).fill(1))]).toEqual(Array(4).fill(EINVAL))
    const values = { ports: va(HOLE_PFN), nr_ports: 1, timeout: 0 }
    expect(machine.op(d1, NR, abi.SCHEDOP_poll, abi.sched_poll, values).result).toBe(EFAULT)
    expect(blocked(1)).toBe(false)
  })

  it('shuts the domain down and keeps the first reason', () => {
    const shutdown = (reason: number, args: (number | 'arg')[] = ['arg']) =>
      machine.op(d1, NR, abi.SCHEDOP_shutdown, abi.sched_shutdown, { reason }, { args }).result
    expect(lifecycle()).toEqual([DOMAIN_RUNNING, -1])
    expect(shutdown(abi.SHUTDOWN_suspend, ['arg', 0x123])).toBe(0)
    expect(lifecycle()).toEqual([DOMAIN_SHUTDOWN, abi.SHUTDOWN_suspend])
    expect(DOMAIN.suspendRecord.load(d1.state.memory, 0)).toBe(0x123n)
    expect(machine.asked()).toEqual(['stopped d1'])
    shutdown(abi.SHUTDOWN_crash)
    expect([lifecycle(), machine.asked()]).toEqual([[DOMAIN_SHUTDOWN, abi.SHUTDOWN_suspend], []])
  })

  it('records a reason beforehand', () => {
    const op = (cmd: number, reason: number) => machine.op(d1, NR, cmd, abi.sched_shutdown, { reason }).result
    expect(op(abi.SCHEDOP_shutdown_code, abi.SHUTDOWN_crash)).toBe(0)
    expect(lifecycle()).toEqual([DOMAIN_RUNNING, abi.SHUTDOWN_crash])
    op(abi.SCHEDOP_shutdown, abi.SHUTDOWN_reboot)
    expect(lifecycle()).toEqual([DOMAIN_SHUTDOWN, abi.SHUTDOWN_crash])
  })

  it('has two watchdogs, which take the domain down', () => {
    const watchdog = (id: number, timeout: number) =>
      machine.op(d1, NR, abi.SCHEDOP_watchdog, abi.sched_watchdog, { id, timeout }).result
    expect([watchdog(1, 5), watchdog(3, 5)]).toEqual([EINVAL, EINVAL])
    expect([watchdog(0, 5), watchdog(0, 9), watchdog(0, 1)]).toEqual([1, 2, 2 ** 32 - 28])
    expect([watchdog(1, 7), watchdog(2, 0), watchdog(2, 3)]).toEqual([0, 0, EINVAL])
    expireTimers(d1, 0, machine.clock.time + 6_999_999_999n, machine.services)
    expect(lifecycle()[0]).toBe(DOMAIN_RUNNING)
    expireTimers(d1, 0, machine.clock.time + 7_000_000_000n, machine.services)
    expect(lifecycle()).toEqual([DOMAIN_SHUTDOWN, abi.SHUTDOWN_watchdog])
  })

  it('shuts down at once by a watchdog without time', () => {
    const { result } = machine.op(d1, NR, abi.SCHEDOP_watchdog, abi.sched_watchdog, { id: 0, timeout: 0 })
    expect(result).toBe(1)
    expireTimers(d1, 0, machine.clock.time, machine.services)
    expect(lifecycle()).toEqual([DOMAIN_SHUTDOWN, abi.SHUTDOWN_watchdog])
  })

  it('refuses what is for others', () => {
    expect(machine.call(d1, 0, NR, abi.SCHEDOP_remote_shutdown, va(1))).toBe(EPERM)
    expect(machine.call(d1, 0, NR, abi.SCHEDOP_pin_override, va(1))).toBe(EPERM)
    expect(machine.call(d1, 0, NR, 77, va(1))).toBe(ENOSYS)
  })
})
