import type { Decoded } from '../decode/decoded.ts'
import { type Decode, isFault } from '../decode/decoder.ts'
import { usesFpu } from '../insn/uses-fpu.ts'
import { CODE_TABLE, CPU } from '../state/layout.ts'
import type { VcpuMemory } from '../state/vcpu-memory.ts'
import { dropAllCode, dropCode, dropTable, tableOf } from './drop-code.ts'
import { encodeOperands } from './encode.ts'
import type { FormRegistry } from './form-registry.ts'
import { HANDLER, hotAfter, NEVER_HOT, OFFSET_MASK, REC } from './record.ts'

/** Most instructions of one straight run: between two jumps no more are retired without looking at the limit. */
export const RUN_LIMIT = 64

/** #UD, #NM, and #GP(0) for an instruction of more than 15 bytes, as INVALID records hold them: vector | (error + 1) << 8. */
const INVALID_OPCODE = 6
const DEVICE_NOT_AVAILABLE = 7
const TOO_LONG = 13 | (1 << 8)

/** Of code tables, before all are dropped and numbered anew. */
const LAST_VERSION = 0x7fffff00

/** Jumps to a place before it asks for a region that is compiled already. */
export const WARM = 16

export interface CodeCacheOptions {
  readonly decode: Decode
  /** Jumps to a place before it asks for a region, or NEVER_HOT. */
  readonly hotThreshold: number
  /**
   * A frame has a table, and nothing is translated yet: stores to it are to be watched from now on. The vCPU may leave the guest
   * meanwhile.
   */
  readonly watch: (frameHost: number) => void
  /** Whether a region for the place may be there already: few jumps are enough then. */
  readonly isCompiled?: (frameHost: number, offset: number) => boolean
}

/** One vCPU's decoded code: records and code tables in its arena, found by frame and offset. */
export class CodeCache {
  /** Jumps to a place before it asks for a region. */
  readonly hotThreshold: number
  readonly #vcpu: VcpuMemory
  readonly #forms: FormRegistry
  readonly #decode: Decode
  readonly #watch: (frameHost: number) => void
  readonly #isCompiled: CodeCacheOptions['isCompiled']

  constructor(vcpu: VcpuMemory, forms: FormRegistry, options: CodeCacheOptions) {
    this.#vcpu = vcpu
    this.#forms = forms
    this.#decode = options.decode
    this.hotThreshold = hotAfter(options.hotThreshold)
    this.#watch = options.watch
    this.#isCompiled = options.isCompiled
  }

  /** Host address of the frame's code table of the current mode, made if there is none; the frame is watched then. */
  tableOf(frameHost: number): number {
    const slot = (this.#vcpu.i32(CPU.CODE_TABLES) + (frameHost >>> 12) * 4) >> 2
    const { i32, u8 } = this.#vcpu.views
    for (;;) {
      const known = i32[slot]
      const mode = this.#vcpu.i32(CPU.COMPAT)
      if (known !== 0 && i32[(known + CODE_TABLE.MODE) >> 2] === mode) return known
      if (known !== 0) dropTable(this.#vcpu, frameHost)
      const table = this.#allocateTable()
      u8.fill(0, table, table + CODE_TABLE.BYTES)
      const version = this.#vcpu.i32(CPU.CODE_VERSION) + 1
      this.#vcpu.setI32(CPU.CODE_VERSION, version)
      i32[(table + CODE_TABLE.VERSION) >> 2] = version
      i32[(table + CODE_TABLE.MODE) >> 2] = mode
      Atomics.store(i32, slot, table)
      // It may be gone after that.
      this.#watch(frameHost)
    }
  }

  /** The record that the instruction at `offset` of the frame has already, or 0. */
  known(frameHost: number, offset: number): number {
    const table = tableOf(this.#vcpu, frameHost)
    return table === 0 ? 0 : this.#vcpu.views.i32[(table >> 2) + offset]
  }

  /** The record of the instruction at `offset` of the frame, translated now if need be. */
  record(frameHost: number, offset: number): number {
    this.reserve()
    const table = this.tableOf(frameHost)
    return this.#vcpu.views.i32[(table >> 2) + offset] || this.#translate(frameHost, table, offset)
  }

  /** Room for one more table and run, dropping every translation if the arena is full. */
  reserve(): boolean {
    const room = this.#vcpu.i32(CPU.ARENA_END) - this.#vcpu.i32(CPU.ARENA_NEXT)
    const isFresh = this.#vcpu.i32(CPU.CODE_VERSION) < LAST_VERSION
    if (isFresh && room >= 2 * CODE_TABLE.BYTES + (RUN_LIMIT + 4) * REC.BYTES) return false
    if (!isFresh) this.#vcpu.setI32(CPU.CODE_VERSION, 0)
    this.dropAll()
    return true
  }

  #translate(frameHost: number, table: number, from: number): number {
    const { i32, u8 } = this.#vcpu.views
    const mode = this.#vcpu.i32(CPU.COMPAT) ? 32 : 64
    const noFpu = this.#vcpu.i32(CPU.NO_FPU) !== 0
    const first = this.#vcpu.i32(CPU.ARENA_NEXT)
    let rec = first
    let offset = from
    const pseudo = (handler: number, imm: number, target: number) => {
      this.#pseudo(rec, handler, offset, imm, target)
      rec += REC.BYTES
    }
    for (let n = 0; ; n++) {
      const known = offset < 4096 ? i32[(table >> 2) + offset] : 0
      if (known !== 0 || n === RUN_LIMIT || offset === 4096) {
        pseudo(HANDLER.CONTINUE, offset, known)
        break
      }
      i32[(table >> 2) + offset] = rec
      const insn = this.#decode(u8, frameHost + offset, frameHost + 4096, mode)
      if (isFault(insn)) {
        if (insn.fault === 'more') {
          // Room for the instruction and what follows it, filled in by `crossInto`.
          pseudo(HANDLER.CROSSING, 0, 0)
          rec += 2 * REC.BYTES
        } else pseudo(HANDLER.INVALID, insn.fault === 'toolong' ? TOO_LONG : INVALID_OPCODE, 0)
        break
      }
      if (noFpu && usesFpu(insn.row)) {
        pseudo(HANDLER.INVALID, DEVICE_NOT_AVAILABLE, 0)
        break
      }
      this.encode(rec, insn, offset, u8.subarray(frameHost + offset, frameHost + offset + insn.length))
      if (this.#isCompiled?.(frameHost, offset)) this.#warm(rec)
      rec += REC.BYTES
      offset += insn.length
      if (insn.row.ends && !insn.row.fallsThrough && !insn.row.calls) break
    }
    this.#vcpu.setI32(CPU.ARENA_NEXT, rec)
    return first
  }

  /**
   * Completes the CROSSING record at `rec`: its instruction, whose bytes go on in the frame `next`, is at `offset` of its page.
   * Whether there was a place to note it in that frame's table.
   */
  crossInto(rec: number, next: number, insn: Decoded, offset: number, bytes: Uint8Array): boolean {
    const { i32 } = this.#vcpu.views
    const first = (this.tableOf(next) + CODE_TABLE.CROSSINGS) >> 2
    let place = first
    while (place < first + CODE_TABLE.MOST_CROSSINGS && i32[place] !== 0 && i32[place] !== rec) place++
    if (place === first + CODE_TABLE.MOST_CROSSINGS) return false
    i32[place] = rec
    this.encode(rec + REC.BYTES, insn, offset, bytes)
    const after = offset + insn.length
    this.#pseudo(rec + 2 * REC.BYTES, HANDLER.CONTINUE, after, after, 0)
    i32[(rec + REC.TARGET) >> 2] = next
    return true
  }

  encode(rec: number, insn: Decoded, offset: number, bytes: Uint8Array): void {
    const { i32, u16 } = this.#vcpu.views
    const form = this.#forms.number(insn, bytes)
    const handler = this.#forms.isInLoop(form) ? HANDLER.FIRST_FORM + form : HANDLER.OUT_OF_LINE
    u16[(rec + REC.HANDLER) >> 1] = handler
    i32[(rec + REC.FORM) >> 2] = form
    // Regions know of no #NM.
    u16[(rec + REC.HOT) >> 1] = this.#vcpu.i32(CPU.NO_FPU) ? NEVER_HOT : this.hotThreshold
    encodeOperands(this.#vcpu, rec, insn, offset)
  }

  #warm(rec: number): void {
    const hot = (rec + REC.HOT) >> 1
    const { u16 } = this.#vcpu.views
    if (u16[hot] !== NEVER_HOT) u16[hot] = Math.min(u16[hot], WARM)
  }

  /** A record that is no instruction. */
  #pseudo(rec: number, handler: number, offset: number, imm: number, target: number): void {
    const { i32, u16 } = this.#vcpu.views
    u16[(rec + REC.HANDLER) >> 1] = handler
    u16[(rec + REC.HOT) >> 1] = NEVER_HOT
    u16[(rec + REC.PLACE) >> 1] = offset & OFFSET_MASK
    i32[(rec + REC.IMM) >> 2] = imm
    i32[(rec + REC.TARGET) >> 2] = target
  }

  #allocateTable(): number {
    const free = this.#vcpu.i32(CPU.FREE_TABLES)
    if (free !== 0) {
      this.#vcpu.setI32(CPU.FREE_TABLES, this.#vcpu.views.i32[free >> 2])
      return free
    }
    const at = this.#vcpu.i32(CPU.ARENA_NEXT)
    this.#vcpu.setI32(CPU.ARENA_NEXT, at + CODE_TABLE.BYTES)
    return at
  }

  /** The bytes of a frame were changed; see `dropCode`. */
  written(frameHost: number, from: number, length: number): boolean {
    return dropCode(this.#vcpu, frameHost, from, length)
  }

  /** A region was made from these bytes of the frame. */
  usedByRegion(frameHost: number, from: number, to: number): void {
    const { i32 } = this.#vcpu.views
    const bits = (this.tableOf(frameHost) + CODE_TABLE.GRANULES) >> 2
    for (let n = from >> 6; n <= (to - 1) >> 6; n++) i32[bits + (n >> 5)] |= 1 << (n & 31)
  }

  /** Host address of so many bytes of the arena, a multiple of 4, which are free when all translations are dropped; 0: no room. */
  allocate(bytes: number): number {
    const at = this.#vcpu.i32(CPU.ARENA_NEXT)
    if (at + bytes > this.#vcpu.i32(CPU.ARENA_END)) return 0
    this.#vcpu.setI32(CPU.ARENA_NEXT, at + bytes)
    return at
  }

  /** Drops every translation; RIP must hold the next instruction's address. */
  dropAll(): void {
    dropAllCode(this.#vcpu)
  }
}
