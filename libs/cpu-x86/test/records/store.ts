/**
 * What a host's CPU made of the cases: one file for each family in `data/`, written by tools/record-insns. A file is brotli over a
 * list of variants (name, check of the inputs) and six streams, one for each kind of result, so that like lies beside like.
 * Only what an instruction changes is kept, and nothing of undefined flags. Cases are not kept: they are a function of the name.
 */
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib'
import { BREAKPOINT, FLAGS, FX_FIELDS, PAGE_FAULT, registerAt, ST_BYTES, XMM, XMM_BYTES } from './fields.ts'
import { type Case, ENTRY, NOPS, type Outcome, type Word } from './layout.ts'

export interface RecordedVariant {
  readonly name: string
  readonly check: number
  readonly cases: number
  /** Of its cases, in their order. */
  readonly outcomes: (cases: readonly Case[]) => readonly Outcome[]
}

const STREAMS = ['head', 'address', 'gpr', 'xmm', 'x87', 'memory'] as const
type StreamName = (typeof STREAMS)[number]

class Bytes {
  #bytes = Buffer.alloc(1 << 16)
  at = 0

  #reserve(count: number): number {
    if (this.at + count > this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes], 2 * (this.at + count))
    this.at += count
    return this.at - count
  }

  u8(value: number): void {
    const at = this.#reserve(1)
    this.#bytes[at] = value
  }

  u16(value: number): void {
    const at = this.#reserve(2)
    this.#bytes.writeUInt16LE(value, at)
  }

  u32(value: number): void {
    const at = this.#reserve(4)
    this.#bytes.writeUInt32LE(value, at)
  }

  u64(value: bigint): void {
    const at = this.#reserve(8)
    this.#bytes.writeBigUInt64LE(value, at)
  }

  raw(bytes: Uint8Array): void {
    const at = this.#reserve(bytes.length)
    this.#bytes.set(bytes, at)
  }

  get taken(): Buffer {
    return this.#bytes.subarray(0, this.at)
  }
}

class Reader {
  readonly bytes: Buffer
  at: number

  constructor(bytes: Buffer, at: number) {
    this.bytes = bytes
    this.at = at
  }

  u8(): number {
    return this.bytes[this.at++] as number
  }

  u16(): number {
    this.at += 2
    return this.bytes.readUInt16LE(this.at - 2)
  }

  u32(): number {
    this.at += 4
    return this.bytes.readUInt32LE(this.at - 4)
  }

  u64(): bigint {
    this.at += 8
    return this.bytes.readBigUInt64LE(this.at - 8)
  }

  raw(count: number): Buffer {
    this.at += count
    return this.bytes.subarray(this.at - count, this.at)
  }
}

type Writers = Readonly<Record<StreamName, Bytes>>
type Readers = Readonly<Record<StreamName, Reader>>

/** Where RIP is expected: after the instruction and the nops, or on the instruction that faults. */
const usualRip = (c: Case, vector: number): bigint =>
  BigInt(vector === BREAKPOINT ? ENTRY + c.code.length + NOPS : ENTRY)

const UNUSUAL_RIP = 0x80
const BASES = 0x40
const same = (a: Uint8Array, b: Uint8Array, at: number, bytes: number): boolean => {
  for (let n = at; n < at + bytes; n++) if (a[n] !== b[n]) return false
  return true
}

function write(to: Writers, c: Case, o: Outcome, definedFlags: number): void {
  const { head, address, gpr, xmm, x87, memory } = to
  const rip = usualRip(c, o.vector)
  const bases = o.fsbase !== BigInt(c.fsbase) || o.gsbase !== BigInt(c.gsbase)
  head.u8(o.vector | (rip === o.rip ? 0 : UNUSUAL_RIP) | (bases ? BASES : 0))
  if (rip !== o.rip) address.u64(o.rip)
  if (bases) {
    address.u64(o.fsbase)
    address.u64(o.gsbase)
  }
  if (o.vector !== BREAKPOINT) head.u16(o.error)
  if (o.vector === PAGE_FAULT) address.u64(o.address)
  head.u32((o.rflags ^ c.rflags) & definedFlags)
  let changed = 0
  for (let n = 0; n < 16; n++) if (o.gpr[n] !== c.gpr[n]) changed |= 1 << n
  gpr.u16(changed)
  for (let n = 0; n < 16; n++) if (changed & (1 << n)) gpr.u64(o.gpr[n] as bigint)
  changed = 0
  for (let n = 0; n < 16; n++) if (!same(o.fx, c.fx, XMM + 16 * n, XMM_BYTES)) changed |= 1 << n
  xmm.u16(changed)
  for (let n = 0; n < 16; n++) if (changed & (1 << n)) xmm.raw(o.fx.subarray(XMM + 16 * n, XMM + 16 * n + XMM_BYTES))
  changed = 0
  for (const [n, { at, bytes }] of FX_FIELDS.entries()) if (!same(o.fx, c.fx, at, bytes)) changed |= 1 << n
  x87.u8(changed)
  for (const [n, { at, bytes }] of FX_FIELDS.entries()) if (changed & (1 << n)) x87.raw(o.fx.subarray(at, at + bytes))
  changed = 0
  for (let n = 0; n < 8; n++) if (!sameRegister(o.fx, c.fx, n)) changed |= 1 << n
  x87.u8(changed)
  for (let n = 0; n < 8; n++)
    if (changed & (1 << n)) x87.raw(o.fx.subarray(registerAt(o.fx, n), registerAt(o.fx, n) + ST_BYTES))
  memory.u16(o.memory.length)
  for (const { address: place, value } of o.memory) {
    memory.u32(place)
    memory.u64(value)
  }
}

/** x87 registers are compared by their physical place, as TOP only renames them. */
function sameRegister(one: Uint8Array, two: Uint8Array, n: number): boolean {
  const [from, to] = [registerAt(one, n), registerAt(two, n)]
  for (let k = 0; k < ST_BYTES; k++) if (one[from + k] !== two[to + k]) return false
  return true
}

function read(from: Readers, c: Case): Outcome {
  const { head, address, gpr, xmm, x87, memory } = from
  const first = head.u8()
  const vector = first & 0x3f
  const rip = first & UNUSUAL_RIP ? address.u64() : usualRip(c, vector)
  const [fsbase, gsbase] = first & BASES ? [address.u64(), address.u64()] : [BigInt(c.fsbase), BigInt(c.gsbase)]
  const error = vector === BREAKPOINT ? 0 : head.u16()
  const cr2 = vector === PAGE_FAULT ? address.u64() : 0n
  const rflags = c.rflags ^ head.u32()
  const gprs = c.gpr.slice()
  let changed = gpr.u16()
  for (let n = 0; n < 16; n++) if (changed & (1 << n)) gprs[n] = gpr.u64()
  const fx = c.fx.slice()
  changed = xmm.u16()
  for (let n = 0; n < 16; n++) if (changed & (1 << n)) fx.set(xmm.raw(XMM_BYTES), XMM + 16 * n)
  changed = x87.u8()
  for (const [n, { at, bytes }] of FX_FIELDS.entries()) if (changed & (1 << n)) fx.set(x87.raw(bytes), at)
  for (let n = 0; n < 8; n++) {
    const old = registerAt(c.fx, n)
    fx.set(c.fx.subarray(old, old + ST_BYTES), registerAt(fx, n))
  }
  changed = x87.u8()
  for (let n = 0; n < 8; n++) if (changed & (1 << n)) fx.set(x87.raw(ST_BYTES), registerAt(fx, n))
  const words = Array.from({ length: memory.u16() }, (): Word => ({ address: memory.u32(), value: memory.u64() }))
  return { vector, error, address: cr2, rip, gpr: gprs, rflags, fx, fsbase, gsbase, memory: words }
}

const MAGIC = 'paravane records 2'

/** Name, check of the inputs, number of cases, and where its part of each stream begins. */
type Entry = readonly [name: string, check: number, cases: number, ...starts: number[]]

interface Header {
  readonly magic: string
  /** Bytes of each stream. */
  readonly streams: readonly number[]
  readonly variants: readonly Entry[]
}

export class RecordWriter {
  readonly #variants: Entry[] = []
  readonly #streams = Object.fromEntries(STREAMS.map((name) => [name, new Bytes()])) as Writers

  /** @param definedFlags those that the instruction does not leave undefined */
  add(
    name: string,
    check: number,
    cases: readonly Case[],
    outcomes: readonly Outcome[],
    definedFlags: number = FLAGS,
  ): void {
    this.#variants.push([name, check, cases.length, ...STREAMS.map((stream) => this.#streams[stream].at)])
    for (const [n, c] of cases.entries()) write(this.#streams, c, outcomes[n] as Outcome, definedFlags)
  }

  bytes(): Uint8Array {
    const streams = STREAMS.map((name) => this.#streams[name].taken)
    const header: Header = { magic: MAGIC, streams: streams.map(({ length }) => length), variants: this.#variants }
    const all = Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), ...streams])
    const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_LGWIN, BROTLI_PARAM_SIZE_HINT } = constants
    const params = { [BROTLI_PARAM_QUALITY]: 10, [BROTLI_PARAM_LGWIN]: 24, [BROTLI_PARAM_SIZE_HINT]: all.length }
    return brotliCompressSync(all, { params })
  }
}

export const fileOf = (family: string): string => fileURLToPath(new URL(`./data/${family}.br`, import.meta.url))

/** The variants of a file, in its order; none if there is no file. */
export function readRecords(path: string): readonly RecordedVariant[] {
  if (!existsSync(path)) return []
  const all = brotliDecompressSync(readFileSync(path))
  const end = all.indexOf('\n')
  const header: Header = JSON.parse(all.toString('utf8', 0, end))
  if (header.magic !== MAGIC)
    throw new RangeError(`${path} is not a file of records: write it anew by tools/record-insns/record.ts`)
  let at = end + 1
  const streams = header.streams.map((length) => {
    at += length
    return all.subarray(at - length, at)
  })
  return header.variants.map(([name, check, cases, ...starts]) => ({
    name,
    check,
    cases,
    outcomes: (inputs) => {
      const readers = STREAMS.map((stream, n) => [stream, new Reader(streams[n] as Buffer, starts[n] as number)])
      const from = Object.fromEntries(readers) as Readers
      return inputs.map((c) => read(from, c))
    },
  }))
}
