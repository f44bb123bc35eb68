import type { Decoded } from '../decode/decoded.ts'
import { type Decode, isFault } from '../decode/decoder.ts'
import { decode as policyDecode } from '../state/policy.ts'
import { CODE_TABLE_BYTES, CPU, FRAME } from '../state/layout.ts'
import type { VcpuMemory } from '../state/vcpu-memory.ts'
import { encodeOperands } from './encode.ts'
import type { FormRegistry } from './form-registry.ts'
import { HANDLER, REC } from './record.ts'

/** Most instructions of one straight run: between two jumps no more are retired without looking at the limit. */
export const RUN_LIMIT = 64

/** #UD, and #GP(0) for an instruction of more than 15 bytes, as INVALID records hold them: vector | (error + 1) << 8. */
const INVALID_OPCODE = 6n
const TOO_LONG = 13n | (1n << 8n)

export interface CodeCacheOptions {
  readonly decode?: Decode
  /** Jumps to a place before it asks for a region. */
  readonly hotThreshold?: number
  /** Called when a frame gets its first translation: other vCPUs of the domain must lose their write permission to it. */
  readonly onNewCodeFrame?: (frameHost: number) => void
}

/** One vCPU's decoded code: records and code tables in its arena, found by frame and offset. */
export class CodeCache {
  readonly #vcpu: VcpuMemory
  readonly #forms: FormRegistry
  readonly #decode: Decode
  readonly #hotThreshold: number
  readonly #onNewCodeFrame: (frameHost: number) => void

  constructor(vcpu: VcpuMemory, forms: FormRegistry, options: CodeCacheOptions = {}) {
    this.#vcpu = vcpu
    this.#forms = forms
    this.#decode = options.decode ?? policyDecode
    this.#hotThreshold = options.hotThreshold ?? 0x7fffffff
    this.#onNewCodeFrame = options.onNewCodeFrame ?? (() => {})
  }

  /** Host address of the frame's code table, made if there is none. */
  tableOf(frameHost: number): number {
    const slot = (this.#vcpu.i32(CPU.CODE_TABLES) + (frameHost >>> 12) * 4) >> 2
    const { i32, u8 } = this.#vcpu.views
    const known = i32[slot]
    if (known !== 0) return known
    const table = this.#allocate(CODE_TABLE_BYTES)
    u8.fill(0, table, table + CODE_TABLE_BYTES)
    i32[slot] = table
    const flags = this.#vcpu.i32(CPU.FRAME_FLAGS) + (frameHost >>> 12)
    if ((Atomics.or(u8, flags, FRAME.CODE) & FRAME.CODE) === 0) this.#onNewCodeFrame(frameHost)
    this.#vcpu.revokeWrites()
    return table
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
    if (room >= CODE_TABLE_BYTES + (RUN_LIMIT + 2) * REC.BYTES) return false
    this.dropAll()
    return true
  }

  #translate(frameHost: number, table: number, from: number): number {
    const { i32, u8, u64, u16 } = this.#vcpu.views
    const mode = this.#vcpu.i32(CPU.COMPAT) ? 32 : 64
    const first = this.#vcpu.i32(CPU.ARENA_NEXT)
    let rec = first
    let offset = from
    const pseudo = (handler: number, imm: bigint, target: number) => {
      i32[(rec + REC.HANDLER) >> 2] = handler
      u64[(rec + REC.IMM) >> 3] = imm
      i32[(rec + REC.TARGET) >> 2] = target
      u16[(rec + REC.OFFSET) >> 1] = offset
      i32[(rec + REC.HOT) >> 2] = 0x7fffffff
      rec += REC.BYTES
    }
    for (let n = 0; ; n++) {
      const known = offset < 4096 ? i32[(table >> 2) + offset] : 0
      if (known !== 0 || n === RUN_LIMIT || offset === 4096) {
        pseudo(HANDLER.CONTINUE, BigInt(offset), known)
        break
      }
      i32[(table >> 2) + offset] = rec
      const insn = this.#decode(u8, frameHost + offset, frameHost + 4096, mode)
      if (isFault(insn)) {
        if (insn.fault === 'more') pseudo(HANDLER.CROSSING, 0n, 0)
        else pseudo(HANDLER.INVALID, insn.fault === 'toolong' ? TOO_LONG : INVALID_OPCODE, 0)
        break
      }
      this.encode(rec, insn, offset, u8.subarray(frameHost + offset, frameHost + offset + insn.length))
      rec += REC.BYTES
      offset += insn.length
      if (insn.row.ends && !insn.row.fallsThrough) break
    }
    this.#vcpu.setI32(CPU.ARENA_NEXT, rec)
    return first
  }

  encode(rec: number, insn: Decoded, offset: number, bytes: Uint8Array): void {
    const { i32 } = this.#vcpu.views
    const form = this.#forms.number(insn, bytes)
    const handler = this.#forms.isInLoop(form) ? HANDLER.FIRST_FORM + form : HANDLER.OUT_OF_LINE
    i32[(rec + REC.HANDLER) >> 2] = handler
    i32[(rec + REC.FORM) >> 2] = form
    i32[(rec + REC.HOT) >> 2] = this.#hotThreshold
    encodeOperands(this.#vcpu, rec, insn, offset)
  }

  #allocate(bytes: number): number {
    const at = this.#vcpu.i32(CPU.ARENA_NEXT)
    this.#vcpu.setI32(CPU.ARENA_NEXT, at + bytes)
    return at
  }

  /**
   * The bytes of a frame were changed: drops its translations if any of them is made from these bytes. The current record is
   * forgotten, RIP holds.
   */
  written(frameHost: number, from: number, length: number): boolean {
    const { i32 } = this.#vcpu.views
    const slot = (this.#vcpu.i32(CPU.CODE_TABLES) + (frameHost >>> 12) * 4) >> 2
    const table = i32[slot]
    if (table === 0) return false
    // An instruction is at most 15 bytes long: one that begins up to 14 before the change may contain it.
    let touched = false
    for (let offset = Math.max(0, from - 14); offset < from + length && !touched; offset++)
      touched = i32[(table >> 2) + offset] !== 0
    if (!touched) return false
    i32.fill(0, table >> 2, (table + CODE_TABLE_BYTES) >> 2)
    this.#vcpu.setI32(CPU.REC, 0)
    return true
  }

  /** Drops every translation; RIP must hold the next instruction's address. */
  dropAll(): void {
    const { u8 } = this.#vcpu.views
    const tables = this.#vcpu.i32(CPU.CODE_TABLES)
    u8.fill(0, tables, this.#vcpu.i32(CPU.ARENA_START))
    this.#vcpu.setI32(CPU.ARENA_NEXT, this.#vcpu.i32(CPU.ARENA_START))
    this.#vcpu.setI32(CPU.REC, 0)
    this.#vcpu.flushExecuteTlb(false)
    this.#vcpu.flushExecuteTlb(true)
  }
}
