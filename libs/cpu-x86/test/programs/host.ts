/** Runs programs on this machine's CPU. Needs an x86-64 Linux host and gcc. */
import { spawnSync } from 'node:child_process'
import { compiled } from '../native/compiled.ts'
import { type Final, FX_BYTES, IMAGE_BYTES, PAGE_FAULT, type Program } from './layout.ts'

const CPU_BYTES = FX_BYTES + 17 * 8
const IN_BYTES = 8 + CPU_BYTES + IMAGE_BYTES
const RESULT_BYTES = 40
const OUT_BYTES = RESULT_BYTES + CPU_BYTES + IMAGE_BYTES
/** Of a program that ran for two seconds. */
const SIGALRM = 14
const RUNS_ON = 0xffff

/** @returns how each ended, undefined where it did not */
export function runOnHost(programs: readonly Program[], readOnly: Uint8Array): (Final | undefined)[] {
  const input = new Uint8Array(readOnly.length + programs.length * IN_BYTES)
  const view = new DataView(input.buffer)
  input.set(readOnly)
  let at = readOnly.length
  for (const { entry, gpr, rflags, fx, image } of programs) {
    view.setUint32(at, entry, true)
    input.set(fx, at + 8)
    for (let n = 0; n < 16; n++) view.setBigUint64(at + 8 + FX_BYTES + 8 * n, gpr[n], true)
    view.setUint32(at + 8 + FX_BYTES + 128, rflags, true)
    input.set(image, at + 8 + CPU_BYTES)
    at += IN_BYTES
  }
  const run = spawnSync(compiled('programs'), { input, maxBuffer: 2 ** 31 })
  if (run.error) throw run.error
  if (run.status !== 0)
    throw new Error(`the host's run of programs ended with ${run.signal ?? run.status}: ${run.stderr}`)
  return programs.map((_, n) => finalOf(run.stdout.subarray(n * OUT_BYTES, (n + 1) * OUT_BYTES)))
}

function finalOf(bytes: Buffer): Final | undefined {
  const signal = bytes.readUInt32LE(0)
  if (signal === RUNS_ON || signal === SIGALRM) return undefined
  const vector = bytes.readUInt32LE(8)
  const cpu = bytes.subarray(RESULT_BYTES)
  return {
    vector,
    error: bytes.readUInt32LE(16),
    address: vector === PAGE_FAULT ? bytes.readBigUInt64LE(32) : 0n,
    rip: bytes.readBigUInt64LE(24),
    gpr: BigUint64Array.from({ length: 16 }, (_, n) => cpu.readBigUInt64LE(FX_BYTES + 8 * n)),
    rflags: cpu.readUInt32LE(FX_BYTES + 128),
    fx: cpu.subarray(0, FX_BYTES),
    image: cpu.subarray(CPU_BYTES),
  }
}
