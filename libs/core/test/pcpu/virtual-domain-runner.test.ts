import { describe, expect, test } from 'vitest'
import { RUNSTATE_blocked, RUNSTATE_running } from '../../src/abi/vcpu.ts'
import { DOMAIN, VCPU } from '../../src/domain/domain-state.ts'
import { virtualDomainWantsToRun } from '../../src/pcpu/virtual-domain-runner.ts'
import { type Step, VirtualMachine } from './virtual-domain.ts'

const M = 1_000_000
const stop = (at: number): Step => ({ at, act: (machine) => machine.stop() })
const block = (vcpu: number, at: number): Step => ({ at, act: (machine) => machine.block(vcpu) })

describe('a domain of virtual time', () => {
  test('takes a timer that is due at N before instruction N + 1', () => {
    const machine = new VirtualMachine([{ at: 100, act: (it) => it.setTimer(0, 12_345n) }, stop(50_000)])
    expect(machine.go()).toEqual(['run 0 for 12345', '12345: timer of 0', 'run 0 for 37655'])
  })

  test('is at its next deadline at once when all its vCPUs wait', () => {
    const machine = new VirtualMachine([
      {
        at: 100,
        act: (it) => {
          it.setTimer(0, 3_000_000_000n)
          it.block(0)
        },
      },
      stop(150),
    ])
    expect(machine.go()).toEqual(['run 0 for 100', '3000000000: timer of 0', 'run 0 for 50'])
    expect(machine.clock.now()).toBe(3_000_000_050n)
  })

  test('sleeps when nothing will wake it, until something comes in', () => {
    const machine = new VirtualMachine([block(0, 100), stop(200)])
    expect(machine.go()).toEqual(['run 0 for 100', 'blocked'])
    expect(virtualDomainWantsToRun(machine.domain)).toBe(false)
    DOMAIN.arrived.store(machine.state.memory, 0, 1)
    expect(virtualDomainWantsToRun(machine.domain)).toBe(true)
    machine.orderPoint = () => {
      machine.orderPoint = () => false
      machine.wake(0)
      return true
    }
    expect(machine.go()).toEqual(['run 0 for 100', 'blocked', 'run 0 for 100'])
  })

  test('gives its vCPUs turns of ten million instructions', () => {
    const machine = new VirtualMachine([stop(25 * M)], [])
    expect(machine.go()).toEqual([
      'run 1 for 10000000',
      'run 0 for 10000000',
      'run 1 for 10000000',
      'run 0 for 10000000',
      'run 1 for 10000000',
      'run 0 for 5000000',
    ])
  })

  test('a block or a yield ends a turn', () => {
    const machine = new VirtualMachine(
      [{ at: 10, act: (it) => it.yield() }, block(0, 20), stop(30)],
      [{ at: 7, act: (it) => it.yield() }, { at: 9, act: (it) => it.wake(0) }, block(1, 11)],
    )
    expect(machine.go()).toEqual(['run 1 for 7', 'run 0 for 10', 'run 1 for 4', 'run 0 for 10', 'blocked'])
  })

  test('does the same however the host divides it', () => {
    const story = (pace: bigint): string[] => {
      const machine = new VirtualMachine(
        [{ at: 3 * M, act: (it) => it.setTimer(1, 20_000_003n) }, { at: 4 * M, act: (it) => it.yield() }, stop(31 * M)],
        [{ at: 5 * M, act: (it) => it.yield() }],
      )
      machine.pace = pace
      return machine.go(100_000)
    }
    const undivided = story(0n)
    expect(undivided).toContain('20000003: timer of 1')
    expect(story(900n)).toEqual(undivided)
  })

  test('has order points and state hashes at fixed counts', () => {
    const machine = new VirtualMachine([{ at: 500, act: (it) => it.yield() }, stop(5 * M)])
    const points: bigint[] = []
    machine.orderPoint = () => {
      points.push(machine.domain.retired())
      return false
    }
    DOMAIN.hashEvery.store(machine.state.memory, 0, BigInt(2 * M))
    machine.pace = 400n
    expect(machine.go()).toEqual([
      'run 0 for 2000000',
      'hash abc at 2000000',
      'run 0 for 2000000',
      'hash abc at 4000000',
      'run 0 for 1000000',
    ])
    expect(points).toEqual([1, 2, 3, 4, 5].map((n) => BigInt(n * M)))
  })

  test('runstates follow, in its own time', () => {
    const machine = new VirtualMachine([block(0, 10)], [{ at: 7, act: (it) => it.yield() }, stop(25)])
    machine.go()
    const { memory } = machine.state
    const states = [0, 1].map((vcpu) => VCPU.runstate.load(memory, machine.state.vcpu(vcpu)))
    const ran = [0, 1].map((vcpu) => VCPU.runstateTime.load(memory, machine.state.vcpu(vcpu), RUNSTATE_running))
    const since = [0, 1].map((vcpu) => VCPU.runstateEntry.load(memory, machine.state.vcpu(vcpu)))
    expect({ states, ran, since }).toEqual({
      states: [RUNSTATE_blocked, RUNSTATE_running],
      ran: [10n, 7n],
      since: [17n, 17n],
    })
  })
})
