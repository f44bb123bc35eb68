/** Runs cases on this machine's CPU. Needs an x86-64 Linux host and gcc. */
import { spawnSync } from 'node:child_process'
import { compiled } from '../native/compiled.ts'
import { background, type Case, ENTRY, type Outcome, type Word } from './layout.ts'

const FX_BYTES = 512
const HEAD_BYTES = 32
const CPU_BYTES = FX_BYTES + 17 * 8
const RESULT_BYTES = 40
const WORD_BYTES = 16
const BREAKPOINT = 3
const PAGE_FAULT = 14
const SIGALRM = 14

const padded = (length: number): number => (length + 7) & ~7

/** @returns how each ended, undefined where it did not */
export function runOnHost(cases: readonly Case[]): (Outcome | undefined)[] {
  const run = spawnSync(compiled('insns'), { input: encode(cases), maxBuffer: 2 ** 31 })
  if (run.error) throw run.error
  if (run.status !== 0)
    throw new Error(`the host's run of instructions ended with ${run.signal ?? run.status}: ${run.stderr}`)
  return decode(run.stdout, cases)
}

function encode(cases: readonly Case[]): Uint8Array {
  const first = background()
  const patchBytes = ({ patches }: Case) => patches.reduce((sum, { bytes }) => sum + 16 + padded(bytes.length), 0)
  const sizes = cases.map((c) => HEAD_BYTES + CPU_BYTES + padded(c.code.length + 3) + patchBytes(c))
  const bytes = new Uint8Array(sizes.reduce((sum, size) => sum + size, first.length))
  const view = new DataView(bytes.buffer)
  bytes.set(first)
  let at = first.length
  for (const { mode, code, gpr, rflags, fx, fsbase, gsbase, patches } of cases) {
    view.setUint32(at, code.length + 3, true)
    view.setUint32(at + 4, mode, true)
    view.setUint32(at + 8, patches.length, true)
    view.setBigUint64(at + 16, BigInt(fsbase), true)
    view.setBigUint64(at + 24, BigInt(gsbase), true)
    bytes.set(fx, at + HEAD_BYTES)
    bytes.set(new Uint8Array(gpr.buffer), at + HEAD_BYTES + FX_BYTES)
    view.setUint32(at + HEAD_BYTES + FX_BYTES + 128, rflags, true)
    at += HEAD_BYTES + CPU_BYTES
    bytes.set(code, at)
    bytes.fill(0x90, at + code.length, at + code.length + 3)
    at += padded(code.length + 3)
    for (const { address, bytes: content } of patches) {
      view.setUint32(at, address, true)
      view.setUint32(at + 8, content.length, true)
      bytes.set(content, at + 16)
      at += 16 + padded(content.length)
    }
  }
  return bytes.subarray(0, at)
}

/** #BP is reported behind the int3; the instruction itself may be one, with prefixes. */
function placeOfInt3(rip: bigint, { code }: Case): bigint {
  return rip > BigInt(ENTRY) && rip <= BigInt(ENTRY + code.length) ? BigInt(ENTRY) : rip - 1n
}

function decode(output: Buffer, cases: readonly Case[]): (Outcome | undefined)[] {
  const bytes = new Uint8Array(output)
  const view = new DataView(bytes.buffer)
  const outcomes: (Outcome | undefined)[] = []
  let at = 0
  for (let n = 0; n < cases.length; n++) {
    const signal = view.getUint32(at, true)
    const words = view.getUint32(at + 4, true)
    const vector = view.getUint32(at + 8, true)
    const rip = view.getBigUint64(at + 24, true)
    const cpu = at + RESULT_BYTES
    const bases = cpu + CPU_BYTES
    const memory = Array.from({ length: words }, (_, w): Word => {
      const from = bases + 16 + WORD_BYTES * w
      return { address: view.getUint32(from, true), value: view.getBigUint64(from + 8, true) }
    })
    outcomes.push(
      signal === SIGALRM
        ? undefined
        : {
            vector,
            error: view.getUint32(at + 16, true),
            address: vector === PAGE_FAULT ? view.getBigUint64(at + 32, true) : 0n,
            rip: vector === BREAKPOINT ? placeOfInt3(rip, cases[n] as Case) : rip,
            fx: bytes.subarray(cpu, cpu + FX_BYTES),
            gpr: new BigUint64Array(bytes.buffer.slice(cpu + FX_BYTES, cpu + FX_BYTES + 128)),
            rflags: view.getUint32(cpu + FX_BYTES + 128, true),
            fsbase: view.getBigUint64(bases, true),
            gsbase: view.getBigUint64(bases + 8, true),
            memory,
          },
    )
    at = bases + 16 + WORD_BYTES * words
  }
  return outcomes
}
