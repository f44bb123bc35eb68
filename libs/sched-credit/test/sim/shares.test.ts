import { IDLE } from '@paravane/core'
import { bursts, rhythm, SimulatedMachine, spin, type Workload } from '@paravane/core/conformance'
import { describe, expect, test } from 'vitest'
import { creditPart } from '../credit-part.ts'

const MS = 1_000_000
const SECOND = 1000 * MS

interface SimDomain {
  readonly weight?: number
  readonly cap?: number
  readonly works: readonly Workload[]
}

/** pCPUs each domain had on average from second 1 to `seconds`. */
function shares(pcpus: number, domains: readonly SimDomain[], seconds = 31): number[] {
  const machine = new SimulatedMachine(creditPart, { pcpus, domains: domains.length, units: 64 })
  let unit = 0
  const members = domains.map(({ weight = 256, cap = 0, works }, domain) => {
    machine.addDomain(domain, { weight, cap })
    if (cap !== 0) machine.heldBack.add(domain)
    return works.map((work) => {
      machine.addUnit(unit, domain, work)
      return unit++
    })
  })
  const used = () => members.map((units) => units.reduce((sum, it) => sum + machine.used(it), 0))
  machine.run(SECOND)
  const before = used()
  machine.run(seconds * SECOND)
  return used().map((after, domain) => (after - before[domain]!) / ((seconds - 1) * SECOND))
}

const busy = (units: number): Workload[] => Array.from({ length: units }, () => spin())

/** pCPUs, domains, and the share each must get, within 3 percent of it. */
const CASES: Record<string, readonly [number, () => readonly SimDomain[], readonly number[]]> = {
  'weights 256 and 512 on one pCPU': [
    1,
    () => [
      { weight: 256, works: busy(1) },
      { weight: 512, works: busy(1) },
    ],
    [1 / 3, 2 / 3],
  ],
  'weights far apart': [
    1,
    () => [
      { weight: 64, works: busy(1) },
      { weight: 1024, works: busy(1) },
    ],
    [1 / 17, 16 / 17],
  ],
  'weights on four pCPUs, by vCPU as in Xen': [
    4,
    () => [
      { weight: 256, works: busy(4) },
      { weight: 512, works: busy(4) },
      { weight: 768, works: busy(2) },
    ],
    // 4 * 256, 4 * 512 and 2 * 768 of 4608, no vCPU more than a pCPU.
    [(4 * 1024) / 4608, (4 * 2048) / 4608, (4 * 1536) / 4608],
  ],
  'three equal vCPUs on two pCPUs': [2, () => [1, 2, 3].map(() => ({ works: busy(1) })), [2 / 3, 2 / 3, 2 / 3]],
  'a light sleeper gets what it asks for, busy ones the rest by weight': [
    1,
    () => [{ works: [rhythm(1 * MS, 9 * MS)] }, { weight: 256, works: busy(1) }, { weight: 512, works: busy(1) }],
    [0.1, 0.3, 0.6],
  ],
  'a sleeper that wants more than its share gets its share': [
    1,
    () => [{ works: [rhythm(90 * MS, 1 * MS)] }, { works: busy(1) }],
    [0.5, 0.5],
  ],
  'caps of 25 and 10 percent on an idle machine': [
    2,
    () => [
      { cap: 25, works: busy(1) },
      { cap: 10, works: busy(1) },
    ],
    [0.25, 0.1],
  ],
  'a cap on two vCPUs together': [2, () => [{ cap: 50, works: busy(2) }], [0.5]],
  'a cap beside a busy domain of little weight': [
    1,
    () => [
      { weight: 1024, cap: 30, works: busy(1) },
      { weight: 128, works: busy(1) },
    ],
    [0.3, 0.7],
  ],
  'a cap above the share does nothing': [1, () => [{ cap: 80, works: busy(1) }, { works: busy(1) }], [0.5, 0.5]],
}

describe('domains get', () => {
  test.each(Object.entries(CASES))('%s', (_name, [pcpus, domains, expected]) => {
    const got = shares(pcpus, domains())
    const rounded = got.map((share) => share.toFixed(3)).join(' ')
    for (const [domain, share] of expected.entries()) {
      expect(Math.abs(got[domain]! - share) / share, `domain ${domain} of ${rounded}`).toBeLessThan(0.03)
    }
  })
})

describe('a vCPU that wakes', () => {
  /** Never in step with the slices. */
  const REST = 19_137_000

  /** ns it waited at worst, beside busy vCPUs, running 1 ms of every 20. */
  function worstWait(config: unknown): number {
    const machine = new SimulatedMachine(() => creditPart(config), { pcpus: 1, domains: 2, units: 8 })
    let worst = 0
    function* light(): Generator<{ run: number; sleep: number }> {
      for (;;) {
        const woke = machine.now
        yield { run: MS, sleep: REST }
        // At first all are new, and equal.
        if (woke > SECOND) worst = Math.max(worst, machine.now - woke - MS - REST)
      }
    }
    machine.addDomain(0)
    machine.addDomain(1)
    for (let unit = 0; unit < 3; unit++) machine.addUnit(unit, 0, spin())
    machine.addUnit(3, 1, light())
    machine.run(10 * SECOND)
    expect(machine.used(3)).toBeGreaterThan(350 * MS)
    return worst
  }

  test('with credits left goes before the busy ones, once they had the time of the rate limit', () => {
    expect(worstWait({})).toBe(0)
    // Whoever took over from it last time is stopped as soon as it has had its 25 ms.
    expect(worstWait({ ratelimitUs: 25_000 })).toBe(25 * MS - REST)
  })
})

describe('vCPUs that wake while nothing else wants to run', () => {
  test('come together on one pCPU', () => {
    const machine = new SimulatedMachine(creditPart, { pcpus: 2, domains: 1, units: 8 })
    machine.addDomain(0)
    for (let unit = 0; unit < 5; unit++) machine.addUnit(unit, 0, rhythm(MS / 10, 20 * MS + unit * 3_300_000))
    machine.run(SECOND)
    const before = machine.calls.length
    machine.run(11 * SECOND)
    const turns = machine.calls.slice(before).filter(({ method, args }) => method === 'doSchedule' && args[2] !== IDLE)
    expect(turns.length).toBeGreaterThan(1000)
    expect(turns.filter(({ args }) => args[0] !== 0).length / turns.length).toBeLessThan(0.05)
  })
})

describe('many vCPUs that come and go', () => {
  test('keep all pCPUs busy', () => {
    const works = Array.from({ length: 12 }, (_, seed) => bursts(seed, 30 * MS, 10 * MS))
    const total = shares(4, [{ works }, { works: busy(2) }], 11).reduce((sum, share) => sum + share, 0)
    expect(total).toBeGreaterThan(3.99)
  })
})
