/**
 * The hypercalls of direct paging: a guest of forty frames that links, pins, maps and batches, half right. Each call
 * answers 0 or an errno in bounded work, the page lock is free after it, and the types and references of all frames are
 * those that a recount of every table finds. What holds frames beside entries (pins, roots, descriptor tables) is read
 * from the records; libs/cpu-x86/test/pv-mmu/random-guest.test.ts judges these by a model of their own.
 */
import * as errno from '../../../libs/core/src/abi/errno.ts'
import {
  GDT_ENTRIES,
  GDT_FRAMES,
  INFO,
  KERNEL_ROOT,
  PARTIAL,
  PINNED,
  PROGRESS_SHIFT,
  TYPE_MASK,
  USER_ROOT,
} from '../../../libs/cpu-x86/src/pv/mmu/page-info.ts'
import { referenceCounts } from '../../../libs/cpu-x86/test/pv-mmu/reference-counts.ts'
import { P, RW, SmallDomain, US } from '../../../libs/cpu-x86/test/pv-mmu/small-domain.ts'
import type { Random } from '../random.ts'
import { Tape } from '../tape.ts'
import { demand, finding, type Judge, type Target } from '../target.ts'

const ACT = 48
const MOST_ACTS = 400
const FRAMES = 40
const VCPUS = 2
const CHECK_EVERY = 32
const MOST_ENTRIES = 2000
const ERRNOS: ReadonlySet<number> = new Set(Object.values(errno).filter((value) => value !== errno.ERESTART))
const SLOTS: readonly number[] = [0, 1, 2, 255, 256, 271, 272, 511]
/** Frames the guest tends to use at a level, first to last; 0 for its data. */
const BANDS: readonly (readonly [number, number])[] = [
  [20, 39],
  [13, 19],
  [9, 12],
  [5, 8],
  [1, 4],
]
const CALL = { mmuUpdate: 1, setGdt: 2, updateDescriptor: 10, mapVa: 14, mmuext: 26, mapVaOther: 22 }
/** The guest's arguments: a list, a counter behind it, and places that are none. */
const LIST = 0x1000
const DONE = 0x3000
const POINTERS: readonly bigint[] = [
  0x1000n,
  0xfff0n,
  0xffffn,
  0x1_0000n,
  0xfffcn,
  1n << 63n,
  ~0n & ((1n << 64n) - 1n),
  3n,
]
/** DOMID_SELF, and others: with an owner of the tables in the high half, or garbage above. */
const DOMAINS: readonly bigint[] = [
  ...new Array<bigint>(12).fill(0x7ff0n),
  ...[0n, 1n, 0x7ff1n, 0x2_7ff0n, 0x3_7ff0n, 0x7ff0n | (1n << 32n)],
]

/** Something that is broken on purpose, after each call. */
export type MmuSabotage = (domain: SmallDomain, nr: number, result: number) => void

class MmuJudge implements Judge {
  readonly #tape = new Tape()
  readonly #sabotage: MmuSabotage | undefined

  constructor(sabotage?: MmuSabotage) {
    this.#sabotage = sabotage
  }

  make(random: Random): Uint8Array {
    return random.fill(new Uint8Array(ACT * (1 + random.below(MOST_ACTS))))
  }

  judge(bytes: Uint8Array): number {
    const domain = SmallDomain.populated(FRAMES, [undefined, 1, 2][(bytes[0] ?? 0) % 3])
    if (((bytes[0] ?? 0) & 0xc0) !== 0) begin(domain)
    let acts = 0
    for (let at = 0; at + ACT <= bytes.length; at += ACT) {
      this.#act(domain, this.#tape.open(bytes, at + 1, at + ACT))
      if (++acts % CHECK_EVERY === 0) check(domain)
    }
    check(domain)
    return acts
  }

  #act(domain: SmallDomain, tape: Tape): void {
    const vcpu = tape.below(VCPUS)
    const kind = tape.below(16)
    if (kind < 6) this.#call(domain, CALL.mmuUpdate, [...updates(domain, tape), tape.pick(DOMAINS)], vcpu)
    else if (kind < 9) {
      const domid = tape.below(4) === 0 ? [tape.pick(DOMAINS)] : []
      this.#call(
        domain,
        domid.length ? CALL.mapVaOther : CALL.mapVa,
        [vaOf(tape), entryOf(tape, 1), flagsOf(tape), ...domid],
        vcpu,
      )
    } else if (kind < 14) this.#call(domain, CALL.mmuext, [...operations(domain, tape), tape.pick(DOMAINS)], vcpu)
    else if (kind === 14) this.#call(domain, CALL.setGdt, gdt(domain, tape), vcpu)
    else if (tape.below(4) > 0) this.#call(domain, CALL.updateDescriptor, descriptor(tape), vcpu)
    else
      this.#call(
        domain,
        tape.pick(Object.values(CALL)),
        Array.from({ length: 5 }, () => strange(tape)),
        vcpu,
      )
  }

  #call(domain: SmallDomain, nr: number, args: readonly bigint[], vcpu: number): void {
    domain.args.fill(args.map((arg) => BigInt.asUintN(64, arg)))
    for (let entries = 1; ; entries++) {
      const result = domain.enter(nr, vcpu)
      if (typeof result === 'symbol') {
        if (entries > MOST_ENTRIES) finding(`hypercall ${nr} never ends`)
        continue
      }
      const value = Number(result)
      if (value !== 0 && !ERRNOS.has(-value)) finding(`hypercall ${nr} answers ${value}, which is no errno`)
      this.#sabotage?.(domain, nr, value)
      break
    }
    domain.asked.length = 0
  }
}

/** A tree that maps four pages, in use by both vCPUs: with nothing mapped most calls would have nothing to act on. */
function begin(domain: SmallDomain): void {
  const tables = [4, 3, 2, 1].map((level) => BANDS[level]![0])
  for (const [n, table] of tables.slice(0, 3).entries()) domain.poke(table, 0, tables[n + 1]!, P | RW | US)
  for (let slot = 0; slot < 4; slot++) domain.poke(tables[3]!, slot, BANDS[0]![0] + slot, P | RW | US)
  for (let vcpu = 0; vcpu < VCPUS; vcpu++) demand(domain.mmuext(5, tables[0], 0, vcpu) === 0, 'a sound root is refused')
}

function frame(tape: Tape): bigint {
  return tape.below(16) === 0 ? BigInt(tape.u32()) : BigInt(tape.below(FRAMES + 2))
}

/** A frame to use at a level: mostly one a sensible guest would take. */
function frameFor(tape: Tape, level: number): bigint {
  const [first, last] = BANDS[level]!
  return tape.below(8) === 7 ? frame(tape) : BigInt(first + tape.below(last - first + 1))
}

function entryOf(tape: Tape, level: number): bigint {
  const kind = tape.below(12)
  if (kind > 9 && level > 1) return (frameFor(tape, level) << 12n) | [1n, 5n, 0x21n, 3n][tape.below(4)]!
  if (kind === 9) return (frame(tape) << 12n) | BigInt(tape.below(4096)) | (BigInt(tape.below(4)) << 62n)
  if (kind === 8) return 0n
  const target = level === 1 && tape.below(3) === 0 ? frame(tape) : frameFor(tape, Math.max(0, level - 1))
  const flags =
    level === 1 && target < BANDS[0]![0] ? [1n, 0x25n, 3n][tape.below(3)]! : [1n, 3n, 7n, 0x67n][tape.below(4)]!
  return (target << 12n) | flags | (tape.below(4) === 0 ? 1n << 63n : 0n)
}

function vaOf(tape: Tape): bigint {
  if (tape.below(16) === 0) return strange(tape)
  let va = 0n
  for (let level = 4; level >= 1; level--) va = (va << 9n) | BigInt(tape.below(8) > 0 ? 0 : tape.pick(SLOTS))
  return BigInt.asIntN(48, va << 12n) + BigInt(tape.below(8) === 0 ? tape.below(4096) : 0)
}

const flagsOf = (tape: Tape): bigint =>
  tape.below(8) === 0 ? strange(tape) : BigInt(tape.below(4)) | (BigInt(tape.below(3)) << 2n)

function strange(tape: Tape): bigint {
  return tape.below(2) === 0 ? tape.pick(POINTERS) : BigInt(tape.u32())
}

/** A list, how many it is said to have, and where the count goes. */
function listed(tape: Tape, rows: number): readonly bigint[] {
  const odd = tape.below(24)
  const count =
    odd === 23
      ? 0xffff_ffffn
      : odd === 22
        ? BigInt(rows) | 0x8000_0000n
        : odd === 21
          ? BigInt(rows + 300)
          : BigInt(rows)
  const place = odd === 20 ? tape.pick(POINTERS) : BigInt(LIST)
  return [place, count, [0n, BigInt(DONE), BigInt(DONE), tape.pick(POINTERS)][tape.below(4)]!]
}

function updates(domain: SmallDomain, tape: Tape): readonly bigint[] {
  const view = new DataView(domain.guest.bytes.buffer)
  const rows = 1 + tape.below(3)
  for (let row = 0; row < rows; row++) {
    const level = tape.below(5)
    const table = frameFor(tape, level)
    const command = [0n, 0n, 0n, 1n, 2n, 3n, 7n][tape.below(7)]!
    view.setBigUint64(
      LIST + row * 16,
      BigInt.asUintN(64, (table << 12n) + BigInt(tape.pick(SLOTS) * 8) + command),
      true,
    )
    view.setBigUint64(LIST + row * 16 + 8, entryOf(tape, Math.max(1, level)), true)
  }
  return listed(tape, rows)
}

function operations(domain: SmallDomain, tape: Tape): readonly bigint[] {
  const view = new DataView(domain.guest.bytes.buffer)
  const rows = 1 + tape.below(3)
  for (let row = 0; row < rows; row++) {
    const kind = tape.below(16)
    const level = 1 + tape.below(4)
    // Pins and roots come more often than what has little to get wrong.
    const command = kind < 6 ? level - 1 : kind < 9 ? 4 : kind < 11 ? 5 : kind < 13 ? 15 : tape.below(22)
    const target = command === 5 || command === 15 ? frameFor(tape, 4) : frameFor(tape, level)
    view.setUint32(LIST + row * 24, tape.below(64) === 0 ? tape.u32() : command, true)
    view.setBigUint64(LIST + row * 24 + 8, tape.below(16) === 0 ? BigInt.asUintN(64, strange(tape)) : target, true)
    view.setBigUint64(LIST + row * 24 + 16, tape.below(4) === 0 ? BigInt.asUintN(64, strange(tape)) : frame(tape), true)
  }
  return listed(tape, rows)
}

function gdt(domain: SmallDomain, tape: Tape): readonly bigint[] {
  const view = new DataView(domain.guest.bytes.buffer)
  const frames = tape.below(4)
  for (let n = 0; n < frames; n++) view.setBigUint64(LIST + n * 8, frameFor(tape, 0), true)
  const entries = tape.below(4) === 0 ? tape.below(9000) : frames * 512
  return [tape.below(16) === 0 ? tape.pick(POINTERS) : BigInt(LIST), BigInt(entries)]
}

/** An address in a frame of descriptors, and a descriptor: type, DPL and presence of every kind. */
function descriptor(tape: Tape): readonly bigint[] {
  const at = (frameFor(tape, 0) << 12n) + BigInt(tape.below(512) * 8 + (tape.below(16) === 0 ? 4 : 0))
  const access = BigInt(tape.below(256)) << 40n
  const usual = 0x00cf_0000_0000_ffffn | access
  return [at, [usual, usual | (1n << 53n), access, (BigInt(tape.u32()) << 32n) | BigInt(tape.u32())][tape.below(4)]!]
}

/** The state is legal, and every record is what a recount gives. */
function check(domain: SmallDomain): void {
  const { mmu } = domain
  mmu.enterAfterAll()
  mmu.leave()
  demand(!domain.locked, 'the page lock is still held')
  const owned = new Set(Array.from({ length: FRAMES - 1 }, (_, n) => n + 1))
  const counts = referenceCounts(domain, {
    owned,
    references: holders(domain),
    before: types(domain),
    partial: partials(domain),
  })
  if (counts === undefined) finding('the page tables break a rule')
  for (const [gmfn, { type, types, refs, linearEntries, linearUses }] of counts) {
    const [realType, realTypes, realRefs] = domain.counts(gmfn)
    const linear = domain.linear(gmfn)
    if (linear !== linearEntries - linearUses)
      finding(`table ${gmfn} has ${linear} linear entries or uses; counted ${linearEntries} and ${linearUses}`)
    if (realTypes === types && realRefs === refs && (types === 0 || realType === type)) continue
    finding(
      `frame ${gmfn} is type ${realType} x ${realTypes}, ${realRefs} references; counted ${type} x ${types}, ${refs}`,
    )
  }
}

/** What each frame is now: whether an entry is linear depends on it. */
function types(domain: SmallDomain): ReadonlyMap<number, number> {
  const found = new Map<number, number>()
  for (let gmfn = 1; gmfn < FRAMES; gmfn++) {
    const [type, count] = domain.counts(gmfn)
    if (count > 0) found.set(gmfn, type)
  }
  return found
}

/** A guest need not go on with what it began: such a table keeps its type, which nobody else may count on. */
function partials({ mmu: { info } }: SmallDomain): (readonly [number, number, number])[] {
  const found: (readonly [number, number, number])[] = []
  for (let gmfn = 1; gmfn < FRAMES; gmfn++) {
    const word = info.i32[info.record(gmfn) + INFO]!
    if (word & PARTIAL) found.push([gmfn, word & TYPE_MASK, word >>> PROGRESS_SHIFT])
  }
  return found
}

function holders({ mmu }: SmallDomain): (readonly [number, number])[] {
  const { info } = mmu
  const found: (readonly [number, number])[] = []
  for (let gmfn = 1; gmfn < FRAMES; gmfn++) {
    const word = info.i32[info.record(gmfn) + INFO]!
    if (word & PINNED) found.push([gmfn, word & TYPE_MASK])
  }
  for (let vcpu = 0; vcpu < VCPUS; vcpu++) {
    const at = info.vcpu(vcpu)
    for (const root of [KERNEL_ROOT, USER_ROOT]) if (info.i32[at + root]! > 0) found.push([info.i32[at + root]! - 1, 4])
    const frames = Math.ceil(info.i32[at + GDT_ENTRIES]! / 512)
    for (let n = 0; n < frames; n++) found.push([info.i32[at + GDT_FRAMES + n]!, 5])
  }
  return found
}

/** @param sabotage for the test that a fault would be found */
export function mmuTarget(sabotage?: MmuSabotage): Target {
  return { name: 'mmu', input: 'one hypercall', stride: ACT, life: 1 << 20, open: () => new MmuJudge(sabotage) }
}
