/** Random numbers of 32 bits (sfc32), the same for the same name. Records depend on each number: never change this. */
export class Random {
  #a: number
  #b: number
  #c: number
  #count = 1

  constructor(name: string) {
    let h = 0x811c9dc5
    for (let n = 0; n < name.length; n++) h = Math.imul(h ^ name.charCodeAt(n), 0x01000193)
    this.#a = h
    this.#b = Math.imul(h, 0x85ebca6b) ^ name.length
    this.#c = ~h
    for (let n = 0; n < 12; n++) this.u32()
  }

  u32(): number {
    const sum = (this.#a + this.#b + this.#count++) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum
    return sum >>> 0
  }

  below(limit: number): number {
    return Math.floor((this.u32() / 0x1_0000_0000) * limit)
  }

  oneIn(n: number): boolean {
    return this.below(n) === 0
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T
  }
}
