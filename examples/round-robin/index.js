// @ts-check
import { definePlugin, IDLE, NO_DEADLINE, NO_SLICE, noConfig, SchedulerOps, sharedLayout } from '@paravane/core'

const SLICE = 10_000_000 // ns
const EINVAL = 22

/** All the state, which the thread of every pCPU sees and which begins as zeros. */
/** @param {import('@paravane/core').SchedulerLimits} limits */
const layout = ({ pcpus, units }) =>
  sharedLayout({
    waiting: 'i32', // how many units there are in the queue
    queue: ['i32', units], // the next one first
    affinity: ['i64', units],
    runsOn: ['i32', units], // a pCPU + 1, or 0
    busy: ['i32', pcpus], // 1 if a unit runs there
  })

/** One queue for all pCPUs, and a slice for each unit in turn. @type {import('@paravane/core').SchedulerPart} */
const roundRobin = {
  layout,
  create({ memory, base }, limits, port) {
    const at = layout(limits)
    const pcpus = Array.from({ length: limits.pcpus }, (_, pcpu) => pcpu)

    /** @param {number} unit */
    const runsOn = (unit) => at.runsOn.load(memory, base, unit) - 1
    /** @param {number} unit @param {number} pcpu */
    const allows = (unit, pcpu) => ((at.affinity.load(memory, base, unit) >> BigInt(pcpu)) & 1n) === 1n
    const queue = () => Array.from({ length: at.waiting.load(memory, base) }, (_, i) => at.queue.load(memory, base, i))
    /** @param {readonly number[]} units */
    const setQueue = (units) => {
      for (const [i, unit] of units.entries()) at.queue.store(memory, base, unit, i)
      at.waiting.store(memory, base, units.length)
    }
    /** Has an idle pCPU look at the queue. @param {number} unit */
    const offer = (unit) => {
      const idle = pcpus.find((pcpu) => at.busy.load(memory, base, pcpu) === 0 && allows(unit, pcpu))
      if (idle !== undefined) port.tickle(idle)
    }
    /** @param {number} unit */
    const sleep = (unit) => {
      if (runsOn(unit) >= 0) port.tickle(runsOn(unit))
      else setQueue(queue().filter((it) => it !== unit))
    }
    /** @param {object} params */
    const refuseAny = (params) => (Object.keys(params).length === 0 ? 0 : -EINVAL)

    return {
      insertUnit(unit, _domain, affinity) {
        at.runsOn.store(memory, base, 0, unit)
        at.affinity.store(memory, base, BigInt.asIntN(64, affinity), unit)
      },
      removeUnit: sleep,
      setAffinity(unit, affinity) {
        at.affinity.store(memory, base, BigInt.asIntN(64, affinity), unit)
        if (queue().includes(unit)) offer(unit)
        else if (runsOn(unit) >= 0 && !allows(unit, runsOn(unit))) port.tickle(runsOn(unit))
      },
      wake(unit) {
        if (runsOn(unit) >= 0 || queue().includes(unit)) return
        setQueue([...queue(), unit])
        offer(unit)
      },
      sleep,
      yield() {}, // it goes to the end of the queue anyway
      doSchedule(pcpu, _now, current, runnable) {
        if (current !== IDLE) at.runsOn.store(memory, base, 0, current)
        const candidates = runnable ? [...queue(), current] : queue()
        const unit = candidates.find((it) => allows(it, pcpu)) ?? IDLE
        const rest = candidates.filter((it) => it !== unit)
        setQueue(rest)
        at.busy.store(memory, base, unit === IDLE ? 0 : 1, pcpu)
        if (unit !== IDLE) at.runsOn.store(memory, base, pcpu + 1, unit)
        for (const it of rest) offer(it)
        return { unit, slice: unit === IDLE ? NO_SLICE : SLICE }
      },
      tick() {},
      nextDeadline: () => NO_DEADLINE,
      insertDomain() {},
      removeDomain() {},
      adjust: (_domain, params) => refuseAny(params),
      params: () => ({}),
      adjustGlobal: refuseAny,
      globalParams: () => ({}),
    }
  },
}

export default definePlugin({
  id: 'paravane-sched-round-robin',
  apiVersion: 1,
  config: noConfig,
  requires: [],
  provides: [SchedulerOps],
  pcpu: (scope) => scope.contribute(SchedulerOps, 'round-robin', roundRobin),
})
