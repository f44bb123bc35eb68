/** The memory of the judge (`native/native.ts`) as a tier sees it: the same pages, the same faults. */
import type { Access } from '../../src/builder/builder.ts'
import { DATA, DATA_BYTES, STACK, STACK_BYTES, type Word } from '../native/native.ts'

/** An exception that an instruction raised. */
export class GuestFault extends Error {
  readonly vector: number
  readonly errorCode: number
  /** Of a page fault. */
  readonly address: bigint

  constructor(vector: number, errorCode: number, address: bigint = 0n) {
    super(`exception ${vector}, error code ${errorCode}, address ${address.toString(16)}`)
    this.vector = vector
    this.errorCode = errorCode
    this.address = address
  }
}

const STACK_FAULT = 12
const GENERAL_PROTECTION = 13
const PAGE_FAULT = 14
/** Error code bits of a page fault. */
const WRITE = 2
const USER = 4

const RANGES = [
  [BigInt(DATA), BigInt(DATA + DATA_BYTES)],
  [BigInt(STACK), BigInt(STACK + STACK_BYTES)],
] as const

export class Memory {
  readonly #before = new Map<number, bigint>()
  readonly #words = new Map<number, bigint>()

  constructor(words: readonly Word[]) {
    for (const { address, value } of words) {
      this.#before.set(address, value)
      this.#words.set(address, value)
    }
  }

  check(address: bigint, size: number, access: Access, stack: boolean): void {
    const last = address + BigInt(size - 1)
    const canonical = BigInt.asUintN(64, BigInt.asIntN(48, address)) === address
    if (!canonical || BigInt.asUintN(64, BigInt.asIntN(48, last)) !== last)
      throw new GuestFault(stack ? STACK_FAULT : GENERAL_PROTECTION, 0)
    for (const page of [address, last & ~4095n]) {
      if (RANGES.some(([first, end]) => page >= first && page < end)) continue
      throw new GuestFault(PAGE_FAULT, USER | (access === 'r' ? 0 : WRITE), page)
    }
  }

  read(address: bigint, size: number): bigint {
    let value = 0n
    for (let n = size - 1; n >= 0; n--) value = (value << 8n) | this.#byte(Number(address) + n)
    return value
  }

  write(address: bigint, size: number, value: bigint): void {
    for (let n = 0; n < size; n++) this.#setByte(Number(address) + n, (value >> BigInt(8 * n)) & 0xffn)
  }

  #byte(address: number): bigint {
    return ((this.#words.get(address & ~7) ?? 0n) >> BigInt(8 * (address & 7))) & 0xffn
  }

  #setByte(address: number, value: bigint): void {
    const shift = BigInt(8 * (address & 7))
    const old = this.#words.get(address & ~7) ?? 0n
    this.#words.set(address & ~7, (old & ~(0xffn << shift)) | (value << shift))
  }

  /** Words that differ from before, by address. */
  changes(): Word[] {
    return [...this.#words]
      .filter(([address, value]) => value !== (this.#before.get(address) ?? 0n))
      .map(([address, value]) => ({ address, value }))
      .sort((a, b) => a.address - b.address)
  }
}
