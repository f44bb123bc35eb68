import { CodeCache } from './cold/code-cache.ts'
import { ColdTier } from './cold/cold-tier.ts'
import { NO_ENTRIES } from './cold/entries.ts'
import { FormRegistry } from './cold/form-registry.ts'
import { type Instruction, RecentInstructions } from './cold/recent-instructions.ts'
import { EXIT, isHeadOfRegion, NEVER_HOT, OFFSET_MASK, REC } from './cold/record.ts'
import { canonical, type Observed, SlowAccess } from './cold/slow-access.ts'
import type { Decoded } from './decode/decoded.ts'
import { type Decode, isFault } from './decode/decoder.ts'
import { usesFpu } from './insn/uses-fpu.ts'
import { isCompiled, Regions } from './jit/regions.ts'
import { Waking } from './jit/waking.ts'
import { alone } from './mmu/alone.ts'
import { watchCode } from './mmu/code-frames.ts'
import { enterGuest, inGuest, leaveGuest, outsideGuest } from './mmu/safepoint.ts'
import { WALK, Walker } from './mmu/walk.ts'
import type { RunnerOptions } from './runner-options.ts'
import { CPU } from './state/layout.ts'
import { DEFAULT_POLICY } from './state/policy.ts'
import type { DomainViews, VcpuMemory } from './state/vcpu-memory.ts'
import { type ExitBudget, type Stop, UNLIMITED } from './stop.ts'

export type { RunnerOptions } from './runner-options.ts'
export type { ExitBudget, Stop } from './stop.ts'

/** More than one straight run can retire past a limit; nearer to it the vCPU goes step by step. */
const EXACT_MARGIN = 512
/** Instructions after which the loop function is entered anew: V8 replaces its code only between calls. */
const STRETCH = 200_000
/** What a region costs in exits: about as much as so many translations. */
const EXITS_OF_A_REGION = 16

const DEVICE_NOT_AVAILABLE = 7

/** Runs one vCPU of one domain in this thread. Nothing but compiled code is kept here: state is in the domain's memory. */
export class VcpuRunner {
  readonly vcpu: VcpuMemory
  readonly walker: Walker
  readonly tier: ColdTier
  readonly cache: CodeCache
  readonly regions: Regions
  readonly #slow: SlowAccess
  readonly #decode: Decode
  readonly #scratch: number
  readonly #recent: RecentInstructions
  readonly #vcpus: readonly VcpuMemory[]
  readonly #waking: Waking
  /** The record at which translated code was left last, 0 for none. */
  #left = 0
  /** Frames announced to other vCPUs, each time outside the guest: what was found before may have been taken away. */
  #announced = 0
  absent = -1

  constructor(views: DomainViews, vcpu: VcpuMemory, options: RunnerOptions) {
    this.vcpu = vcpu
    this.walker = new Walker(vcpu)
    const { policy = DEFAULT_POLICY } = options
    this.#vcpus = options.vcpus ?? [vcpu]
    const { decode } = policy
    this.#decode = decode
    const forms = new FormRegistry(views.memory, decode)
    this.cache = new CodeCache(vcpu, forms, {
      decode,
      hotThreshold: options.regionThreshold ?? NEVER_HOT,
      ...(options.regionThreshold ? { isCompiled: (...at) => isCompiled(vcpu, ...at) } : {}),
      watch: (frame) => {
        this.#announced++
        outsideGuest(vcpu, () => watchCode(this.#vcpus, frame))
      },
    })
    this.#slow = new SlowAccess(vcpu, this.walker, options.access)
    const slow = (_: number, info: number) => this.#slow.open(info)
    this.tier = new ColdTier(views.memory, forms, options.helpers(vcpu), slow, options.entries?.(vcpu) ?? NO_ENTRIES)
    this.regions = new Regions(vcpu, this.tier, this.cache, decode, options.regions)
    this.#recent = new RecentInstructions(views)
    this.#waking = new Waking(vcpu, options.regions?.atOnce ?? false)
    this.#scratch = vcpu.base + CPU.BOUNCE + 512
  }

  /**
   * Runs until at least `count` more instructions are retired (a few more where `exact` is not asked for), a kick, the end of the
   * budget, or something to do for the caller. Retired instructions are added to ICOUNT.
   */
  run(count: number, exact: boolean = false, budget: ExitBudget = UNLIMITED): Stop {
    const vcpu = this.vcpu
    this.regions.prepare()
    this.#waking.begin()
    const end = vcpu.number(CPU.ICOUNT) + count
    for (;;) {
      const left = end - vcpu.number(CPU.ICOUNT)
      if (left <= 0) return 'limit'
      this.regions.receive()
      if (exact && left <= EXACT_MARGIN) {
        const stop = this.step()
        if (stop) return stop
        if (vcpu.i32(CPU.KICK)) return 'limit'
        continue
      }
      const most = Math.min(this.#waking.most, STRETCH)
      if (!this.#enter(exact ? left - EXACT_MARGIN : Math.min(left, most))) return 'limit'
      let exit: number
      try {
        const rec = vcpu.i32(CPU.REC) || this.#lookup()
        if (rec === 0) return this.#stopOfFault()
        vcpu.setI32(CPU.REC, rec)
        vcpu.setI32(CPU.COUNT, 0)
        exit = this.tier.run(vcpu.base)
        this.#settle()
        this.#waking.ran(vcpu.i32(CPU.COUNT))
      } finally {
        leaveGuest(vcpu)
      }
      const stop = this.#after(exit)
      if (stop) return stop
      // Code that has itself translated anew by every other instruction retires few of them in a second.
      budget.left -= exit === EXIT.HOT || exit === EXIT.UNREADY ? EXITS_OF_A_REGION : 1
      if (budget.left <= 0) return 'limit'
    }
  }

  /** Sets the limit and enters, unless somebody wants the vCPU out. */
  #enter(limit: number): boolean {
    const { vcpu } = this
    vcpu.setI32(CPU.LIMIT, limit)
    enterGuest(vcpu)
    if (Atomics.load(vcpu.views.i32, (vcpu.base + CPU.KICK) >> 2) === 0) return true
    leaveGuest(vcpu)
    return false
  }

  /** What translated code left to the end, before another thread may make the vCPU forget its record. */
  #settle(): void {
    const { vcpu } = this
    vcpu.add(CPU.ICOUNT, vcpu.i32(CPU.COUNT))
    const rec = vcpu.i32(CPU.REC)
    this.#left = rec
    if (rec === 0) return
    vcpu.setI32(CPU.RIP, vcpu.i32(CPU.PAGE_VA) | (vcpu.views.u16[(rec + REC.PLACE) >> 1] & OFFSET_MASK))
    vcpu.setI32(CPU.RIP + 4, vcpu.i32(CPU.PAGE_VA + 4))
  }

  #after(exit: number): Stop | undefined {
    const rec = this.#left
    const vcpu = this.vcpu
    switch (exit) {
      case EXIT.LIMIT:
      case EXIT.LOOKUP:
        return undefined
      case EXIT.HOT:
        this.#region(rec, this.#waking.isOver ? 'make' : 'later')
        return undefined
      case EXIT.NEED_FORM:
        if (this.#isHead(rec)) this.#region(rec, 'install')
        else this.tier.install(vcpu.views.i32[(rec + REC.FORM) >> 2])
        return undefined
      case EXIT.UNREADY:
        this.#region(rec, 'again')
        return this.step()
      case EXIT.MISS:
        return this.#step(rec)
      case EXIT.CROSSING:
        return this.#cross(rec)
      case EXIT.APART:
        this.#region(vcpu.i32(CPU.VECTOR), 'keepApart', vcpu.u64(CPU.ADDRESS))
        return undefined
      case EXIT.FAULT:
        return this.#isStaleNoFpu() ? undefined : 'fault'
      default:
        return 'trap'
    }
  }

  #isHead(rec: number): boolean {
    return isHeadOfRegion(this.vcpu.views.u16[(rec + REC.HANDLER) >> 1])
  }

  /** An instruction was translated as one that raises #NM, and need not any more: its page's code is dropped. */
  #isStaleNoFpu(): boolean {
    const { vcpu } = this
    if (vcpu.i32(CPU.VECTOR) !== DEVICE_NOT_AVAILABLE || vcpu.i32(CPU.NO_FPU)) return false
    inGuest(vcpu, () => {
      const frame = this.#fetch(vcpu.rip)
      if (frame !== 0) this.cache.written(frame, Number(vcpu.rip & 0xfffn), 1)
    })
    vcpu.setI32(CPU.REC, 0)
    return true
  }

  /** For the record at RIP, which is about to run, or another. */
  #region(rec: number, what: 'make' | 'later' | 'install' | 'again' | 'keepApart', va: bigint = this.vcpu.rip): void {
    const frame = inGuest(this.vcpu, () => this.#fetch(va))
    const offset = Number(va & 0xfffn)
    // A safepoint may have had the current record forgotten, or the code dropped.
    if (frame !== 0 && this.cache.known(frame, offset) === rec) this.regions[what](rec, frame, offset, va)
  }

  #stopOfFault(): Stop {
    return this.absent >= 0 ? 'absent' : 'fault'
  }

  /** The record at RIP, or 0 with a fault or an absent frame noted. */
  #lookup(): number {
    const vcpu = this.vcpu
    const known = this.tier.lookup(vcpu.base)
    if (known !== 0) return known
    const { rip } = vcpu
    this.cache.reserve()
    for (;;) {
      const before = this.#announced
      const frame = this.#executable(rip)
      if (frame === 0) return 0
      vcpu.setU64(CPU.PAGE_VA, rip & ~0xfffn)
      const rec = this.cache.record(frame, Number(rip & 0xfffn))
      if (this.#announced === before) return rec
    }
  }

  /** Host address of the frame at `va` with its execute TLB entry made; 0 with a fault or absent frame noted. */
  #executable(va: bigint): number {
    const { vcpu } = this
    let frame: number
    let codeTable: number
    let before: number
    do {
      before = this.#announced
      frame = this.#fetch(va)
      if (frame === 0) return 0
      codeTable = this.cache.tableOf(frame)
    } while (this.#announced !== before)
    vcpu.setExecuteEntry(va & ~0xfffn, codeTable, frame)
    return frame
  }

  /** Host address of the frame that `va` may be executed from, or 0 with a fault noted. */
  #fetch(va: bigint): number {
    const vcpu = this.vcpu
    this.absent = -1
    if (!canonical(va)) return this.#fault(13, 0, va)
    const w = this.walker.walk(va, WALK.EXECUTE, vcpu.i32(CPU.USER) !== 0)
    if (w.frame !== 0) return w.frame
    if (w.absent >= 0) {
      this.absent = w.absent
      return 0
    }
    return this.#fault(14, w.error, va)
  }

  #fault(vector: number, error: number, va: bigint): 0 {
    this.vcpu.setI32(CPU.VECTOR, vector)
    this.vcpu.setI32(CPU.ERROR, error)
    this.vcpu.setU64(CPU.ADDRESS, va)
    return 0
  }

  /** The CROSSING record at RIP is completed; or its instruction is done by a step, where it cannot be. */
  #cross(rec: number): Stop | undefined {
    const { vcpu } = this
    const { rip } = vcpu
    enterGuest(vcpu)
    try {
      // Before the next page gets its table: had this room to be made after, it might never be enough for both pages.
      this.cache.reserve()
      const next = this.#executable((rip & ~0xfffn) + 0x1000n)
      if (next === 0) return this.#stopOfFault()
      if (vcpu.i32(CPU.REC) !== rec) return undefined
      const fetched = this.#fetchInstruction()
      if (!fetched) return this.#stopOfFault()
      if (this.cache.crossInto(rec, next, fetched.insn, Number(rip & 0xfffn), fetched.bytes)) return undefined
    } finally {
      leaveGuest(vcpu)
    }
    return this.step()
  }

  /** Where the memory that `step` reaches is noted, while somebody watches. */
  set observed(list: Observed[] | undefined) {
    this.#slow.observed = list
  }

  /** The instruction at RIP, its bytes taken from up to two pages; undefined with a fault or absent frame noted. */
  current(): Decoded | undefined {
    return inGuest(this.vcpu, () => this.#fetchInstruction())?.insn
  }

  #fetchInstruction(): Instruction | undefined {
    const vcpu = this.vcpu
    const { rip } = vcpu
    const first = this.#fetch(rip)
    if (first === 0) return undefined
    const mode = vcpu.i32(CPU.COMPAT) ? 32 : 64
    const offset = Number(rip & 0xfffn)
    const known = this.#recent.find(first + offset, mode) ?? this.#decodeAt(rip, first, offset, mode)
    if (!known) return undefined
    if (vcpu.i32(CPU.NO_FPU) && usesFpu(known.insn.row)) {
      this.#fault(DEVICE_NOT_AVAILABLE, -1, rip)
      return undefined
    }
    return known
  }

  #decodeAt(rip: bigint, first: number, offset: number, mode: 32 | 64): Instruction | undefined {
    const { u8 } = this.vcpu.views
    let bytes = u8.subarray(first + offset, first + Math.min(4096, offset + 15))
    let insn = this.#decode(bytes, 0, bytes.length, mode)
    if (isFault(insn) && insn.fault === 'more') {
      const next = this.#fetch((rip & ~0xfffn) + 0x1000n)
      if (next === 0) return undefined
      const joined = new Uint8Array(15)
      joined.set(bytes)
      joined.set(u8.subarray(next, next + 15 - bytes.length), bytes.length)
      bytes = joined
      insn = this.#decode(bytes, 0, 15, mode)
    }
    if (isFault(insn)) {
      this.#fault(insn.fault === 'toolong' ? 13 : 6, insn.fault === 'toolong' ? 0 : -1, rip)
      return undefined
    }
    const own = bytes.subarray(0, insn.length)
    return offset + insn.length <= 4096 ? this.#recent.add(first + offset, mode, insn, own) : { insn, bytes: own }
  }

  /** Runs exactly one instruction at RIP; nothing if it was retired (or one round of a repetition done). */
  step(): Stop | undefined {
    return this.#step(0)
  }

  /** By the record `current`, if that is one of an instruction and still the vCPU's own; else by one made of the bytes at RIP. */
  #step(current: number): Stop | undefined {
    const { vcpu } = this
    const rip = vcpu.u64(CPU.RIP)
    let exit: number
    enterGuest(vcpu)
    try {
      const isOwn = current !== 0 && vcpu.i32(CPU.REC) === current && !this.#isHead(current)
      const rec = isOwn ? current : this.#scratchRecord()
      if (rec === 0) return this.#stopOfFault()
      this.#slow.begin()
      vcpu.setI32(CPU.REC, 0)
      exit = this.tier.step(vcpu.base, rec, vcpu.views.i32[(rec + REC.FORM) >> 2])
      if (exit === EXIT.DONE || exit === EXIT.AGAIN) this.#slow.writeBack()
    } finally {
      leaveGuest(vcpu)
    }
    return this.#afterStep(exit, rip)
  }

  /** A record of the instruction at RIP, good until the next; 0 with a fault or absent frame noted. */
  #scratchRecord(): number {
    const fetched = this.#fetchInstruction()
    if (!fetched) return 0
    const { rip } = this.vcpu
    this.vcpu.setU64(CPU.PAGE_VA, rip & ~0xfffn)
    this.#recent.writeRecord(fetched, this.#scratch, () =>
      this.cache.encode(this.#scratch, fetched.insn, Number(rip & 0xfffn), fetched.bytes),
    )
    return this.#scratch
  }

  #afterStep(exit: number, rip: bigint): Stop | undefined {
    const { vcpu } = this
    switch (exit) {
      case EXIT.DONE:
      case EXIT.AGAIN: {
        const outcome = this.#slow.commit()
        if (outcome !== 'done') {
          this.#slow.restoreRegisters()
          vcpu.rip = rip
          return outcome === 'refused' ? 'fault' : undefined
        }
        if (exit === EXIT.DONE) vcpu.add(CPU.ICOUNT, 1)
        return undefined
      }
      case EXIT.FAULT:
        vcpu.rip = rip
        this.absent = this.#slow.absent
        return this.#stopOfFault()
      case EXIT.ALONE:
        vcpu.rip = rip
        return this.#stepAlone()
      default:
        vcpu.rip = rip
        return 'trap'
    }
  }

  /** The instruction at RIP, as one step for all other vCPUs. An emulated write is one anyhow: it is committed by comparison. */
  #stepAlone(): Stop | undefined {
    const { vcpu } = this
    vcpu.setI32(CPU.OTHERS, 0)
    try {
      return this.#slow.emulates ? this.step() : alone(vcpu, this.#vcpus, () => this.step())
    } finally {
      vcpu.setI32(CPU.OTHERS, 1)
    }
  }
}
