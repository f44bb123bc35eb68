/**
 * Entries into a guest's kernel and returns from it: bounce frames, HYPERVISOR_iret and loads of segment registers, with
 * random descriptors in GDT and LDT, selectors, frames at page ends and nowhere, addresses of every kind. They end in a
 * state that CPL 3 may have, in an exception of the processor's, or in DomainCrash; what a bounce frame holds comes back
 * by iret as it was.
 */
import { DomainCrash } from '../../../libs/core/src/errors.ts'
import { LinearMemory } from '../../../libs/cpu-x86/src/mmu/linear-memory.ts'
import { bounce } from '../../../libs/cpu-x86/src/pv/bounce-frame.ts'
import { Descriptors } from '../../../libs/cpu-x86/src/pv/descriptors.ts'
import { iret } from '../../../libs/cpu-x86/src/pv/iret.ts'
import { fixDescriptor } from '../../../libs/cpu-x86/src/pv/mmu/descriptor.ts'
import { inKernel, toggleMode } from '../../../libs/cpu-x86/src/pv/mode.ts'
import { PV } from '../../../libs/cpu-x86/src/pv/pv-state.ts'
import { loadSegment, SELECTORS } from '../../../libs/cpu-x86/src/pv/segment-loads.ts'
import { CPU } from '../../../libs/cpu-x86/src/state/layout.ts'
import { readRflags, writeRflags } from '../../../libs/cpu-x86/src/state/rflags.ts'
import { Machine } from '../../../libs/cpu-x86/test/machine.ts'
import type { Random } from '../random.ts'
import { Tape } from '../tape.ts'
import { demand, finding, type Judge, type Target } from '../target.ts'

const ACT = 40
const MOST_ACTS = 100
const STACK = 0x600000n
const READ_ONLY = 0x602000n
const ENTRIES = 512
const FIRST_FRAME = 300
const RSP = 4
const CF_TO_OF = 0xcd5n
const ALLOWED_FLAGS = 0x3f7fd7n & ~0x3000n & ~0x20000n
const MAY_RAISE: ReadonlySet<number> = new Set([11, 12, 13, 14])
const FLAT: readonly number[] = [0xe033, 0xe023, 0xe02b, 0xe030, 0xe008, 0xe02f]
/** RIPs and stacks. */
const PLACES: readonly bigint[] = [
  ...[STACK + 0x800n, STACK + 0x1000n, STACK + 0x1008n, STACK + 0x1ff0n, STACK + 0x20n, STACK + 8n],
  ...[READ_ONLY + 0x800n, READ_ONLY + 0x10n, 0n, 8n, 0x7fff_ffff_fff8n, 0x8000_0000_0000n, 1n << 63n],
  ...[0xffff_7fff_ffff_fff8n, 0xffff_8000_0000_0000n, 0xffff_ffff_ffff_fff8n, 0xffff_ffffn, 0x1_0000_0000n],
]

export type Bounced = typeof bounce

class FramesJudge implements Judge {
  readonly #tape = new Tape()
  readonly #bounce: Bounced
  readonly #machine = new Machine()
  readonly #memory: LinearMemory
  readonly #descriptors: Descriptors
  readonly #tables: readonly number[]
  #mask = 0

  constructor(judged: Bounced) {
    this.#bounce = judged
    const machine = this.#machine
    const { vcpu } = machine
    for (const va of [STACK, STACK + 0x1000n]) machine.map({ va })
    machine.map({ va: READ_ONLY, writable: false })
    this.#tables = [0, 1].map((n) =>
      machine.map({ va: 0x700000n + BigInt(n * 4096), frame: FIRST_FRAME + n, user: false }),
    )
    this.#memory = new LinearMemory(
      vcpu,
      machine.runner.walker,
      () => machine.host(1),
      () => {},
    )
    this.#descriptors = new Descriptors(vcpu, (page) => (page === 0 ? this.#tables[1]! : 0))
    vcpu.setI32(PV.KERNEL_ROOT, 1)
    vcpu.setI32(PV.GDT_FRAMES, FIRST_FRAME)
  }

  make(random: Random): Uint8Array {
    return random.fill(new Uint8Array(ACT * (1 + random.below(MOST_ACTS))))
  }

  judge(bytes: Uint8Array): number {
    this.#reset()
    let acts = 0
    for (let at = 0; at + ACT <= bytes.length; at += ACT, acts++) this.#act(this.#tape.open(bytes, at, at + ACT))
    return acts
  }

  #reset(): void {
    const { vcpu } = this.#machine
    for (const table of this.#tables) vcpu.views.u8.fill(0, table, table + 4096)
    vcpu.setI32(PV.GDT_ENTRIES, ENTRIES)
    vcpu.setI32(PV.LDT_ENTRIES, ENTRIES)
    vcpu.setU64(PV.LDT_BASE, 0x800000n)
    vcpu.setI32(PV.USER_ROOT, 1)
    if (!inKernel(vcpu)) toggleMode(vcpu)
    for (const selector of SELECTORS) vcpu.setI32(selector, 0)
    vcpu.setI32(PV.CS, FLAT[0]!)
    vcpu.setI32(PV.SS, FLAT[2]!)
    vcpu.setI32(CPU.COMPAT, 0)
    vcpu.setU64(PV.RESUME_AT, 0n)
    vcpu.setU64(PV.KERNEL_SP, STACK + 0x1000n)
    this.#machine.state = { gpr: new Array<bigint>(16).fill(STACK + 0x800n), rip: 0x400000n, rflags: 0x202n }
    this.#mask = 0
  }

  #act(tape: Tape): void {
    const { vcpu } = this.#machine
    const kind = tape.below(12)
    try {
      if (kind < 3) this.#describe(tape)
      else if (kind < 6) this.#return(tape)
      else if (kind < 8) this.#enter(tape)
      else if (kind === 8) this.#roundTrip(tape)
      else if (kind === 9) this.#load(tape)
      else if (kind === 10) vcpu.setI32(PV.GDT_ENTRIES, tape.below(ENTRIES + 1))
      else vcpu.setI32(PV.LDT_ENTRIES, tape.below(2) === 0 ? tape.below(8193) : ENTRIES)
    } catch (error) {
      if (!(error instanceof DomainCrash)) throw error
      demand(!error.message.includes('\n'), 'a reason of more than one line')
      this.#reset()
    }
    this.#legal()
  }

  /** A descriptor as the hypervisor installs it: those it refuses never get there. */
  #describe(tape: Tape): void {
    const words = new Int32Array([tape.u32(), tape.u32()])
    if (tape.below(4) > 0) words.set([0xffff, 0x00c0_0000 | (tape.below(256) << 8) | (tape.below(16) << 20)])
    if (!fixDescriptor(words, 0)) return
    const place = (this.#tables[tape.below(2)]! >> 2) + 2 * (tape.below(8) === 0 ? tape.below(ENTRIES) : tape.below(8))
    this.#machine.vcpu.views.i32.set(words, place)
  }

  #return(tape: Tape): void {
    const { vcpu } = this.#machine
    const at = tape.below(4) > 0 ? STACK + 0x800n : tape.pick(PLACES)
    const fields = [1n, 2n, 3n, BigInt(tape.below(3) << 8), tape.pick(PLACES), selector(tape), flags(tape)]
    const frame = new Uint8Array(BigUint64Array.from([...fields, tape.pick(PLACES), selector(tape)]).buffer)
    this.#memory.asKernel(at, frame, true)
    if (tape.below(16) === 0) vcpu.setI32(PV.USER_ROOT, tape.below(2))
    vcpu.setGpr(RSP, at)
    this.#iret()
  }

  #iret(): void {
    const { vcpu } = this.#machine
    if (!inKernel(vcpu)) toggleMode(vcpu)
    const answer = iret(1, vcpu, this.#memory, this.#descriptors, this.#upcallMask)
    if (answer === undefined || answer === 'step') this.#mayRun()
    else this.#mayRaise(answer)
  }

  /** A return that raised nothing goes to code that CPL 3 can run where it is. */
  #mayRun(): void {
    const { vcpu } = this.#machine
    const { rip } = vcpu
    const cs = vcpu.i32(PV.CS)
    const descriptor = this.#descriptors.read(cs)
    if (descriptor === undefined || 'vector' in descriptor) finding(`a return to the selector ${cs.toString(16)}`)
    const { high, limit } = descriptor
    const code = (high & 0x9800) === 0x9800 && ((high & 0x400) !== 0 || (high & 0x6000) === 0x6000)
    if (!code) finding(`a return to a segment ${high.toString(16)}`)
    if (((high & 0x20_0000) !== 0) !== (vcpu.i32(CPU.COMPAT) === 0)) finding('a return to the wrong mode')
    if (vcpu.i32(CPU.COMPAT) === 0) {
      demand(BigInt.asUintN(64, BigInt.asIntN(48, rip)) === rip, 'a return to an address that is none')
    } else if (rip > BigInt(limit) && cs !== 0xe023) finding(`a return to ${rip.toString(16)}, past the limit`)
  }

  #mayRaise({ vector, error }: { readonly vector: number; readonly error?: number }): void {
    if (!MAY_RAISE.has(vector)) finding(`exception ${vector}`)
    if (vector !== 14 && error !== undefined && error > 0 && (error & ~0xfffc) !== 0) finding(`error code ${error}`)
  }

  #enter(tape: Tape): void {
    const { vcpu } = this.#machine
    if (tape.below(2) === 0) vcpu.setGpr(RSP, tape.pick(PLACES))
    if (tape.below(2) === 0) vcpu.setU64(PV.KERNEL_SP, tape.pick(PLACES))
    this.#mask = tape.below(2)
    writeRflags(vcpu, flags(tape) & CF_TO_OF)
    const to = { address: tape.pick(PLACES), errorCode: tape.below(3) - 1, masksEvents: tape.below(2) === 0 }
    this.#bounce(1, vcpu, this.#memory, this.#upcallMask, { ...to, what: 'fuzzed' })
    demand(inKernel(vcpu) && vcpu.rip === to.address, 'an entry that is elsewhere')
    demand(vcpu.i32(CPU.COMPAT) === 0 && vcpu.i32(PV.CS) === 0xe033, 'an entry that is not 64-bit')
    demand((readRflags(vcpu) & 0x34100n) === 0n, 'an entry with flags that are cleared')
    if (to.masksEvents) demand(this.#mask === 1, 'an entry that does not mask events')
  }

  /** An entry, and the return that a kernel makes of its frame. */
  #roundTrip(tape: Tape): void {
    this.#reset()
    const { vcpu } = this.#machine
    const errorCode = tape.below(2) - 1
    if (tape.below(2) === 0) toggleMode(vcpu)
    for (let n = 0; n < 16; n++) if (n !== RSP) vcpu.setGpr(n, BigInt(tape.byte()) << BigInt(n * 3))
    vcpu.setGpr(RSP, STACK + 0x1000n + BigInt(tape.byte()))
    writeRflags(vcpu, 0x202n | (flags(tape) & CF_TO_OF))
    const wasKernel = inKernel(vcpu)
    const before = this.#shown()
    this.#bounce(1, vcpu, this.#memory, this.#upcallMask, {
      address: 0x1234n,
      errorCode,
      masksEvents: true,
      what: 'fuzzed',
    })
    const words = new BigUint64Array(errorCode < 0 ? 7 : 8)
    this.#memory.asKernel(vcpu.gpr(RSP), new Uint8Array(words.buffer), false)
    const [rcx, r11] = words
    const frame = BigUint64Array.from([vcpu.gpr(0), r11!, rcx!, 0n, ...words.subarray(words.length - 5)])
    vcpu.setGpr(RSP, STACK + 0x100n)
    this.#memory.asKernel(STACK + 0x100n, new Uint8Array(frame.buffer), true)
    const answer = iret(1, vcpu, this.#memory, this.#descriptors, this.#upcallMask)
    if (answer !== undefined) finding(`a bounce frame cannot be returned by: ${JSON.stringify(answer)}`)
    demand(inKernel(vcpu) === wasKernel, 'a return to the other mode')
    const after = this.#shown()
    if (after !== before) finding(`a bounce frame comes back as ${after}, not ${before}`)
  }

  #shown(): string {
    const { vcpu } = this.#machine
    const { gpr, rip, rflags } = this.#machine.state
    const words = [...gpr, rip, rflags & CF_TO_OF, BigInt(vcpu.i32(PV.CS)), BigInt(vcpu.i32(PV.SS))]
    return [...words.map((word) => word.toString(16)), `mask ${this.#mask}`].join(' ')
  }

  #load(tape: Tape): void {
    const reg = [0, 2, 3, 4, 5][tape.below(5)]!
    const answer = loadSegment(this.#machine.vcpu, this.#descriptors, reg, Number(selector(tape) & 0xffffn))
    if (answer !== undefined) this.#mayRaise(answer)
  }

  /** Whatever was tried, the vCPU is where CPL 3 can be. */
  #legal(): void {
    const { vcpu } = this.#machine
    const rflags = readRflags(vcpu)
    if ((rflags & ~ALLOWED_FLAGS) !== 0n) finding(`flags ${rflags.toString(16)}`)
    for (const selector of SELECTORS) if (vcpu.i32(selector) >>> 16 !== 0) finding('a selector of more than 16 bits')
    demand((vcpu.i32(PV.CS) & 3) === 3, 'code of another privilege')
    demand(vcpu.i32(CPU.COMPAT) >>> 1 === 0 && vcpu.i32(CPU.USER) >>> 1 === 0, 'a mode that is none')
    demand(this.#mask === 0 || this.#mask === 1, 'a mask that is neither set nor clear')
  }

  readonly #upcallMask = {
    get: (): number => this.#mask,
    set: (mask: number): void => {
      this.#mask = mask
    },
  }
}

/** Of the tables' first entries, of the flat segments, or any. */
function selector(tape: Tape): bigint {
  const kind = tape.below(8)
  if (kind < 4) return BigInt((tape.below(9) << 3) | tape.below(8))
  return kind < 7 ? BigInt(tape.pick(FLAT)) : BigInt(tape.u32())
}

const flags = (tape: Tape): bigint =>
  tape.below(4) === 0 ? BigInt(tape.u32()) : 0x202n | BigInt(tape.below(65_536) & 0xfff)

/** @param judged enters the kernel; a test gives a wrong one */
export function framesTarget(judged: Bounced = bounce): Target {
  return {
    name: 'frames',
    input: 'one entry, return or load',
    stride: ACT,
    life: 1 << 20,
    open: () => new FramesJudge(judged),
  }
}
