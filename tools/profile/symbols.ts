/** A guest's symbols: what System.map and /proc/kallsyms have, other lines left out. */
export class Symbols {
  /** Sorted by address; of one address the first. */
  readonly #addresses: readonly number[]
  readonly #names: readonly string[]

  /** @param text lines of 16 digits, a letter and a name: a console's output may hold more */
  constructor(text: string) {
    const found = [...text.matchAll(/^([0-9a-f]{16}) [A-Za-z] (\S+)/gm)].flatMap(([, address, name]) => {
      const at = Number(BigInt(`0x${address}`) & 0xffff_ffff_ffffn)
      return at === 0 ? [] : [[at, name] as const]
    })
    const sorted = found.toSorted(([a], [b]) => a - b).filter(([at], n, all) => n === 0 || all[n - 1][0] !== at)
    this.#addresses = sorted.map(([at]) => at)
    this.#names = sorted.map(([, name]) => name)
  }

  get size(): number {
    return this.#names.length
  }

  /** The symbol that an address of 48 bits is in, if it is one of a kernel, and how far. */
  find(address: number): { readonly name: string; readonly offset: number } | undefined {
    const { length } = this.#addresses
    let [low, high] = [0, length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#addresses[middle] <= address) low = middle + 1
      else high = middle
    }
    // Behind the last symbol there may be anything.
    if (low === 0 || low === length) return undefined
    const offset = address - this.#addresses[low - 1]
    return offset < FAR ? { name: this.#names[low - 1], offset } : undefined
  }

  name(address: number): string {
    const found = this.find(address)
    return found ? found.name + (found.offset ? `+0x${found.offset.toString(16)}` : '') : hex(address)
  }
}

/** No function is longer; what is further from a symbol is not of it. */
const FAR = 0x10_0000

/** All 64 bits of an address of 48. */
export function hex(address: number): string {
  return `0x${BigInt.asUintN(64, BigInt.asIntN(48, BigInt(address))).toString(16)}`
}
