import { type SchedulerLimits, type SharedLayout, type SharedRecord, sharedLayout } from '@paravane/core'
import { Column, Links, WideColumn } from './columns.ts'

/** Credits remain, or are spent; boosted is a unit with credits that has just woken. Lower runs first. */
export const BOOST = 0
export const UNDER = 1
export const OVER = 2
export const NR_PRIORITIES = 3

// Bits of a unit's flags.
/** Takes part in accounting: on the active list. */
export const ACTIVE = 1
/** Over its cap: not queued until accounting releases it. */
export const PARKED = 2
/** Parked, and would be queued otherwise. */
export const WAITING = 4
/** Asked to let others go first, valid for the next decision. */
export const YIELDS = 8
/** Removed while it ran. */
export const REMOVED = 16

type I32s = readonly ['i32', number]
type I64s = readonly ['i64', number]

/** Every word the scheduler remembers. All zeros is the initial state. */
export interface CreditFields {
  readonly [name: string]: I32s | I64s
  /** Set by adjustGlobal; 0 while configuration holds. The rate limit is kept plus one, as 0 turns it off. */
  readonly tsliceMs: I32s
  readonly ratelimitUs: I32s
  /** Units queued, running or waiting parked; accounting stops while there are none. */
  readonly wanting: I32s
  /** pCPU that accounting is due on, plus one; when, or 0 while stopped; and when it was done last. */
  readonly master: I32s
  readonly acctAt: I64s
  readonly acctDone: I64s
  /** ns that active units were short of when credits had been handed out last. */
  readonly deficit: I64s
  readonly activeHead: I32s
  readonly activeTail: I32s

  readonly weight: I32s
  readonly cap: I32s
  /** Units of the domain on the active list. */
  readonly activeUnits: I32s

  readonly domain: I32s
  readonly flags: I32s
  readonly priority: I32s
  /** ns of CPU it may use before it counts as over. */
  readonly credit: I64s
  /** Mask of pCPUs as a signed word. */
  readonly affinity: I64s
  /** pCPU it ran or waited on last. */
  readonly home: I32s
  /** pCPU it runs on, or -1. */
  readonly runsOn: I32s
  /** Run queue it is in, or -1. */
  readonly queue: I32s
  readonly next: I32s
  readonly prev: I32s
  readonly activeNext: I32s
  readonly activePrev: I32s

  /** Unit that runs on the pCPU, or -1; since when, and up to when its credits are burnt. */
  readonly running: I32s
  readonly since: I64s
  readonly burntTo: I64s
  readonly queued: I32s
  /** A list per pCPU and priority. */
  readonly head: I32s
  readonly tail: I32s
}

export function creditLayout(limits: SchedulerLimits): SharedLayout<CreditFields> {
  const { pcpus, domains, units } = limits
  const i32 = (length: number): I32s => ['i32', length]
  const i64 = (length: number): I64s => ['i64', length]
  return sharedLayout<CreditFields>({
    tsliceMs: i32(1),
    ratelimitUs: i32(1),
    wanting: i32(1),
    master: i32(1),
    acctAt: i64(1),
    acctDone: i64(1),
    deficit: i64(1),
    activeHead: i32(1),
    activeTail: i32(1),
    weight: i32(domains),
    cap: i32(domains),
    activeUnits: i32(domains),
    domain: i32(units),
    flags: i32(units),
    priority: i32(units),
    credit: i64(units),
    affinity: i64(units),
    home: i32(units),
    runsOn: i32(units),
    queue: i32(units),
    next: i32(units),
    prev: i32(units),
    activeNext: i32(units),
    activePrev: i32(units),
    running: i32(pcpus),
    since: i64(pcpus),
    burntTo: i64(pcpus),
    queued: i32(pcpus),
    head: i32(pcpus * NR_PRIORITIES),
    tail: i32(pcpus * NR_PRIORITIES),
  })
}

/** One thread's views of the record. Holds nothing else. */
export class CreditState {
  readonly limits: SchedulerLimits
  readonly tsliceMs: Column
  readonly ratelimitUs: Column
  readonly wanting: Column
  readonly master: Links
  readonly acctAt: WideColumn
  readonly acctDone: WideColumn
  readonly deficit: WideColumn
  readonly activeHead: Links
  readonly activeTail: Links
  readonly weight: Column
  readonly cap: Column
  readonly activeUnits: Column
  readonly domain: Column
  readonly flags: Column
  readonly priority: Column
  readonly credit: WideColumn
  readonly affinity: WideColumn
  readonly home: Column
  readonly runsOn: Links
  readonly queue: Links
  readonly next: Links
  readonly prev: Links
  readonly activeNext: Links
  readonly activePrev: Links
  readonly running: Links
  readonly since: WideColumn
  readonly burntTo: WideColumn
  readonly queued: Column
  readonly head: Links
  readonly tail: Links

  constructor(record: SharedRecord, limits: SchedulerLimits) {
    const at = creditLayout(limits)
    this.limits = limits
    this.tsliceMs = new Column(record, at.tsliceMs)
    this.ratelimitUs = new Column(record, at.ratelimitUs)
    this.wanting = new Column(record, at.wanting)
    this.master = new Links(record, at.master)
    this.acctAt = new WideColumn(record, at.acctAt)
    this.acctDone = new WideColumn(record, at.acctDone)
    this.deficit = new WideColumn(record, at.deficit)
    this.activeHead = new Links(record, at.activeHead)
    this.activeTail = new Links(record, at.activeTail)
    this.weight = new Column(record, at.weight)
    this.cap = new Column(record, at.cap)
    this.activeUnits = new Column(record, at.activeUnits)
    this.domain = new Column(record, at.domain)
    this.flags = new Column(record, at.flags)
    this.priority = new Column(record, at.priority)
    this.credit = new WideColumn(record, at.credit)
    this.affinity = new WideColumn(record, at.affinity)
    this.home = new Column(record, at.home)
    this.runsOn = new Links(record, at.runsOn)
    this.queue = new Links(record, at.queue)
    this.next = new Links(record, at.next)
    this.prev = new Links(record, at.prev)
    this.activeNext = new Links(record, at.activeNext)
    this.activePrev = new Links(record, at.activePrev)
    this.running = new Links(record, at.running)
    this.since = new WideColumn(record, at.since)
    this.burntTo = new WideColumn(record, at.burntTo)
    this.queued = new Column(record, at.queued)
    this.head = new Links(record, at.head)
    this.tail = new Links(record, at.tail)
  }

  has(unit: number, flag: number): boolean {
    return (this.flags.get(unit) & flag) !== 0
  }

  mark(unit: number, flag: number): void {
    this.flags.set(unit, this.flags.get(unit) | flag)
  }

  unmark(unit: number, flag: number): void {
    this.flags.set(unit, this.flags.get(unit) & ~flag)
  }

  allows(unit: number, pcpu: number): boolean {
    return ((this.affinity.get(unit) >> BigInt(pcpu)) & 1n) === 1n
  }
}
