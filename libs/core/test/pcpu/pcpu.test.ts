import { describe, expect, test } from 'vitest'
import { OnePcpu, type Turn } from './one-pcpu.ts'

/** Uses its whole slice. */
const whole =
  (machine: () => OnePcpu): Turn =>
  (slice) => {
    machine().ms += slice
    return 'slice'
  }

describe('a pCPU', () => {
  test('gives each vCPU its turn', () => {
    const machine: OnePcpu = new OnePcpu([whole(() => machine), whole(() => machine)])
    machine.wake(0, 1)
    expect(machine.run()).toEqual([
      '0: enter 0',
      '0: run 0 for 5',
      '5: leave 0',
      '5: enter 1',
      '5: run 1 for 5',
      '10: leave 1',
      '10: enter 0',
      '10: run 0 for 5',
    ])
  })

  test('sleeps when there is nothing to run, and not for a moment once there is', () => {
    const machine = new OnePcpu([])
    machine.afterDecision = (unit, policy) => {
      machine.afterDecision = () => {}
      expect(unit).toBe(-1)
      // Another thread, the moment the lock is free: it queues unit 0, finds an idle pCPU and bumps its count.
      machine.runnable.add(0)
      policy.wake(0, 0n)
      machine.poke()
    }
    expect(machine.run()).toEqual(['0: enter 0', '0: run 0 for 5'])
  })

  test('sleeps until the next timer, whose vCPU it then runs', () => {
    const machine = new OnePcpu([])
    machine.due.set(1, 7)
    machine.onExpire = (vcpu) => machine.wake(vcpu)
    expect(machine.run()).toEqual(['0: sleep 7', '7: timer of 1', '7: enter 1', '7: run 1 for 5'])
  })

  test("stops a vCPU for another's timer, and lets it finish its turn", () => {
    const machine: OnePcpu = new OnePcpu([whole(() => machine)])
    machine.due.set(1, 2)
    machine.wake(0)
    expect(machine.run()).toEqual(['0: enter 0', '0: run 0 for 2', '2: timer of 1', '2: run 0 for 3'])
  })

  test('goes on with a vCPU that was kicked for an event of its own', () => {
    const machine: OnePcpu = new OnePcpu([
      () => {
        machine.ms = 1
        return 'kicked'
      },
    ])
    machine.wake(0, 1)
    expect(machine.run()).toEqual(['0: enter 0', '0: run 0 for 5', '1: run 0 for 4'])
  })

  test('sees a timer that the running vCPU set', () => {
    const machine: OnePcpu = new OnePcpu([
      (_slice, mustLeave) => {
        expect(mustLeave()).toBe(false)
        machine.due.set(0, 3)
        machine.inside.timersChanged(1, 0)
        expect(mustLeave()).toBe(true)
        return 'kicked'
      },
      whole(() => machine),
    ])
    machine.wake(0)
    expect(machine.run()).toEqual(['0: enter 0', '0: run 0 for 5', '0: run 0 for 3', '3: timer of 0', '3: run 0 for 2'])
  })

  test('does not stop a vCPU for a timer that is due after its turn', () => {
    const machine: OnePcpu = new OnePcpu([
      (slice, mustLeave) => {
        machine.due.set(0, 7)
        machine.inside.timersChanged(1, 0)
        expect(mustLeave()).toBe(false)
        machine.ms += slice
        return 'slice'
      },
      whole(() => machine),
    ])
    machine.wake(0)
    expect(machine.run().slice(1)).toEqual(['0: run 0 for 5', '5: run 0 for 2', '7: timer of 0', '7: run 0 for 3'])
  })

  test('hears while it sleeps that another thread set a timer, or stopped it', () => {
    const machine = new OnePcpu([])
    machine.due.set(1, 9)
    machine.meanwhile.push(
      () => {
        machine.due.set(0, 4).delete(1)
        machine.outside.timersChanged(1, 0)
      },
      () => machine.due.delete(0),
    )
    expect(machine.run()).toEqual(['0: sleep 9', '0: sleep 4', '0: sleep 4', '4: sleep Infinity'])
  })

  test('sees how long a vCPU that ran waits at most', () => {
    const machine: OnePcpu = new OnePcpu([
      () => {
        machine.due.set(0, 3)
        machine.runnable.delete(0)
        machine.inside.deschedule(1, 0)
        return 'kicked'
      },
    ])
    machine.wake(0)
    expect(machine.run()).toEqual([
      '0: enter 0',
      '0: run 0 for 5',
      '0: leave 0',
      '0: sleep 3',
      '3: timer of 0',
      '3: sleep Infinity',
    ])
  })

  test('asks about no timers but those that are due', () => {
    const machine = new OnePcpu([], 3)
    machine.due.set(0, 7).set(1, 2).set(2, 4)
    machine.onExpire = (vcpu) => {
      machine.log.push(`asked of ${machine.asked.splice(0)}`)
      if (vcpu === 1 && machine.ms < 6) machine.due.set(1, 6)
    }
    expect(machine.run()).toEqual([
      '0: sleep 2',
      '2: timer of 1',
      'asked of 0,1,2,1',
      '2: sleep 2',
      '4: timer of 2',
      'asked of 1,2',
      '4: sleep 2',
      '6: timer of 1',
      'asked of 2,1',
      '6: sleep 1',
      '7: timer of 0',
      'asked of 1,0',
      '7: sleep Infinity',
    ])
  })

  test('takes a vCPU off when it blocks, and keeps it when it was woken first', () => {
    const blocks =
      (wokenFirst: boolean): Turn =>
      (_slice, mustLeave) => {
        machine.runnable.delete(0)
        machine.inside.deschedule(1, 0)
        if (wokenFirst) machine.wake(0)
        expect(mustLeave()).toBe(true)
        return 'kicked'
      }
    const machine = new OnePcpu([blocks(true), blocks(false)])
    machine.wake(0)
    expect(machine.run()).toEqual(['0: enter 0', '0: run 0 for 5', '0: run 0 for 5', '0: leave 0', '0: sleep Infinity'])
  })

  test('lets the next one run after a yield', () => {
    const machine: OnePcpu = new OnePcpu([
      () => {
        machine.inside.yield(1, 0)
        return 'kicked'
      },
      () => 'yield',
    ])
    machine.wake(0, 1)
    expect(machine.run().filter((line) => line.includes('run'))).toEqual([
      '0: run 0 for 5',
      '0: run 1 for 5',
      '0: run 0 for 5',
    ])
  })

  test('does not run what was taken down while it waited', () => {
    const machine: OnePcpu = new OnePcpu([whole(() => machine)], 3)
    machine.wake(0, 1, 2)
    machine.runnable.delete(1)
    expect(machine.run()).toEqual(['0: enter 0', '0: run 0 for 5', '5: leave 0', '5: enter 2', '5: run 2 for 5'])
  })

  test('leaves a vCPU that is taken down while it runs', () => {
    const machine: OnePcpu = new OnePcpu([
      (_slice, mustLeave) => {
        machine.runnable.delete(0)
        machine.outside.kick(1, 0)
        expect(mustLeave()).toBe(true)
        return 'kicked'
      },
    ])
    machine.wake(0)
    expect(machine.run()).toEqual(['0: enter 0', '0: run 0 for 5', '0: leave 0', '0: sleep Infinity'])
  })
})
