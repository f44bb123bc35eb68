import { AbsentFrame, type GuestAccess, HypercallArgs, type HypercallContext, HypercallTable } from '@paravane/core'
import { DOMID_SELF } from '@paravane/core/abi'
import { addFrames } from '../../src/pv/mmu/domain-frames.ts'
import { mmuHypercalls } from '../../src/pv/mmu/hypercalls.ts'
import { Mmu } from '../../src/pv/mmu/mmu.ts'
import type { MmuHooks } from '../../src/pv/mmu/mmu-hooks.ts'
import { INFO, LINEAR, PageInfo, REF_COUNT, TYPE_COUNT } from '../../src/pv/mmu/page-info.ts'

export const P = 1
export const RW = 2
export const US = 4

const PAGE = 4096
const PHYSMAP = PAGE
const ARGUMENTS = 0x10000

/** Numbers that say nothing about order: gmfn 5 may lie before gmfn 2 in memory. */
const scattered = (gmfn: number, nr: number): number => (gmfn * 7 + 3) % nr

/** Arguments of hypercalls in a flat space of their own, in which pages can be absent or unmapped. */
export class ArgumentSpace implements GuestAccess {
  readonly bytes: Uint8Array = new Uint8Array(ARGUMENTS)
  readonly words: Int32Array = new Int32Array(this.bytes.buffer)
  readonly absent: Set<number> = new Set()

  #check(va: bigint, length: number): boolean {
    for (let page = va >> 12n; page <= (va + BigInt(length) - 1n) >> 12n; page++)
      if (this.absent.has(Number(page))) throw new AbsentFrame(Number(page))
    return va >= 0n && va + BigInt(length) <= BigInt(ARGUMENTS)
  }

  read(va: bigint, into: Uint8Array): boolean {
    if (!this.#check(va, into.length)) return false
    into.set(this.bytes.subarray(Number(va), Number(va) + into.length))
    return true
  }

  write(va: bigint, from: Uint8Array): boolean {
    if (!this.#check(va, from.length)) return false
    this.bytes.set(from, Number(va))
    return true
  }
}

/** A domain of a few frames whose page tables tests write by hand, and its hypercalls. Frames are numbered from 1. */
export class SmallDomain {
  readonly memory: WebAssembly.Memory
  readonly mmu: Mmu
  readonly nrGmfns: number
  readonly guest: ArgumentSpace = new ArgumentSpace()
  /** What the module asked of the engine, in order. */
  readonly asked: string[] = []
  /** The page lock is held. */
  locked = false
  readonly args: HypercallArgs = new HypercallArgs()
  readonly #words: Int32Array
  readonly #table: HypercallTable
  readonly #m2p: number

  constructor(nrGmfns = 64, nrVcpus = 2, tablesPerStretch?: number) {
    const tables = 1 + Math.ceil((nrGmfns * 12) / PAGE) + 1
    this.nrGmfns = nrGmfns
    const wasmPages = Math.ceil(((tables + nrGmfns) * PAGE) / 65536)
    this.memory = new WebAssembly.Memory({ initial: wasmPages, maximum: wasmPages, shared: true })
    this.#words = new Int32Array(this.memory.buffer)
    this.#m2p = PHYSMAP + nrGmfns * 4 + ((nrGmfns * 4) % 8)
    for (let gmfn = 1; gmfn < nrGmfns; gmfn++)
      this.#words[PHYSMAP / 4 + gmfn] = (tables + scattered(gmfn, nrGmfns)) * PAGE
    this.mmu = new Mmu({
      memory: this.memory,
      physmap: PHYSMAP,
      nrGmfns,
      m2p: this.#m2p,
      state: new SharedArrayBuffer(PageInfo.bytes(nrGmfns, nrVcpus) + 64),
      stateOffset: 64,
      nrVcpus,
      ...(tablesPerStretch !== undefined && { tablesPerStretch }),
      hooks: this.#hooks(),
      lock: {
        acquire: () => {
          if (this.locked) throw new Error('page lock taken twice')
          this.locked = true
        },
        tryAcquire: () => {
          const free = !this.locked
          this.locked = true
          return free
        },
        release: () => {
          this.locked = false
        },
      },
    })
    this.#table = new HypercallTable([mmuHypercalls(() => this.mmu)])
  }

  /** The same with the frames 1 to `nrFrames` - 1 given to the domain. */
  static populated(nrFrames = 64, tablesPerStretch?: number, nrGmfns: number = nrFrames): SmallDomain {
    const domain = new SmallDomain(nrGmfns, 2, tablesPerStretch)
    addFrames(
      domain.mmu,
      Array.from({ length: nrFrames - 1 }, (_, i) => i + 1),
    )
    return domain
  }

  #hooks(): MmuHooks {
    const who = (targets: string | Uint8Array) => (typeof targets === 'string' ? targets : `vcpus ${targets.join()}`)
    return {
      flushTlb: (vcpu, targets) => this.asked.push(`${vcpu}: flush ${who(targets)}`),
      flushPage: (vcpu, targets, lo, hi) =>
        this.asked.push(
          `${vcpu}: flush page ${((BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0)).toString(16)} ${who(targets)}`,
        ),
      safepoint: (request, gmfn) => this.asked.push(`${request} ${gmfn}`),
      setBaseptr: (vcpu, gmfn) => this.asked.push(`${vcpu}: base ${gmfn}`),
      setUserBaseptr: (vcpu, gmfn) => this.asked.push(`${vcpu}: user base ${gmfn}`),
      setLdt: (vcpu, lo, _hi, entries) => this.asked.push(`${vcpu}: ldt ${lo.toString(16)} ${entries}`),
      setGdt: (vcpu, entries) => this.asked.push(`${vcpu}: gdt ${entries}`),
      written: () => {},
    }
  }

  host(gmfn: number): number {
    return this.mmu.memory.frameHost(gmfn)
  }

  /** Takes a frame's memory away, or gives it back. */
  setAbsent(gmfn: number, absent: boolean): void {
    const host = Math.abs(this.#words[PHYSMAP / 4 + gmfn])
    if (absent) this.#saved.set(gmfn, host)
    this.#words[PHYSMAP / 4 + gmfn] = absent ? 0 : (this.#saved.get(gmfn) as number)
  }
  readonly #saved = new Map<number, number>()

  /** Writes an entry as the builder would: unchecked. `flags` may reach into the high half. */
  poke(table: number, slot: number, target: number, flags: number, high = 0): void {
    const at = this.host(table) / 4 + slot * 2
    this.#words[at] = (target << 12) | flags
    this.#words[at + 1] = high
  }

  entry(table: number, slot: number): readonly [lo: number, hi: number] {
    const at = this.host(table) / 4 + slot * 2
    return [this.#words[at], this.#words[at + 1]]
  }

  m2p(gmfn: number): number {
    return this.#words[this.#m2p / 4 + gmfn * 2]
  }

  /** [type, type count, references] of a frame. */
  counts(gmfn: number): readonly [type: number, types: number, refs: number] {
    const { info } = this.mmu
    const at = info.record(gmfn)
    return [info.i32[at + INFO] & 7, info.i32[at + TYPE_COUNT], info.i32[at + REF_COUNT]]
  }

  /** Entries of a table that name others of its level, or less than 0: entries of others that name it. */
  linear(gmfn: number): number {
    return this.mmu.info.i32[this.mmu.info.record(gmfn) + LINEAR]
  }

  context(vcpu = 0): HypercallContext {
    // Domain 0 and itself are all there is.
    const services = { domains: { get: (domid: number) => (domid < 2 ? {} : undefined) } }
    return { domain: { domid: 1 }, vcpu, guest: this.guest, services } as unknown as HypercallContext
  }

  /** One entry into hypercall `nr`; a symbol when it is to be entered again. */
  enter(nr: number, vcpu = 0): number | bigint | symbol {
    const handler = this.#table.get(nr)?.handler
    if (handler === undefined) throw new Error(`no hypercall ${nr}`)
    const result = handler(this.context(vcpu), this.args)
    if (this.locked) throw new Error('page lock kept')
    return result
  }

  /** A hypercall entered until it is done. */
  call(nr: number, args: readonly (number | bigint)[], vcpu = 0): number | bigint {
    this.args.fill(args)
    for (;;) {
      const result = this.enter(nr, vcpu)
      if (typeof result !== 'symbol') return result
    }
  }

  /** mmu_update with these requests, in its array at 0x1000. */
  mmuUpdate(requests: readonly (readonly [ptr: number, val: number | bigint])[], domain: number = DOMID_SELF): number {
    const view = new DataView(this.guest.bytes.buffer)
    requests.forEach(([ptr, val], i) => {
      view.setBigUint64(0x1000 + i * 16, BigInt(ptr), true)
      view.setBigUint64(0x1008 + i * 16, BigInt.asUintN(64, BigInt(val)), true)
    })
    return Number(this.call(1, [0x1000, requests.length, 0, domain]))
  }

  /** One mmuext_op. */
  mmuext(cmd: number, arg1: number | bigint = 0, arg2: number | bigint = 0, vcpu = 0): number {
    const view = new DataView(this.guest.bytes.buffer)
    view.setUint32(0x2000, cmd, true)
    view.setBigUint64(0x2008, BigInt(arg1), true)
    view.setBigUint64(0x2010, BigInt(arg2), true)
    return Number(this.call(26, [0x2000, 1, 0, DOMID_SELF], vcpu))
  }

  /** update_va_mapping. */
  mapVa(va: bigint, pte: number | bigint, flags: number | bigint = 0, vcpu = 0): number {
    return Number(this.call(14, [va, pte, flags], vcpu))
  }

  /** set_gdt. */
  setGdt(frames: readonly number[], entries: number): number {
    new BigUint64Array(this.guest.bytes.buffer, 0x3000, frames.length).set(frames.map(BigInt))
    return Number(this.call(2, [0x3000, entries]))
  }

  /** A tree with one table of each level and the pages of `l1` mapped from address 0: frames root, root+1, root+2, root+3. */
  buildTree(root: number, l1: readonly (readonly [target: number, flags: number])[]): void {
    for (let level = 0; level < 3; level++) this.poke(root + level, 0, root + level + 1, P | RW | US)
    l1.forEach(([target, flags], slot) => {
      this.poke(root + 3, slot, target, flags)
    })
  }
}
