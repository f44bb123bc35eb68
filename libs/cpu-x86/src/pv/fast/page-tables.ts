import { ELEMENTS_PER_STRETCH } from '@paravane/core'
import { MMU_NORMAL_PT_UPDATE, MMU_PT_UPDATE_PRESERVE_AD } from '@paravane/core/abi'
import { atomicCompareExchange } from '../../builder/atomic.ts'
import { parameter } from '../../builder/locals.ts'
import { CPU } from '../../state/layout.ts'
import { SECOND_MEMORY, STORE32, STORE64 } from '../../wasm/code.ts'
import { Expr, type I32, type I64 } from '../../wasm/expr.ts'
import type { FunctionBody } from '../../wasm/module.ts'
import { i32, i64, select } from '../../wasm/ops.ts'
import * as page from '../mmu/page-info.ts'
import { L1_DISALLOWED, PTE_A, PTE_D, PTE_P, PTE_RW } from '../mmu/pte.ts'
import { PV } from '../pv-state.ts'
import { batchArguments } from './batch-arguments.ts'
import { EntryBuilder, FUNCTION } from './entry-builder.ts'
import { codeAt } from './instruction-code.ts'
import { emitDone } from './state-hypercalls.ts'

const ATOMIC_STORE64 = 0xfe0018
const REQUEST_BYTES = 16
/** Frame number (of which only the low 20 bits may be set), P and RW. */
const REFERENCE = 0x000f_ffff_ffff_f003n
const HIGH_FRAME = 0x000f_ffff_0000_0000n
/** Whose lock it is: of any update, or of a store to a table that the guest may write. */
export const LOCK_FOR = { UPDATE: 0, STORE: 1 } as const
/** Requests of a page, and no more than TypeScript does at once. */
const MOST_REQUESTS = Math.min(4096 / REQUEST_BYTES, ELEMENTS_PER_STRETCH)
/** How an entry is stored: see StoreMode (mmu/entry-writer.ts). */
const MODE = { STORE: 0, PRESERVE_AD: 1, EXACT: 2 } as const

/** A word of a frame's record (mmu/page-info.ts). */
const word = (record: I32, n: number): I32 => i32.load(record, SECOND_MEMORY + n * 4)
const setWord = (b: EntryBuilder, record: I32, n: number, value: I32): void =>
  b.code.store(STORE32, record, value, SECOND_MEMORY + n * 4)
const change = (b: EntryBuilder, record: I32, n: number, by: number): void =>
  setWord(b, record, n, i32.add(word(record, n), i32.const(by)))
const header = (n: number): I32 => word(i32.const(0), n)

const recordOf = (b: EntryBuilder, gmfn: I32): I32 =>
  b.let(i32.add(b.i32(PV.PAGE_RECORDS), i32.mul(gmfn, i32.const(page.RECORD_BYTES))))

const has = (value: I64, bits: number): I32 => i64.ne(i64.and(value, i64.const(bits)), i64.const(0))

/** The frame an entry names, which fails if there is none such. */
function frameNamed(b: EntryBuilder, entry: I64): I32 {
  b.failIf(i64.ne(i64.and(entry, i64.const(HIGH_FRAME)), i64.const(0)))
  const gmfn = b.let(i32.shr_u(i32.wrap(entry), i32.const(12)))
  b.failIf(i32.ge_u(gmfn, b.i32(CPU.NR_GMFNS)))
  return gmfn
}

function failIfWatched(b: EntryBuilder, host: I32): void {
  b.failIf(i32.load8_u(i32.add(b.i32(CPU.FRAME_FLAGS), i32.shr_u(host, i32.const(12)))))
}

/** As PageInfo.tableLevel. */
const isLevel1 = (info: I32): I32 =>
  i32.eq(
    i32.and(info, i32.const(page.TYPE_MASK | page.VALIDATED | page.DYING)),
    i32.const(page.TYPE_L1 | page.VALIDATED),
  )

/** Whether the frame of a leaf entry is a page table that the guest's stores are emulated for, if it has asked for that. */
export function isL1Table(b: EntryBuilder, leaf: I64): I32 {
  return isLevel1(word(recordOf(b, frameNamed(b, leaf)), page.INFO))
}

/**
 * (vCPU, gmfn of an L1 table, offset, entry, MODE) -> 1 if the entry was replaced, with the old one in ADDRESS: as EntryWriter.replace of
 * level 1, where nothing is to be refused, no frame changes its type, nobody watches the table and no table is dying. Under the lock.
 */
export function replaceL1(): FunctionBody {
  const b = new EntryBuilder(['i32', 'i32', 'i64', 'i32'])
  const [table, offset, entry, mode] = [
    parameter('i32', 1),
    parameter('i32', 2),
    parameter('i64', 3),
    parameter('i32', 4),
  ]
  b.failIf(i32.ge_u(table, b.i32(CPU.NR_GMFNS)))
  b.failIf(header(page.DYING_HEAD))
  const info = b.let(word(recordOf(b, table), page.INFO))
  b.failIf(i32.eqz(i32.and(info, i32.const(page.OWNED))))
  b.failIf(i32.eqz(isLevel1(info)))
  const host = b.frame(table)
  failIfWatched(b, host)
  const slot = b.let(i32.add(host, offset))
  const old = b.let(i64.load(slot))
  const present = b.let(has(entry, PTE_P))
  const differs = i64.ne(i64.and(i64.xor(entry, old), i64.const(REFERENCE)), i64.const(0))
  const takes = b.let(i32.and(present, differs))
  const puts = b.let(i32.and(has(old, PTE_P), i32.or(takes, i32.eqz(present))))
  b.failIf(i32.and(present, has(entry, L1_DISALLOWED)))
  const [target, before] = [b.variable('i32'), b.variable('i32')]
  b.if(takes, () => {
    b.set(target, recordOf(b, frameNamed(b, entry)))
    b.failIf(i32.eqz(i32.and(word(target, page.INFO), i32.const(page.OWNED))))
    const type = i32.and(word(target, page.INFO), i32.const(page.TYPE_MASK))
    b.failIf(i32.and(has(entry, PTE_RW), i32.ne(type, i32.const(page.TYPE_WRITABLE))))
  })
  b.if(puts, () => b.set(before, recordOf(b, frameNamed(b, old))))
  emitStore(b, slot, old, entry, mode)
  // As EntryWriter, NX being the sign.
  const isOfCode = i32.and(has(old, PTE_P), i64.ge_s(old, i64.const(0)))
  b.if(i32.and(isOfCode, i64.ne(old, entry)), () => change(b, i32.const(0), page.CODE_MAPS, 1))
  b.if(takes, () => {
    b.if(has(entry, PTE_RW), () => change(b, target, page.TYPE_COUNT, 1))
    change(b, target, page.REF_COUNT, 1)
  })
  b.if(puts, () => {
    b.if(has(old, PTE_RW), () => change(b, before, page.TYPE_COUNT, -1))
    change(b, before, page.REF_COUNT, -1)
    b.if(i32.eqz(i32.and(word(before, page.INFO), i32.const(page.DYING))), () =>
      setWord(b, before, page.STAMP, header(page.EPOCH)),
    )
  })
  b.setU64(CPU.ADDRESS, old)
  return b.done()
}

/** Fails where a walker has changed the entry meanwhile, unless that does not matter. */
function emitStore(b: EntryBuilder, slot: I32, old: I64, entry: I64, mode: I32): void {
  b.if(
    i32.eq(mode, i32.const(MODE.STORE)),
    () => b.code.store(ATOMIC_STORE64, slot, entry),
    () => {
      const kept = i64.and(old, i64.const(PTE_A | PTE_D))
      const value = i64.or(entry, select(i32.eq(mode, i32.const(MODE.PRESERVE_AD)), kept, i64.const(0)))
      b.failIf(i64.ne(atomicCompareExchange(slot, 0, 8, old, value), old))
    },
  )
}

/** Replaces an entry under the lock, which must be free; fails if it cannot be done. */
function replaceLocked(b: EntryBuilder, what: number, args: readonly Expr[]): void {
  b.failIf(i32.eqz(new Expr('i32', 'call', FUNCTION.LOCK, [i32.const(what)])))
  const done = b.let(new Expr('i32', 'call', FUNCTION.REPLACE_L1, [b.cpu, ...args]))
  b.code.call(FUNCTION.UNLOCK)
  b.failIf(i32.eqz(done))
}

/**
 * (vCPU, host address of a request of mmu_update) -> 1 if it was done: of an entry of an L1 table of the domain's own, or of 8 bytes of a
 * frame that is mapped writable. Under the lock. Not where the requests themselves would be written over: they are read before.
 */
export function updateRow(): FunctionBody {
  const b = new EntryBuilder(['i32'])
  const request = parameter('i32', 1)
  const pointer = b.let(i64.load(request))
  const entry = b.let(i64.load(request, 8))
  const command = b.let(i32.and(i32.wrap(pointer), i32.const(7)))
  const preserves = b.let(i32.eq(command, i32.const(MMU_PT_UPDATE_PRESERVE_AD)))
  b.failIf(i32.eqz(i32.or(preserves, i32.eq(command, i32.const(MMU_NORMAL_PT_UPDATE)))))
  const table = frameNamed(b, pointer)
  const offset = i32.and(i32.wrap(pointer), i32.const(0xff8))
  const host = b.frame(table)
  b.failIf(i32.eq(host, i32.and(request, i32.const(-4096))))
  const record = recordOf(b, table)
  const info = b.let(word(record, page.INFO))
  b.if(isLevel1(info), () => {
    const mode = select(preserves, i32.const(MODE.PRESERVE_AD), i32.const(MODE.STORE))
    b.code.return(new Expr('i32', 'call', FUNCTION.REPLACE_L1, [b.cpu, table, offset, entry, mode]))
  })
  const kind = i32.and(info, i32.const(page.OWNED | page.TYPE_MASK | page.DYING))
  b.failIf(i32.ne(kind, i32.const(page.OWNED | page.TYPE_WRITABLE)))
  b.failIf(i32.or(i32.eqz(word(record, page.TYPE_COUNT)), header(page.DYING_HEAD)))
  failIfWatched(b, host)
  b.code.store(ATOMIC_STORE64, i32.add(host, offset), entry)
  return b.done()
}

/**
 * (vCPU) -> 1 if HYPERVISOR_mmu_update was done. Where only the first of its requests were, ROWS_DONE says how many: TypeScript's turn
 * is for the others.
 */
export function mmuUpdate(): FunctionBody {
  const b = new EntryBuilder()
  const { at, count } = batchArguments(b, REQUEST_BYTES, MOST_REQUESTS)
  b.failIf(i32.eqz(new Expr('i32', 'call', FUNCTION.LOCK, [i32.const(LOCK_FOR.UPDATE)])))
  const row = b.let(i32.const(0))
  const request = i32.add(at, i32.mul(row, i32.const(REQUEST_BYTES)))
  b.code.loop()
  b.if(i32.eqz(new Expr('i32', 'call', FUNCTION.UPDATE_ROW, [b.cpu, request])), () => {
    b.code.call(FUNCTION.UNLOCK)
    b.setI32(PV.ROWS_DONE, row)
    b.code.return(i32.const(0))
  })
  b.set(row, i32.add(row, i32.const(1)))
  b.code.brIf(b.code.depth, i32.lt_u(row, count))
  b.code.end()
  b.code.call(FUNCTION.UNLOCK)
  emitDone(b)
  return b.done()
}

const REX_W = 0x48
const XCHG = 0x87
/** The longest of the forms below. */
const MOST_BYTES = 5

/**
 * A store of the kernel that met a read-only mapping `leaf`, if it is xchg of a quadword with an entry of an L1 table ("writable page
 * tables", mmu/emulate-pte-write.ts): does it and returns 2. Fails otherwise.
 */
export function emitTableStore(b: EntryBuilder, va: I64, info: I32, leaf: I64): void {
  b.failIf(i32.ne(info, i32.const((8 << 1) | 1)))
  b.failIf(i32.and(i32.wrap(va), i32.const(7)))
  const code = codeAt(b, MOST_BYTES)
  const rex = b.let(i32.load8_u(code))
  b.failIf(i32.ne(i32.and(rex, i32.const(0xf8)), i32.const(REX_W)))
  b.failIf(i32.ne(i32.load8_u(code, 1), i32.const(XCHG)))
  const register = b.let(i32.add(b.cpu, i32.shl(registerOf(rex, i32.load8_u(code, 2)), i32.const(3))))
  const bytes = operandBytes(b, code)
  const table = frameNamed(b, leaf)
  const value = b.let(i64.load(register, CPU.GPR))
  replaceLocked(b, LOCK_FOR.STORE, [table, i32.and(i32.wrap(va), i32.const(0xff8)), value, i32.const(MODE.EXACT)])
  b.code.store(STORE64[8], register, b.u64(CPU.ADDRESS), CPU.GPR)
  b.setU64(CPU.RIP, i64.add(b.u64(CPU.RIP), i64.extend_i32_u(i32.add(bytes, i32.const(2)))))
  b.code.return(i32.const(2))
}

/** ModRM.reg with REX.R. */
const registerOf = (rex: I32, modrm: I32): I32 =>
  i32.or(
    i32.and(i32.shr_u(modrm, i32.const(3)), i32.const(7)),
    i32.shl(i32.and(i32.shr_u(rex, i32.const(2)), i32.const(1)), i32.const(3)),
  )

/** Bytes of ModRM, SIB and displacement; fails for the forms with 32 bits of displacement. */
function operandBytes(b: EntryBuilder, code: I32): I32 {
  const modrm = b.let(i32.load8_u(code, 2))
  const mod = b.let(i32.shr_u(modrm, i32.const(6)))
  const hasSib = b.let(i32.eq(i32.and(modrm, i32.const(7)), i32.const(4)))
  const base = select(hasSib, i32.and(i32.load8_u(code, 3), i32.const(7)), i32.and(modrm, i32.const(7)))
  b.failIf(i32.gt_u(mod, i32.const(1)))
  b.failIf(i32.and(i32.eqz(mod), i32.eq(base, i32.const(5))))
  return b.let(i32.add(i32.add(i32.const(1), hasSib), mod))
}
