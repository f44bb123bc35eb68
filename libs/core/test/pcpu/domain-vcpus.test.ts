import { expect, test } from 'vitest'
import { RUNSTATE_blocked, RUNSTATE_offline, RUNSTATE_runnable, RUNSTATE_running } from '../../src/abi/vcpu.ts'
import { createDomainState } from '../../src/domain/create-domain-state.ts'
import type { Domain } from '../../src/domain/domain.ts'
import {
  DOMAIN,
  DOMAIN_RUNNING,
  DOMAIN_SHUTDOWN,
  VCPU,
  VCPU_ABSENT,
  VCPU_BLOCKED,
  VCPU_UP,
} from '../../src/domain/domain-state.ts'
import { DomainTimers, DomainVcpus } from '../../src/pcpu/domain-vcpus.ts'

function twoVcpus() {
  const state = createDomainState({ domid: 3, nrVcpus: 2, maxPages: 1, sharedInfoFrame: 0 })
  DOMAIN.lifecycle.store(state.memory, 0, DOMAIN_RUNNING)
  DOMAIN.paused.store(state.memory, 0, 0)
  DOMAIN.timeOffset.store(state.memory, 0, 1000n)
  const domain: Domain = { domid: 3, state, memory: {} as never, ports: undefined as never }
  const directory = { get: (domid: number) => (domid === 3 ? domain : undefined) }
  return { state, memory: state.memory, directory, vcpus: new DomainVcpus(directory), vcpu: state.vcpu(1) }
}

test('a vCPU may run if it is up and waits for nothing, in a domain that runs', () => {
  const { memory, vcpus, vcpu } = twoVcpus()
  const answers = [0, VCPU_UP, VCPU_UP | VCPU_BLOCKED, VCPU_UP | VCPU_ABSENT, VCPU_BLOCKED].map((flags) => {
    VCPU.flags.store(memory, vcpu, flags)
    return vcpus.runnable(3, 1)
  })
  expect(answers).toEqual([false, true, false, false, false])
  VCPU.flags.store(memory, vcpu, VCPU_UP)
  DOMAIN.paused.store(memory, 0, 1)
  expect(vcpus.runnable(3, 1)).toBe(false)
  DOMAIN.paused.store(memory, 0, 0)
  DOMAIN.lifecycle.store(memory, 0, DOMAIN_SHUTDOWN)
  expect(vcpus.runnable(3, 1)).toBe(false)
  expect(vcpus.runnable(4, 0)).toBe(false)
})

test('its runstates follow what is done with it, in guest time', () => {
  const { memory, vcpus, vcpu } = twoVcpus()
  const seen: unknown[] = []
  const look = () =>
    seen.push([VCPU.pcpu.load(memory, vcpu), VCPU.runstate.load(memory, vcpu), VCPU.runstateEntry.load(memory, vcpu)])
  VCPU.flags.store(memory, vcpu, VCPU_UP)
  vcpus.queue(3, 1, 10n)
  look()
  vcpus.queue(3, 1, 15n)
  look()
  vcpus.enter(3, 1, 2, 20n)
  look()
  vcpus.leave(3, 1, 30n)
  look()
  vcpus.enter(3, 1, 0, 40n)
  VCPU.flags.or(memory, vcpu, VCPU_BLOCKED)
  vcpus.leave(3, 1, 50n)
  look()
  DOMAIN.lifecycle.store(memory, 0, DOMAIN_SHUTDOWN)
  VCPU.flags.clear(memory, vcpu, VCPU_BLOCKED)
  vcpus.leave(3, 1, 60n)
  look()
  expect(seen).toEqual([
    [-1, RUNSTATE_runnable, 1010n],
    [-1, RUNSTATE_runnable, 1010n],
    [2, RUNSTATE_running, 1020n],
    [-1, RUNSTATE_runnable, 1030n],
    [-1, RUNSTATE_blocked, 1050n],
    [-1, RUNSTATE_offline, 1060n],
  ])
  expect(VCPU.runstateTime.load(memory, vcpu, RUNSTATE_running)).toBe(20n)
})

test('its timers are due in time since boot, while it is up and its domain runs', () => {
  const { memory, directory, vcpu } = twoVcpus()
  const timers = new DomainTimers(directory, undefined as never, { now: () => 0n, tsc: () => 0n, tscHz: 1, epoch: 0n })
  VCPU.singleshot.store(memory, vcpu, 5000n)
  expect(timers.next(3, 1)).toBe(-1n)
  VCPU.flags.store(memory, vcpu, VCPU_UP)
  expect(timers.next(3, 1)).toBe(4000n)
  VCPU.singleshot.store(memory, vcpu, 500n)
  expect(timers.next(3, 1)).toBe(0n)
  DOMAIN.lifecycle.store(memory, 0, DOMAIN_SHUTDOWN)
  expect(timers.next(3, 1)).toBe(-1n)
})
