/**
 * The instruction decoder. Each place of a case is decoded in both modes: it never throws, agrees with iced but where
 * test/decode/differences.ts says otherwise, depends on the bytes it consumes and no others, and asks for more exactly
 * where these are cut.
 */
import type { Decoded, DecodeFault, Operand } from '../../../libs/cpu-x86/src/decode/decoded.ts'
import { type Decode, decode, isFault } from '../../../libs/cpu-x86/src/decode/decoder.ts'
import { difference } from '../../../libs/cpu-x86/test/decode/differences.ts'
import { Iced } from '../../../libs/cpu-x86/test/decode/iced-text.ts'
import type { Random } from '../random.ts'
import { finding, type Judge, type Target } from '../target.ts'

const STRIDE = 16
const PLACES = 256
const MAX_LENGTH = 15
/** Of the places where length and verdict agree, one in so many is compared in full. */
const FULL_ONE_IN = 64

const LEGACY: readonly number[] = [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3]
const MANDATORY: readonly number[] = [0x66, 0xf2, 0xf3]

class DecoderJudge implements Judge {
  readonly #decode: Decode
  readonly #case = new Uint8Array(STRIDE * PLACES)
  readonly #scratch = new Uint8Array(STRIDE * 2)
  #count = 0

  constructor(decode: Decode) {
    this.#decode = decode
  }

  make(random: Random): Uint8Array {
    const bytes = random.fill(this.#case)
    // One case in eight stays as it is: bytes of any kind.
    if (random.oneIn(8)) return bytes
    for (let at = 0; at < bytes.length; at += STRIDE) this.#shape(random, bytes, at)
    return bytes
  }

  /** Prefixes, a REX byte, a map: then what the bytes say. */
  #shape(random: Random, bytes: Uint8Array, start: number): void {
    let at = start
    const choice = random.u32()
    const prefixes = [0, 0, 0, 1, 1, 1, 2, 3][choice & 7]!
    for (let n = 0; n < prefixes; n++) bytes[at++] = random.pick(n === 0 ? MANDATORY : LEGACY)
    // Up to the limit of 15 bytes and past it.
    if ((choice & 0x7f00) === 0) for (const end = at + random.below(16); at < end; ) bytes[at++] = random.pick(LEGACY)
    if (at >= start + STRIDE - 4) return
    // VEX, of the first maps: the rest of its bits as they come.
    if (((choice >>> 27) & 7) === 7) {
      bytes[at] = 0xc4 | ((choice >>> 26) & 1)
      if (bytes[at] === 0xc4) bytes[at + 1] = (bytes[at + 1]! & 0xe0) | (choice & 3)
      return
    }
    if ((choice & 0x30000) !== 0) bytes[at++] = 0x40 | ((choice >> 20) & 15)
    const map = (choice >> 24) & 7
    if (map >= 2) bytes[at++] = 0x0f
    if (map >= 6) bytes[at++] = map === 6 ? 0x38 : 0x3a
  }

  judge(bytes: Uint8Array): number {
    const end = bytes.length - MAX_LENGTH
    let inputs = 0
    for (const mode of [64, 32] as const) {
      const iced = new Iced(bytes, mode)
      try {
        for (let at = 0; at < end; at += STRIDE) {
          this.#place(bytes, at, mode, iced)
          inputs++
        }
      } finally {
        iced.free()
      }
    }
    return inputs
  }

  #place(bytes: Uint8Array, at: number, mode: 32 | 64, iced: Iced): void {
    const ours = this.#decode(bytes, at, bytes.length, mode)
    const theirs = iced.length(at)
    const fault = isFault(ours)
    const agree = fault ? theirs === 0 && ours.fault !== 'more' : ours.length === theirs
    if (!agree || this.#count++ % FULL_ONE_IN === 0) {
      const why = difference(ours, iced.decode(at))
      if (why !== undefined && !(fault && theirs === 0 && ours.fault === 'toolong')) {
        finding(`${mode}-bit ${hexAt(bytes, at)}: ${why}`)
      }
    }
    if (fault) this.#refused(bytes, at, mode, ours)
    else this.#accepted(bytes, at, mode, ours)
  }

  #accepted(bytes: Uint8Array, at: number, mode: 32 | 64, ours: Decoded): void {
    const { length } = ours
    if (!(length >= 1 && length <= MAX_LENGTH)) finding(`${mode}-bit ${hexAt(bytes, at)}: length ${length}`)
    const scratch = this.#scratch
    for (let n = 0; n < STRIDE; n++) scratch[n] = n < length ? bytes[at + n]! : ~bytes[at + n]!
    const again = this.#decode(scratch, 0, length, mode)
    if (isFault(again) || !same(ours, again)) {
      finding(`${mode}-bit ${hexAt(bytes, at)}: depends on more than its ${length} bytes`)
    }
    const cut = this.#count % length
    const short = this.#decode(scratch, 0, cut, mode)
    if (!isFault(short) || short.fault !== 'more') {
      finding(
        `${mode}-bit ${hexAt(bytes, at)}: cut after ${cut} of ${length} bytes it answers ${told(short)}, not more`,
      )
    }
  }

  /** Cut short it may ask for more; but nothing that is refused becomes an instruction by losing bytes. */
  #refused(bytes: Uint8Array, at: number, mode: 32 | 64, { fault }: DecodeFault): void {
    const cut = this.#count % MAX_LENGTH
    const short = this.#decode(bytes, at, at + cut, mode)
    if (!isFault(short) || (short.fault !== 'more' && short.fault !== fault)) {
      finding(`${mode}-bit ${hexAt(bytes, at)}: ${fault}, but cut after ${cut} bytes ${told(short)}`)
    }
  }
}

function same(a: Decoded, b: Decoded): boolean {
  if (a.row !== b.row || a.length !== b.length || a.size !== b.size || a.addressSize !== b.addressSize) return false
  if (a.lock !== b.lock || a.rep !== b.rep || a.modrm !== b.modrm || a.operands.length !== b.operands.length)
    return false
  return a.operands.every((operand, n) => operand === b.operands[n] || sameOperand(operand, b.operands[n]!))
}

function sameOperand(a: Operand, b: Operand): boolean {
  const other = b as unknown as Record<string, unknown>
  return Object.entries(a).every(([key, value]) => other[key] === value)
}

const told = (answer: Decoded | DecodeFault): string => (isFault(answer) ? answer.fault : answer.row.name)
const hexAt = (bytes: Uint8Array, at: number): string => Buffer.from(bytes.subarray(at, at + STRIDE)).toString('hex')

/** @param decode what is judged; a test gives a wrong one */
export function decoderTarget(judged: Decode = decode): Target {
  return {
    name: 'decoder',
    input: 'one decoding, in one mode',
    stride: STRIDE,
    life: 1 << 20,
    open: () => new DecoderJudge(judged),
  }
}
