/**
 * Runs guest code on this machine's CPU: the outside judge of what an instruction means. Needs an x86-64 Linux host and gcc.
 *
 *   const [result] = runNative([{ code: Uint8Array.of(0x48, 0x01, 0xd8), gpr: registers({ rax: 1n, rbx: 2n }) }])
 *   result.gpr[0] // 3n
 *
 * A case is a state, code that starts at CODE and ends by falling through its last byte, and what memory holds. Nothing is left over
 * from one case to the next. Memory is what lies at DATA (two pages between pages without access) and STACK (one page, likewise),
 * as 8-byte words; all of it is zero unless the case says otherwise, and the result lists the words that changed. Code may
 * overwrite itself, but not past its end. RSP starts at STACK + 4096 unless given.
 * A fault ends the case: `signal` is not 0, and the state is that at the fault (RIP as an offset from CODE). A case that runs for
 * two to four seconds is ended by SIGALRM. One process runs all cases, 300,000 per second.
 */
import { spawnSync } from 'node:child_process'
import { compiled } from './compiled.ts'

export const CODE = 0x20000000
export const DATA = 0x21000000
export const DATA_BYTES = 8192
export const STACK = 0x22000000
export const STACK_BYTES = 4096

export interface Word {
  /** Multiple of 8, in DATA or STACK. */
  readonly address: number
  readonly value: bigint
}

export interface NativeCase {
  readonly code: Uint8Array
  /** 32: compatibility mode. */
  readonly mode?: 32 | 64
  /** rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8 to r15. */
  readonly gpr: BigUint64Array
  /** The arithmetic flags and DF; other bits are ignored. */
  readonly rflags?: number
  /** FXSAVE image (SDM vol. 1, 10.5.1): x87, MXCSR, xmm0 to xmm15. Default: `initialFx()`. */
  readonly fx?: Uint8Array
  readonly memory?: readonly Word[]
}

export interface NativeResult {
  /** POSIX number, 0 if the code ran to its end. */
  readonly signal: number
  /** Exception vector and error code, where there was a signal; of a page fault also the address (CR2). */
  readonly vector: number
  readonly error: number
  readonly address: bigint
  /** Offset from CODE of the instruction that faulted (of the next one for traps). */
  readonly rip: number
  readonly gpr: BigUint64Array
  readonly rflags: number
  readonly fx: Uint8Array
  /** Words that differ from before. */
  readonly memory: readonly Word[]
}

export const SIGILL = 4
export const SIGTRAP = 5
export const SIGBUS = 7
export const SIGFPE = 8
export const SIGSEGV = 11
export const SIGALRM = 14

export const GPR_NAMES: readonly string[] = 'rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15'.split(' ')

/** A register file with these values, RSP at the end of STACK and zero elsewhere. */
export function registers(values: Readonly<Record<string, bigint>>): BigUint64Array {
  return BigUint64Array.from(GPR_NAMES, (name) => values[name] ?? (name === 'rsp' ? BigInt(STACK + STACK_BYTES) : 0n))
}

/** Image after fninit, with MXCSR 0x1f80 and all else zero. */
export function initialFx(): Uint8Array {
  const image = new Uint8Array(FX_BYTES)
  const view = new DataView(image.buffer)
  view.setUint16(0, 0x37f, true)
  view.setUint32(24, 0x1f80, true)
  return image
}

/** Words that cover `bytes` at an address, zero around them. */
export function words(address: number, bytes: Uint8Array): Word[] {
  const first = address & ~7
  const padded = new Uint8Array(((address + bytes.length + 7) & ~7) - first)
  padded.set(bytes, address - first)
  return Array.from(new BigUint64Array(padded.buffer), (value, n) => ({ address: first + 8 * n, value }))
}

/** @returns the results in the order of the cases */
export function runNative(cases: readonly NativeCase[]): NativeResult[] {
  const run = spawnSync(compiled('judge'), { input: encode(cases), maxBuffer: 2 ** 31 })
  if (run.error) throw run.error
  if (run.status !== 0) throw new Error(`the judge ended with ${run.signal ?? run.status}: ${run.stderr}`)
  return decode(run.stdout, cases.length)
}

const FX_BYTES = 512
const HEAD_BYTES = 16
const CPU_BYTES = FX_BYTES + 17 * 8
const RESULT_BYTES = 40
const WORD_BYTES = 16
const defaultFx = initialFx()

function encode(cases: readonly NativeCase[]): Uint8Array {
  const padded = (code: Uint8Array) => (code.length + 7) & ~7
  const sizes = cases.map((c) => HEAD_BYTES + CPU_BYTES + padded(c.code) + WORD_BYTES * (c.memory?.length ?? 0))
  const bytes = new Uint8Array(sizes.reduce((sum, size) => sum + size, 0))
  const view = new DataView(bytes.buffer)
  let at = 0
  for (const { code, mode = 64, gpr, rflags = 0, fx = defaultFx, memory = [] } of cases) {
    view.setUint32(at, code.length, true)
    view.setUint32(at + 4, mode, true)
    view.setUint32(at + 8, memory.length, true)
    bytes.set(fx, at + HEAD_BYTES)
    for (let n = 0; n < 16; n++) view.setBigUint64(at + HEAD_BYTES + FX_BYTES + 8 * n, gpr[n], true)
    view.setUint32(at + HEAD_BYTES + FX_BYTES + 128, rflags, true)
    at += HEAD_BYTES + CPU_BYTES
    bytes.set(code, at)
    at += padded(code)
    for (const { address, value } of memory) {
      view.setBigUint64(at, BigInt(offsetOf(address)), true)
      view.setBigUint64(at + 8, value, true)
      at += WORD_BYTES
    }
  }
  return bytes
}

function decode(output: Buffer, count: number): NativeResult[] {
  const bytes = new Uint8Array(output)
  const view = new DataView(bytes.buffer)
  const results: NativeResult[] = []
  let at = 0
  for (let n = 0; n < count; n++) {
    const changed = view.getUint32(at + 4, true)
    const cpu = at + RESULT_BYTES
    const memory: Word[] = []
    for (let w = 0; w < changed; w++) {
      const from = cpu + CPU_BYTES + WORD_BYTES * w
      memory.push({ address: addressOf(view.getUint32(from, true)), value: view.getBigUint64(from + 8, true) })
    }
    results.push({
      signal: view.getUint32(at, true),
      vector: view.getUint32(at + 8, true),
      error: view.getUint32(at + 16, true),
      rip: view.getInt32(at + 24, true),
      address: view.getBigUint64(at + 32, true),
      fx: bytes.subarray(cpu, cpu + FX_BYTES),
      gpr: new BigUint64Array(bytes.buffer, cpu + FX_BYTES, 16),
      rflags: view.getUint32(cpu + FX_BYTES + 128, true),
      memory,
    })
    at = cpu + CPU_BYTES + WORD_BYTES * changed
  }
  return results
}

const offsetOf = (address: number): number => (address >= STACK ? address - STACK + DATA_BYTES : address - DATA)
const addressOf = (offset: number): number => (offset >= DATA_BYTES ? offset - DATA_BYTES + STACK : offset + DATA)
