import { bugOn, HypervisorBug } from '@paravane/core'
import type { Decoded } from '../decode/decoded.ts'
import { type Decode, isFault } from '../decode/decoder.ts'
import type { Row } from '../insn/row.ts'
import { type Form, formKey, formOf, formShape, loopForms, NO_SHAPE } from './forms.ts'

/**
 * Where a domain's memory keeps the list of forms that its records use: {i32 lock, i32 count} then 16 bytes a form. There is
 * room for more than the instruction table has (test/insn-table), whatever a guest runs.
 */
export const FORM_LIST = {
  AT: 0x1000,
  LOCK: 0x1000,
  COUNT: 0x1004,
  FIRST: 0x1010,
  ENTRY: 16,
  MAX: 0x7000,
  END: 0x1010 + 0x7000 * 16,
} as const

let loop: readonly Form[] | undefined
/** The forms of the main loop, made once a thread. */
export function sharedLoopForms(): readonly Form[] {
  loop ??= loopForms()
  return loop
}

/**
 * Numbers of forms as records hold them: those of the loop first, then the out-of-line ones in the order in which any worker
 * met them. The latter are listed in the domain's memory as instruction bytes, so that all workers agree.
 */
export class FormRegistry {
  readonly #i32: Int32Array<ArrayBufferLike>
  readonly #u8: Uint8Array<ArrayBufferLike>
  readonly #forms: Form[]
  readonly #numbers: Map<string, number>
  /** By row and shape, as soon as they were asked for. */
  readonly #known = new Map<Row, Map<number, number>>()
  readonly #loopCount: number
  readonly #decode: Decode

  /** @param decode the same for all workers */
  constructor(memory: WebAssembly.Memory, decode: Decode) {
    this.#decode = decode
    this.#i32 = new Int32Array(memory.buffer)
    this.#u8 = new Uint8Array(memory.buffer)
    this.#forms = [...sharedLoopForms()]
    this.#loopCount = this.#forms.length
    this.#numbers = new Map(this.#forms.map((f, n) => [f.key, n]))
    this.#readNew()
  }

  /** The number of the instruction's form; `bytes` are the instruction's own, for the list. */
  number(insn: Decoded, bytes: Uint8Array): number {
    const shape = formShape(insn)
    let shapes = this.#known.get(insn.row)
    const known = shapes?.get(shape)
    if (known !== undefined) return known
    const number = this.#numberOf(insn, bytes)
    if (!shapes) {
      shapes = new Map()
      this.#known.set(insn.row, shapes)
    }
    if (shape !== NO_SHAPE) shapes.set(shape, number)
    return number
  }

  #numberOf(insn: Decoded, bytes: Uint8Array): number {
    const key = formKey(insn)
    const known = this.#numbers.get(key)
    if (known !== undefined) return known
    const lock = FORM_LIST.LOCK >> 2
    while (Atomics.compareExchange(this.#i32, lock, 0, 1) !== 0) Atomics.wait(this.#i32, lock, 1, 1)
    this.#readNew()
    if (!this.#numbers.has(key)) this.#append(insn, bytes)
    Atomics.store(this.#i32, lock, 0)
    Atomics.notify(this.#i32, lock)
    return this.#numbers.get(key) as number
  }

  form(n: number): Form {
    if (n >= this.#forms.length) this.#readNew()
    return this.#forms[n]
  }

  isInLoop(n: number): boolean {
    return n < this.#loopCount
  }

  #append(insn: Decoded, bytes: Uint8Array): void {
    const count = this.#i32[FORM_LIST.COUNT >> 2]
    bugOn(count >= FORM_LIST.MAX, 'the list of instruction forms is full')
    const at = FORM_LIST.FIRST + count * FORM_LIST.ENTRY
    this.#u8[at] = bytes.length | (insn.mode === 32 ? 0x80 : 0)
    this.#u8.set(bytes, at + 1)
    Atomics.store(this.#i32, FORM_LIST.COUNT >> 2, count + 1)
    this.#readNew()
  }

  #readNew(): void {
    const count = Atomics.load(this.#i32, FORM_LIST.COUNT >> 2)
    for (let n = this.#forms.length - this.#loopCount; n < count; n++) {
      const at = FORM_LIST.FIRST + n * FORM_LIST.ENTRY
      const head = this.#u8[at]
      const bytes = this.#u8.slice(at + 1, at + 1 + (head & 15))
      const insn = this.#decode(bytes, 0, bytes.length, head & 0x80 ? 32 : 64)
      if (isFault(insn)) throw new HypervisorBug('the list of instruction forms is damaged')
      const form = formOf(insn)
      this.#numbers.set(form.key, this.#forms.length)
      this.#forms.push(form)
    }
  }
}
