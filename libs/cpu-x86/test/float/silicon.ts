/** Runs single instructions on this machine's CPU, by way of `native/record.c`. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Sizes and offsets of `struct in` and `struct out` of the recorder. */
export const IN_BYTES = 648
export const OUT_BYTES = 664
export const IMAGE = 0
export const IN_MEM = 512
export const IN_RAX = 640
export const OUT_RAX = 512
export const OUT_RFLAGS = 520
export const OUT_MEM = 528
export const OUT_TRAP = 656
/** Offsets in the FXSAVE image. */
export const MXCSR = 24
export const ST0 = 32
export const XMM0 = 160
export const XMM1 = 176

export interface Batch {
  readonly name: string
  /** Instruction bytes; memory operands are at [rsi]. */
  readonly insn: readonly number[]
  /** One view of IN_BYTES per case. */
  readonly cases: readonly DataView[]
}

/** A case with clean floating-point state: fninit, MXCSR 0x1f80. */
export function blankCase(): DataView {
  const view = new DataView(new ArrayBuffer(IN_BYTES))
  view.setUint16(0, 0x037f, true)
  view.setUint32(MXCSR, 0x1f80, true)
  return view
}

/** @returns for each batch one view of OUT_BYTES per case */
export function record(batches: readonly Batch[]): DataView[][] {
  const directory = mkdtempSync(join(tmpdir(), 'paravane-silicon-'))
  try {
    const binary = join(directory, 'record')
    execFileSync('gcc', ['-O1', '-o', binary, fileURLToPath(new URL('./native/record.c', import.meta.url))])
    const input = Buffer.concat(batches.flatMap((batch) => [header(batch), ...batch.cases.map(bytes)]))
    const run = spawnSync(binary, { input, maxBuffer: 1 << 30 })
    if (run.status !== 0) throw new Error(`recorder ended with ${run.status ?? run.signal}`)
    let at = 0
    return batches.map((batch) =>
      batch.cases.map(() => {
        const view = new DataView(run.stdout.buffer, run.stdout.byteOffset + at, OUT_BYTES)
        at += OUT_BYTES
        return view
      }),
    )
  } finally {
    rmSync(directory, { recursive: true })
  }
}

const bytes = (view: DataView): Uint8Array => new Uint8Array(view.buffer, view.byteOffset, view.byteLength)

function header(batch: Batch): Buffer {
  const result = Buffer.alloc(24)
  result.writeUInt32LE(batch.insn.length, 0)
  result.writeUInt32LE(batch.cases.length, 4)
  result.set(batch.insn, 8)
  return result
}
