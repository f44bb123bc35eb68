/** As many as Linux's back end keeps. */
const ADDRESSES_MAX = 64
const IS_GROUP = 1
const BROADCAST = 0xffff_ffff_ffff

/** The multicast addresses that a front end wants to hear of, once it has said that it will name them. */
export class MulticastFilter {
  readonly #wanted = new Set<number>()
  readonly #isOn: boolean

  constructor(isOn: boolean) {
    this.#isOn = isOn
  }

  /** @returns false if there are too many */
  add(address: Uint8Array): boolean {
    if (this.#wanted.size >= ADDRESSES_MAX) return false
    this.#wanted.add(numberOf(address))
    return true
  }

  /** @returns false if it was not there */
  remove(address: Uint8Array): boolean {
    return this.#wanted.delete(numberOf(address))
  }

  /** Whether the front end wants a frame, by its destination. */
  admits(frame: Uint8Array): boolean {
    if (!this.#isOn || ((frame[0] as number) & IS_GROUP) === 0) return true
    const address = numberOf(frame)
    return address === BROADCAST || this.#wanted.has(address)
  }
}

/** The first six bytes. */
function numberOf(bytes: Uint8Array): number {
  let value = 0
  for (let at = 0; at < 6; at++) value = value * 256 + (bytes[at] as number)
  return value
}
