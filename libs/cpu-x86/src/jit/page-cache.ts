import { dataOffset } from '../mmu/data-tlb-code.ts'
import { CPU, PAGE_CACHE, TLB } from '../state/layout.ts'
import { type Code, STORE64 } from '../wasm/code.ts'
import type { Expr, I32, I64 } from '../wasm/expr.ts'
import { i32, i64 } from '../wasm/ops.ts'

/** Where the page cache and the TLB behind it are, from the vCPU, and the entry of the cache; in the TLB alone without one. */
export interface CachePlace {
  readonly tlb: number
  readonly entry: number | undefined
}

/** What of a builder is needed here. */
interface Opener {
  readonly code: Code
  readonly cpu: I32
  let<T extends 'i32' | 'i64'>(e: Expr<T>): Expr<T>
}

/** Bytes of one look. */
export interface Looked {
  readonly va: I64
  readonly size: number
  readonly write: boolean
  /** Why they are surely in one page, if they are: what is not aligned is to go by `open`, where it faults. */
  readonly sure: 'aligned' | 'within' | undefined
}

/**
 * Emits the search for the host address of `va`, into `host`.
 * @param otherwise emits what is to be done where the page is not there, with that in the entry of the cache or in `host` behind it
 */
export function openPage(b: Opener, place: CachePlace, looked: Looked, host: I32, otherwise: () => void): void {
  if (place.entry === undefined) openThroughTlb(b, place, looked, host, otherwise)
  else openThroughCache(b, place.tlb + PAGE_CACHE.AT + place.entry * PAGE_CACHE.ENTRY, looked, host, otherwise)
}

function openThroughCache(b: Opener, cached: number, looked: Looked, host: I32, otherwise: () => void): void {
  const { code, cpu } = b
  const tag = b.let(i64.load(cpu, cached + PAGE_CACHE.TAG))
  ifElsewhere(b, looked, tag)
  otherwise()
  code.end()
  code.setLocal(host.op, i32.add(i32.wrap(looked.va), i32.load(cpu, cached + PAGE_CACHE.ADDEND)))
}

/**
 * For what is seldom in one page for long: the TLB is 128 KiB, and its entry is known only when the address is. That is the entry of the
 * first byte's page, so what ends in the page of its tag begins there.
 */
function openThroughTlb(b: Opener, { tlb }: CachePlace, looked: Looked, host: I32, otherwise: () => void): void {
  const { code, cpu } = b
  const { va, size, write, sure } = looked
  const entry = b.let(i32.add(cpu, dataOffset(va)))
  const tag = b.let(i64.load(entry, tlb + (write ? TLB.WRITE_TAG : TLB.READ_TAG)))
  code.setLocal(host.op, i32.add(i32.wrap(va), i32.load(entry, tlb + TLB.ADDEND)))
  const last = sure || size === 1 ? va : i64.add(va, i64.const(size - 1))
  code.if(isOutside(last, sure === 'aligned' ? size - 1 : 0, tag), false)
  loadOnce(b, tag)
  otherwise()
  code.end()
}

const isOutside = (va: I64, within: number, tag: I64): I32 => i64.ne(i64.and(va, i64.const(-4096 | within)), tag)

/**
 * Begins what is done where an access is not surely to the page of the tag alone. What is not aligned is left to the TLB, but for large
 * operands, which seldom are.
 */
function ifElsewhere(b: Opener, { va, size, sure }: Looked, tag: I64): void {
  const { code } = b
  if (sure || size === 1 || size === 2 || size === 4 || size === 8) {
    code.if(isOutside(va, sure === 'within' ? 0 : size - 1, tag), false)
  } else {
    code.block()
    const there = code.depth
    code.block()
    code.brIf(code.depth, isOutside(va, 0, tag), false)
    code.brIf(there, i32.le_u(i32.and(i32.wrap(va), i32.const(4095)), i32.const(4096 - size)), true)
    code.end()
  }
  loadOnce(b, tag)
}

/** V8 loads a value once more that it compares from memory: as the load may trap, it is done on its own too. Not so one with more uses. */
function loadOnce({ code, cpu }: Opener, tag: I64): void {
  code.store(STORE64[8], cpu, tag, CPU.UNUSED)
}

const ADD = i64.add(i64.load(i32.const(0)), i64.load(i32.const(0))).op

/** Entries of the page cache for accesses without a base register, each for reading and writing. */
const CODE_PAGES = 16
/** What user programs reach by it is mostly one page. */
export const FS = 20
const GS = 21
const OTHER = 22
/** From here on: for accesses far from what a base register has, as to one of several tables by the same index. */
const FAR = 23
const FARS = 9
/** From a place for reading to that for writing. */
const WRITING = 32

/**
 * The entry of the page cache that accesses to an address use: one for each base register, as what is reached from one register
 * mostly lies in one page, and others for places near the code and in segments.
 * @param baseOf the register that a local has the value of, or 'page' for the code's page
 * @param far numbers of places far from their bases, in the order in which they were met
 */
export function cacheEntry(
  address: I64,
  write: boolean,
  baseOf: (local: Expr) => number | 'page' | undefined,
  far: Map<string, number>,
): number {
  return (write ? WRITING : 0) + placeOf(address, baseOf, far)
}

function placeOf(
  address: Expr,
  baseOf: (local: Expr) => number | 'page' | undefined,
  far: Map<string, number>,
): number {
  const [base] = registersIn(address, baseOf)
  if (segmentOf(address) !== undefined) return segmentOf(address) as number
  if (base === 'page') return CODE_PAGES + (pagesAway(address) & 3)
  if (base === undefined || pagesFrom(address) === 0) return base ?? OTHER
  const key = `${base} ${pagesFrom(address)}`
  const number = far.get(key) ?? far.size
  far.set(key, number)
  return FAR + (number % FARS)
}

/** All registers that an address is made of. */
export function registersIn(
  e: Expr,
  baseOf: (local: Expr) => number | 'page' | undefined,
): readonly (number | 'page')[] {
  if (e.shape !== 'local') return e.args.flatMap((arg) => registersIn(arg, baseOf))
  const base = baseOf(e)
  return base === undefined ? [] : [base]
}

/** The entry for a segment. */
export function segmentOf(e: Expr): number | undefined {
  if (e.shape === 'load') return e.imm === CPU.FSBASE ? FS : e.imm === CPU.GSBASE ? GS : undefined
  for (const arg of e.args) {
    const found = segmentOf(arg)
    if (found !== undefined) return found
  }
  return undefined
}

/** How many pages from its base an address is, to the nearest. */
function pagesFrom(address: Expr): number {
  const constant = address.op === ADD ? address.args.find(({ shape }) => shape === 'const') : undefined
  return constant ? Number((BigInt(constant.imm) + 2048n) >> 12n) : 0
}

/** How many pages from the code's a constant distance leads. */
function pagesAway(e: Expr): number {
  const constant = e.args.find(({ shape }) => shape === 'const')
  return constant ? Number(BigInt(constant.imm) >> 12n) : 0
}
