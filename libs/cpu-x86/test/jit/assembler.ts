/** Where a displacement of 32 bits or an absolute address of 64 is to be filled in. */
interface Reference {
  readonly at: number
  readonly label: number
}

/** Bytes of code with numbered labels: jumps name labels that may come later. Labels and offsets count from the start. */
export class Assembler {
  readonly bytes: number[] = []
  readonly #labels = new Map<number, number>()
  readonly #relative: Reference[] = []

  get offset(): number {
    return this.bytes.length
  }

  put(...bytes: number[]): this {
    for (const byte of bytes) this.bytes.push(byte & 0xff)
    return this
  }

  /** Nops up to an offset. */
  skipTo(offset: number): this {
    while (this.offset < offset) this.put(0x90)
    return this
  }

  label(label: number): this {
    this.#labels.set(label, this.offset)
    return this
  }

  /** An opcode with 32 bits of displacement to a label. */
  to(label: number, ...opcode: number[]): this {
    this.put(...opcode)
    this.#relative.push({ at: this.offset, label })
    return this.put(0, 0, 0, 0)
  }

  jmp(label: number): this {
    return this.to(label, 0xe9)
  }

  /** @param condition as in the opcode, 0 to 15 */
  jcc(condition: number, label: number): this {
    return this.to(label, 0x0f, 0x80 | condition)
  }

  call(label: number): this {
    return this.to(label, 0xe8)
  }

  place(label: number): number {
    const at = this.#labels.get(label)
    if (at === undefined) throw new RangeError(`no label ${label}`)
    return at
  }

  finish(): Uint8Array {
    const code = Uint8Array.from(this.bytes)
    const view = new DataView(code.buffer)
    for (const { at, label } of this.#relative) view.setInt32(at, this.place(label) - (at + 4), true)
    return code
  }
}
