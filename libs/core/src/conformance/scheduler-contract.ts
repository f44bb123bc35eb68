import { IDLE, NO_DEADLINE, type SchedulerLimits, type SchedulerPart } from '../plugin/scheduler.ts'
import { SimulatedMachine } from './machine.ts'
import { disturb } from './scheduler-disturbance.ts'
import { check, type SuiteCase } from './suite-case.ts'
import { bursts, rhythm, spin } from './workload.ts'

const MS = 1_000_000
const limits = (pcpus: number): SchedulerLimits => ({ pcpus, domains: 8, units: 64 })
const only = (...pcpus: number[]): bigint => pcpus.reduce((mask, pcpu) => mask | (1n << BigInt(pcpu)), 0n)

type Make = () => SchedulerPart
const CASES: Readonly<Record<string, (make: Make) => void>> = {
  'a unit that wakes on an idle machine runs at once, and it sleeps without a deadline afterwards': (make) => {
    const machine = new SimulatedMachine(make, limits(2))
    machine.addDomain(0)
    machine.addUnit(3, 0, rhythm(5 * MS, 1000 * MS))
    machine.run(4 * MS)
    check(machine.used(3) === 4 * MS, 'it did not run from the start')
    machine.run(100 * MS)
    check(machine.used(3) === 5 * MS, 'it did not stop when it fell asleep')
    check(
      machine.deadlines().every((deadline) => deadline === NO_DEADLINE),
      'a pCPU has a deadline although nothing wants to run',
    )
    const { wakeups } = machine
    machine.run(900 * MS)
    check(machine.wakeups === wakeups, 'the idle machine was woken')
  },

  'every pCPU works while there is work for it': (make) => {
    const machine = new SimulatedMachine(make, limits(4))
    machine.addDomain(0)
    for (let unit = 0; unit < 4; unit++) machine.addUnit(unit, 0, spin())
    machine.run(500 * MS)
    for (let unit = 0; unit < 4; unit++) check(machine.used(unit) === 500 * MS, `unit ${unit} had to wait`)
  },

  'no runnable unit starves': (make) => {
    const machine = new SimulatedMachine(make, limits(2))
    machine.addDomain(0)
    machine.addDomain(1)
    for (let unit = 0; unit < 12; unit++) machine.addUnit(unit, unit % 2, unit < 8 ? spin() : bursts(unit, MS, 3 * MS))
    machine.run(500 * MS)
    let before = Array.from({ length: 12 }, (_, unit) => machine.used(unit))
    for (let second = 1; second <= 3; second++) {
      machine.run(500 * MS + second * 1000 * MS)
      const after = before.map((_, unit) => machine.used(unit))
      for (const [unit, used] of after.entries()) check(used > before[unit]!, `unit ${unit} did not run for a second`)
      before = after
    }
  },

  'affinity is honoured from the start, when it changes while running, and while waiting': (make) => {
    const machine = new SimulatedMachine(make, limits(3))
    machine.addDomain(0)
    machine.addUnit(0, 0, spin(), only(2))
    machine.addUnit(1, 0, spin(), only(2))
    machine.addUnit(2, 0, spin(), only(0, 1))
    machine.run(100 * MS)
    check(machine.used(0) + machine.used(1) === 100 * MS, 'pinned units did not share their pCPU')
    machine.setAffinity(0, only(1))
    machine.settle()
    machine.run(200 * MS)
    check(machine.used(1) >= 100 * MS, 'the unit left behind did not get the pCPU for itself')
    check(machine.runsOn(0) === 1 || machine.runsOn(0) === IDLE, 'the moved unit is elsewhere')
    machine.setAffinity(2, only(2))
    machine.setAffinity(1, only(0))
    machine.settle()
    machine.run(300 * MS)
    check([0, 1, 2].map((unit) => machine.runsOn(unit)).join() === '1,0,2', 'units are not where they may be')
  },

  'a unit removed while it runs is let go and its number can be used again': (make) => {
    const machine = new SimulatedMachine(make, limits(1))
    machine.addDomain(0)
    machine.addUnit(5, 0, spin())
    machine.addUnit(6, 0, spin())
    machine.run(45 * MS)
    for (const unit of [5, 6]) machine.removeUnit(unit)
    machine.settle()
    check(!machine.has(5) && !machine.has(6), 'a removed unit stayed on its pCPU')
    machine.removeDomain(0)
    machine.addDomain(0)
    machine.addUnit(5, 0, spin())
    machine.run(145 * MS)
    check(machine.used(5) === 100 * MS, 'its successor did not run')
  },

  'a paused unit stops at once and goes on where it stopped': (make) => {
    const machine = new SimulatedMachine(make, limits(1))
    machine.addDomain(0)
    machine.addUnit(0, 0, spin())
    machine.run(10 * MS)
    machine.pause(0)
    machine.run(60 * MS)
    check(machine.used(0) === 10 * MS, 'it ran on while paused')
    machine.unpause(0)
    machine.run(100 * MS)
    check(machine.used(0) === 50 * MS, 'it did not go on')
  },

  'a wake that overtakes a sleep is not lost': (make) => {
    const machine = new SimulatedMachine(make, limits(1))
    machine.addDomain(0)
    machine.addUnit(0, 0, spin())
    machine.run(10 * MS)
    // Both before the pCPU has seen the first of them.
    machine.pause(0)
    machine.unpause(0)
    machine.run(20 * MS)
    check(machine.used(0) === 20 * MS, 'it was left asleep')
  },

  'who yields lets the others go first, and runs on if there are none': (make) => {
    const machine = new SimulatedMachine(make, limits(1))
    machine.addDomain(0)
    machine.addUnit(0, 0, spin())
    machine.run(5 * MS)
    machine.yield(0)
    check(machine.runsOn(0) === 0, 'the only unit was taken off its pCPU by a yield')
    machine.addUnit(1, 0, spin())
    machine.run(10 * MS)
    const first = machine.runsOn(0) === 0 ? 0 : 1
    machine.yield(first)
    check(machine.runsOn(first) === IDLE && machine.runsOn(1 - first) === 0, 'the yield did not let the other run')
  },

  'parameters it does not know are refused and change nothing': (make) => {
    const machine = new SimulatedMachine(make, limits(1))
    machine.addDomain(0)
    check(machine.adjust(0, { 'no such parameter': 1 }) < 0, 'an unknown parameter was taken')
    check(machine.adjust(0, {}) === 0, 'no change at all was refused')
  },
}

/** What every scheduler must do, whatever its policy. */
export function scheduleContractCases(make: Make): SuiteCase[] {
  const fixed = Object.entries(CASES).map(([name, run]) => ({ name, run: () => run(make) }))
  const shapes = [1, 2, 3, 8].map((pcpus) => ({
    name: `the contract holds whatever happens to the units of ${pcpus} pCPUs`,
    run: () => {
      for (let seed = 1; seed <= 6; seed++) disturb(new SimulatedMachine(make, limits(pcpus)), seed, 400 * MS)
    },
  }))
  return [...fixed, ...shapes]
}
