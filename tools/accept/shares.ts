/** Busy guests on one pCPU: shares by weight, ceilings by cap, as xm sets them. The guests' own work is counted beside the time. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { DomainRow } from '../../apps/xend/src/hypervisor/control-rows.ts'
import { System } from '../../apps/xend/test/system/system.ts'
import type { How, Outcome } from './point.ts'
import { cpuSecondsOfHost, cpuSecondsOfTree } from './process-cpu.ts'

const SECONDS = 10
/** Until all that the guests run is compiled, and what was set before is forgotten. */
const SETTLE_MS = 5000
const WEIGHTS = [256, 512, 1024] as const
/** A share may be so much of itself away. */
const SHARE_MOST = 0.03
const CAPS = [10, 25, 50] as const
/** Points, of a pCPU. */
const CAP_MOST = 2

interface Used {
  /** Seconds of the pCPU. */
  readonly cpu: readonly number[]
  /** Dots on the console: rounds of work. */
  readonly work: readonly number[]
  /** Of the host's clock. */
  readonly seconds: number
}

export async function shares({ short, progress }: How): Promise<Outcome> {
  const system = await System.start()
  try {
    const guests = await BusyGuests.start(system, WEIGHTS.length)
    for (const [n, weight] of WEIGHTS.entries()) await guests.set(n, '-w', weight)
    const others = new OtherWork()
    const byWeight = weightErrors(await guests.measure(progress, 'weights 1, 2 and 4'))
    const caps = [...(short ? [] : [await capsAlone(guests, progress)]), await capsTogether(guests, progress)]
    const worst = Math.max(...caps.flatMap(({ errors }) => errors))
    const value = [
      `weights 1, 2 and 4: ${byWeight.shown.join(', ')} of the pCPU (work ${byWeight.work.join(', ')}), at most ${percent(byWeight.worst)} of a share away`,
      `caps ${CAPS.join(', ')}: ${caps.map(({ name, shown }) => `${name} ${shown}`).join('; ')}, at most ${worst.toFixed(2)} points away`,
      `others used ${others.percent()} % of a processor`,
    ].join('; ')
    return {
      pass: byWeight.worst <= SHARE_MOST && worst <= CAP_MOST,
      value: short ? `${value} (short form)` : value,
      facts: { byWeight, caps },
    }
  } finally {
    await system.stop()
  }
}

const percent = (part: number): string => `${(100 * part).toFixed(1)} %`

function parts(numbers: readonly number[]): number[] {
  const total = numbers.reduce((sum, each) => sum + each, 0)
  return numbers.map((each) => each / total)
}

function weightErrors({ cpu, work }: Used): { shown: string[]; work: string[]; worst: number } {
  const due = parts(WEIGHTS)
  const got = parts(cpu)
  return {
    shown: got.map(percent),
    work: parts(work).map(percent),
    worst: Math.max(...got.map((each, n) => Math.abs(each / due[n]! - 1))),
  }
}

interface CapRun {
  readonly name: string
  readonly shown: string
  /** Points. */
  readonly errors: readonly number[]
}

/** @param got percent of the pCPU */
function capRun(name: string, got: readonly number[]): CapRun {
  return {
    name,
    shown: got.map((each) => each.toFixed(1)).join(', '),
    errors: got.map((each, n) => Math.abs(each - CAPS[n]!)),
  }
}

const percents = ({ cpu, seconds }: Used): number[] => cpu.map((each) => (100 * each) / seconds)

async function capsAlone(guests: BusyGuests, progress: How['progress']): Promise<CapRun> {
  const got: number[] = []
  for (const n of [1, 2]) await guests.pause(n, true)
  for (const cap of CAPS) {
    await guests.set(0, '-c', cap)
    got.push(percents(await guests.measure(progress, `a cap of ${cap} alone`))[0]!)
  }
  for (const n of [1, 2]) await guests.pause(n, false)
  return capRun('alone', got)
}

async function capsTogether(guests: BusyGuests, progress: How['progress']): Promise<CapRun> {
  for (const [n, cap] of CAPS.entries()) await guests.set(n, '-c', cap)
  return capRun('together', percents(await guests.measure(progress, `caps of ${CAPS.join(', ')} together`)))
}

/** Hello guests that work without end. */
class BusyGuests {
  readonly #system: System
  readonly #names: readonly string[]
  readonly #dots: number[]

  private constructor(system: System, names: readonly string[]) {
    this.#system = system
    this.#names = names
    this.#dots = names.map(() => 0)
  }

  static async start(system: System, count: number): Promise<BusyGuests> {
    const config = await system.helloConfig()
    const names = Array.from({ length: count }, (_, n) => `busy-${n}`)
    const guests = new BusyGuests(system, names)
    for (const [n, name] of names.entries()) {
      await guests.#xm('create', config, `name=${name}`)
      const { domid } = (await guests.#rows())[n]!
      const { socket } = await system.control.stream(`/console/${domid}`)
      socket.on('data', (bytes: Buffer) => {
        guests.#dots[n] = guests.#dots[n]! + bytes.filter((byte) => byte === DOT).length
      })
      socket.write('work\r')
    }
    return guests
  }

  async set(n: number, option: '-w' | '-c', value: number): Promise<void> {
    await this.#xm('sched-credit', '-d', this.#names[n]!, option, String(value))
  }

  async pause(n: number, paused: boolean): Promise<void> {
    await this.#xm(paused ? 'pause' : 'unpause', this.#names[n]!)
  }

  async measure(progress: How['progress'], what: string): Promise<Used> {
    progress(what)
    await sleep(SETTLE_MS)
    const before = await this.#snapshot()
    await sleep(SECONDS * 1000)
    const after = await this.#snapshot()
    const grown = (now: readonly number[], then: readonly number[]): number[] => now.map((it, n) => it - then[n]!)
    return {
      cpu: grown(after.cpu, before.cpu),
      work: grown(after.work, before.work),
      seconds: after.seconds - before.seconds,
    }
  }

  async #snapshot(): Promise<Used> {
    const begin = performance.now()
    const rows = await this.#rows()
    // In the middle of the call.
    const seconds = (begin + performance.now()) / 2000
    return { cpu: rows.map(({ cpuSeconds }) => cpuSeconds), work: [...this.#dots], seconds }
  }

  async #rows(): Promise<readonly DomainRow[]> {
    return this.#system.control.call<readonly DomainRow[]>('domain.list')
  }

  async #xm(...args: readonly string[]): Promise<void> {
    const { status, stderr } = await this.#system.xm(...args)
    if (status !== 0) throw new Error(`xm ${args.join(' ')}: ${stderr.trim()}`)
  }
}

/** What others do on this host meanwhile. xend and the hypervisor descend from this process. */
class OtherWork {
  readonly #begin = performance.now()
  readonly #before = othersSeconds()

  percent(): number {
    const seconds = (performance.now() - this.#begin) / 1000
    return Math.round((100 * Math.max(0, othersSeconds() - this.#before)) / seconds)
  }
}

const othersSeconds = (): number => cpuSecondsOfHost() - cpuSecondsOfTree(process.pid)

const DOT = '.'.charCodeAt(0)
