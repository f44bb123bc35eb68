import { beforeEach, describe, expect, it } from 'vitest'
import { vcpu_guest_context } from '../../src/abi/arch-x86/xen-x86-64.ts'
import type { Embedded } from '../../src/abi/struct.ts'
import * as abi from '../../src/abi/vcpu.ts'
import {
  __HYPERVISOR_set_timer_op,
  __HYPERVISOR_vcpu_op as NR,
  VIRQ_TIMER,
  VMASST_TYPE_runstate_update_flag,
  vcpu_info,
  vcpu_time_info,
} from '../../src/abi/xen.ts'
import { DOMAIN, DOMAIN_SHUTDOWN, VCPU } from '../../src/domain/domain-state.ts'
import { changeRunstate, refreshAreas } from '../../src/domain/runstate.ts'
import { upcallPending, vcpuInfoOffset } from '../../src/domain/vcpu-info.ts'
import { expireTimers, nextDeadline } from '../../src/time/timers.ts'
import { Machine } from '../pv-kit/machine.ts'
import { gmfnOf, HOLE_PFN, MemoryDomain, READ_ONLY_PFN, va } from '../pv-kit/memory-domain.ts'
import { readStruct, type Values } from '../pv-kit/struct-values.ts'

const ENOENT = -2
const ENXIO = -6
const EFAULT = -14
const EEXIST = -17
const EINVAL = -22
const ENOSYS = -38
const _ETIME = -62

let machine: Machine
let d1: MemoryDomain

beforeEach(() => {
  machine = new Machine()
  d1 = machine.add(new MemoryDomain(1))
})

const plain = (cmd: number, vcpu: number, caller = 0) => machine.call(d1, caller, NR, cmd, vcpu)
const withArg = (cmd: number, vcpu: number, struct: Embedded, values: Values, caller = 0) =>
  machine.op(d1, NR, cmd, struct, values, { vcpu: caller, args: [vcpu, 'arg'] })

function bringUp(vcpu: number): void {
  withArg(abi.VCPUOP_initialise, vcpu, vcpu_guest_context, { flags: 4 })
  plain(abi.VCPUOP_up, vcpu)
}

describe('vcpu_op', () => {
  it('counts the vCPUs there may be, up or not', () => {
    const answers = [0, 1, 3, 4, 8191, 0xffff_ffff].map((vcpu) => plain(abi.VCPUOP_is_up, vcpu))
    expect(answers).toEqual([1, 0, 0, ENOENT, ENOENT, ENOENT])
  })

  it('brings a vCPU up once it is initialised, which it is once', () => {
    expect(plain(abi.VCPUOP_up, 1)).toBe(EINVAL)
    const initialise = () => withArg(abi.VCPUOP_initialise, 1, vcpu_guest_context, { flags: 4 }).result
    expect([initialise(), initialise()]).toEqual([0, EEXIST])
    expect(machine.asked()).toEqual(['initialise d1v1 5168'])
    expect([plain(abi.VCPUOP_up, 1), plain(abi.VCPUOP_up, 1), plain(abi.VCPUOP_is_up, 1)]).toEqual([0, 0, 1])
    expect(machine.asked()).toEqual(['wake d1v1'])
    expect(machine.call(d1, 0, NR, abi.VCPUOP_initialise, 2, va(HOLE_PFN))).toBe(EFAULT)
  })

  it('takes vCPUs down, and with the last one the domain', () => {
    bringUp(1)
    machine.asked()
    expect(plain(abi.VCPUOP_down, 1, 1)).toBe(0)
    expect([plain(abi.VCPUOP_is_up, 1), machine.asked()]).toEqual([0, ['deschedule d1v1']])
    plain(abi.VCPUOP_up, 1)
    expect(plain(abi.VCPUOP_down, 1, 0)).toBe(0)
    expect(machine.asked()).toEqual(['wake d1v1', 'kick d1v1'])
    expect(plain(abi.VCPUOP_down, 0)).toBe(0)
    expect(machine.asked()).toEqual(['stopped d1'])
    expect(DOMAIN.lifecycle.load(d1.state.memory, 0)).toBe(DOMAIN_SHUTDOWN)
    expect(DOMAIN.shutdownReason.load(d1.state.memory, 0)).toBe(0)
  })

  const registerInfo = (vcpu: number, mfn: number | bigint, offset: number, caller = 0) =>
    withArg(abi.VCPUOP_register_vcpu_info, vcpu, abi.vcpu_register_vcpu_info, { mfn, offset }, caller).result

  it('moves a vcpu_info once, with all there is to look at', () => {
    d1.memory.bytes[vcpuInfoOffset(d1, 1) + vcpu_info.arch.cr2.offset] = 0x5a
    expect(registerInfo(1, gmfnOf(9), 128)).toBe(0)
    const info = d1.peek(va(9, 128), 64)
    expect(readStruct(vcpu_info, info, 'arch.cr2')).toBe(0x5an)
    expect(readStruct(vcpu_info, info, 'evtchn_pending_sel')).toBe(0xffff_ffff_ffff_ffffn)
    expect(readStruct(vcpu_info, info, 'evtchn_upcall_pending')).toBe(1)
    expect(d1.frame(gmfnOf(9)).references).toBe(1)
    expect(registerInfo(1, gmfnOf(9), 256)).toBe(EINVAL)
    machine.events.send(d1, machine.events.bindIpi(d1, 1))
    expect(upcallPending(d1, 1)).toBe(true)
  })

  it('takes no vcpu_info that crosses a page, is not on words, or is not the caller’s to give', () => {
    expect([
      registerInfo(1, gmfnOf(9), 4033),
      registerInfo(1, gmfnOf(9), 4),
      registerInfo(1, gmfnOf(9), 2 ** 31),
    ]).toEqual([ENXIO, ENXIO, ENXIO])
    const frames = [7, gmfnOf(60), gmfnOf(READ_ONLY_PFN), 2n ** 63n]
    expect(frames.map((mfn) => registerInfo(1, mfn, 0))).toEqual([EINVAL, EINVAL, EINVAL, EINVAL])
    bringUp(2)
    expect([registerInfo(2, gmfnOf(9), 0), registerInfo(2, gmfnOf(9), 0, 2)]).toEqual([EINVAL, 0])
  })

  it('tells the time spent in each state, now and at each change', () => {
    changeRunstate(d1, 1, abi.RUNSTATE_running, 1_000n)
    changeRunstate(d1, 1, abi.RUNSTATE_blocked, 1_600n)
    machine.clock.time = 2_000n
    const { fields } = withArg(abi.VCPUOP_get_runstate_info, 1, abi.vcpu_runstate_info, {})
    expect(fields('state', 'state_entry_time')).toEqual([abi.RUNSTATE_blocked, 1_600n])

    const h = va(3, 100)
    const register = { addr: { h } }
    expect(
      withArg(abi.VCPUOP_register_runstate_memory_area, 1, abi.vcpu_register_runstate_memory_area, register).result,
    ).toBe(0)
    const times = () => {
      const area = d1.peek(h, 48)
      return [area.getInt32(0, true), ...[8, 16, 24, 32, 40].map((at) => area.getBigUint64(at, true))]
    }
    expect(times()).toEqual([abi.RUNSTATE_blocked, 1_600n, 600n, 0n, 400n, 1_000n])
    DOMAIN.vmAssist.or(d1.state.memory, 0, 1 << VMASST_TYPE_runstate_update_flag)
    changeRunstate(d1, 1, abi.RUNSTATE_running, 2_100n)
    machine.clock.time = 2_150n
    expect(refreshAreas(d1, 1, machine.clock, d1.guest)).toBe(-1)
    expect(times()).toEqual([abi.RUNSTATE_running, 2_100n, 650n, 0n, 500n, 1_000n])
  })

  it('publishes the time in an area whose clock the guest can compute with', () => {
    machine.clock.time = 5_000_000_123n
    const register = (h: bigint) =>
      withArg(abi.VCPUOP_register_vcpu_time_memory_area, 0, abi.vcpu_register_time_memory_area, { addr: { h } }).result
    const inXen = 0xffff_8300_0000_0000n
    expect([register(inXen), register(1n << 63n), register(va(HOLE_PFN)), register(va(4))]).toEqual([
      EFAULT,
      EFAULT,
      0,
      0,
    ])
    const area = d1.peek(va(4), 32)
    const read = (field: string) => readStruct(vcpu_time_info, area, field)
    expect(['version', 'tsc_timestamp', 'tsc_shift', 'tsc_to_system_mul', 'flags'].map(read)).toEqual([
      2,
      5_000_000_123n,
      1,
      0x8000_0000,
      1,
    ])
    expect(read('system_time')).toBe(5_000_000_123n)

    // Nothing of it changes with the vCPU's runstate; VCPUOP_up says the time anew, before the vCPU runs.
    VCPU.runstateArea.store(d1.state.memory, d1.state.vcpu(0), BigInt.asIntN(64, va(3)))
    machine.clock.time = 6_000_000_000n
    const version = () => {
      expect(refreshAreas(d1, 0, machine.clock, d1.guest)).toBe(-1)
      return readStruct(vcpu_time_info, d1.peek(va(4), 32), 'version')
    }
    changeRunstate(d1, 0, abi.RUNSTATE_blocked, 6_000_000_000n)
    expect([version(), plain(abi.VCPUOP_up, 0), version(), version()]).toEqual([2, 0, 4, 4])
  })

  it('raises VIRQ_TIMER when the one-shot timer is due', () => {
    const port = machine.events.bindVirq(d1, VIRQ_TIMER, 0)
    const take = () => {
      const pending = d1.ports.isPending(port)
      d1.ports.clearPending(port)
      return pending
    }
    const set = (timeout_abs_ns: bigint, flags = 0, caller = 0) =>
      withArg(abi.VCPUOP_set_singleshot_timer, 0, abi.vcpu_set_singleshot_timer, { timeout_abs_ns, flags }, caller)
        .result
    plain(abi.VCPUOP_stop_periodic_timer, 0)
    const { time } = machine.clock
    expect([set(time + 100n), nextDeadline(d1, 0), take()]).toEqual([0, time + 100n, false])
    expireTimers(d1, 0, time + 99n, machine.services)
    expect(take()).toBe(false)
    expireTimers(d1, 0, time + 100n, machine.services)
    expect([take(), nextDeadline(d1, 0)]).toEqual([true, -1n])
    expect([set(time - 1n), take()]).toEqual([0, true])
    expect([set(2n ** 64n - 1n), take()]).toEqual([0, true])
    expect([set(time - 1n, abi.VCPU_SSHOTTMR_future), take()]).toEqual([0, true])
    expect([set(time + 1n, 0, 1), plain(abi.VCPUOP_stop_singleshot_timer, 0, 1)]).toEqual([EINVAL, EINVAL])
    set(time + 50n)
    expect([plain(abi.VCPUOP_stop_singleshot_timer, 0), nextDeadline(d1, 0)]).toEqual([0, -1n])
    expect([machine.call(d1, 0, __HYPERVISOR_set_timer_op, time + 7n), nextDeadline(d1, 0)]).toEqual([0, time + 7n])
    expect([machine.call(d1, 0, __HYPERVISOR_set_timer_op, 0), nextDeadline(d1, 0)]).toEqual([0, -1n])
    expect([machine.call(d1, 0, __HYPERVISOR_set_timer_op, 1), take()]).toEqual([0, true])
  })

  it('ticks at 100 Hz until told otherwise, without catching up', () => {
    const port = machine.events.bindVirq(d1, VIRQ_TIMER, 0)
    const tick = (at: bigint) => {
      d1.ports.clearPending(port)
      expireTimers(d1, 0, at, machine.services)
      return d1.ports.isPending(port)
    }
    expect([0n, 9_999_999n, 10_000_000n, 10_000_001n, 45_000_000n, 49_000_000n, 50_000_000n].map(tick)).toEqual([
      false,
      false,
      true,
      false,
      true,
      false,
      true,
    ])
    const set = (period_ns: bigint) =>
      withArg(abi.VCPUOP_set_periodic_timer, 0, abi.vcpu_set_periodic_timer, { period_ns }).result
    expect([set(999_999n), set(2n ** 63n), set(1_000_000n)]).toEqual([EINVAL, EINVAL, 0])
    expect(nextDeadline(d1, 0)).toBe(machine.clock.time + 1_000_000n)
    expect([plain(abi.VCPUOP_stop_periodic_timer, 0), nextDeadline(d1, 0)]).toEqual([0, -1n])
  })

  it('answers the rest as Xen does to a guest', () => {
    expect(plain(abi.VCPUOP_send_nmi, 0)).toBe(0)
    expect(plain(abi.VCPUOP_get_physid, 0)).toBe(EINVAL)
    expect(plain(99, 0)).toBe(ENOSYS)
  })
})
