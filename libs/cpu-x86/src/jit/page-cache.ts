import { CPU, PAGE_CACHE } from '../state/layout.ts'
import { type Code, STORE64 } from '../wasm/code.ts'
import type { Expr, I32, I64 } from '../wasm/expr.ts'
import { i32, i64 } from '../wasm/ops.ts'

/** Where the page cache and the TLB behind it are, from the vCPU, and the entry of the cache. */
export interface CachePlace {
  /** What is not aligned is to go by `open`, where it faults. */
  readonly isAligned: boolean
  readonly tlb: number
  readonly entry: number
}

/** What of a builder is needed here. */
interface Opener {
  readonly code: Code
  readonly cpu: I32
  let<T extends 'i32' | 'i64'>(e: Expr<T>): Expr<T>
}

/**
 * Emits the search for the host address of `va` in an entry of the page cache, which `open` (mmu/open.ts) fills from the TLB.
 * @param open emits its call and what does not go on where it fails
 */
export function openThroughCache(
  b: Opener,
  { tlb, entry, isAligned }: CachePlace,
  va: I64,
  size: number,
  open: () => void,
): I32 {
  const { code, cpu } = b
  const cached = tlb + PAGE_CACHE.AT + entry * PAGE_CACHE.ENTRY
  const tag = b.let(i64.load(cpu, cached + PAGE_CACHE.TAG))
  ifElsewhere(code, va, size, tag, isAligned)
  // V8 loads a value once more that it compares from memory: as the load may trap, it is done on its own too. Not so one with more uses.
  code.store(STORE64[8], cpu, tag, CPU.UNUSED)
  open()
  code.end()
  return b.let(i32.add(i32.wrap(va), i32.load(cpu, cached + PAGE_CACHE.ADDEND)))
}

/**
 * Begins what is done where an access is not surely to the page of the tag alone. What is not aligned is left to the TLB, whose entry is
 * the page's, but for large operands, which seldom are.
 */
function ifElsewhere(code: Code, va: I64, size: number, tag: I64, isAligned: boolean): void {
  if (isAligned || size === 1 || size === 2 || size === 4 || size === 8) {
    code.if(i64.ne(i64.and(va, i64.const(-4096 | (size - 1))), tag), false)
    return
  }
  code.block()
  const there = code.depth
  code.block()
  code.brIf(code.depth, i64.ne(i64.and(va, i64.const(-4096)), tag), false)
  code.brIf(there, i32.le_u(i32.and(i32.wrap(va), i32.const(4095)), i32.const(4096 - size)), true)
  code.end()
}

const ADD = i64.add(i64.load(i32.const(0)), i64.load(i32.const(0))).op

/** Entries of the page cache for accesses without a base register, each for reading and writing. */
const CODE_PAGES = 16
const FS = 20
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
  const base = firstBase(address, baseOf)
  if (segmentOf(address) !== undefined) return segmentOf(address) as number
  if (base === 'page') return CODE_PAGES + (pagesAway(address) & 3)
  if (base === undefined || pagesFrom(address) === 0) return base ?? OTHER
  const key = `${base} ${pagesFrom(address)}`
  const number = far.get(key) ?? far.size
  far.set(key, number)
  return FAR + (number % FARS)
}

function firstBase(e: Expr, baseOf: (local: Expr) => number | 'page' | undefined): number | 'page' | undefined {
  if (e.shape === 'local') return baseOf(e)
  for (const arg of e.args) {
    const found = firstBase(arg, baseOf)
    if (found !== undefined) return found
  }
  return undefined
}

function segmentOf(e: Expr): number | undefined {
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
