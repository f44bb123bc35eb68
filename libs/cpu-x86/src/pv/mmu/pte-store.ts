import { atomicCompareExchange } from '../../builder/atomic.ts'
import { parameter } from '../../builder/locals.ts'
import { Code } from '../../wasm/code.ts'
import type { I32, I64 } from '../../wasm/expr.ts'
import { assemble, type FunctionBody } from '../../wasm/module.ts'
import { i64 } from '../../wasm/ops.ts'

/** i64.atomic.store (threads proposal). */
const ATOMIC_STORE64 = 0xfe0018

/**
 * 64-bit atomic stores into a domain's memory from halves: walkers in other threads see an entry whole, and never lose the
 * accessed and dirty bits they set. JavaScript itself has such stores only with BigInts.
 */
export interface PteStore {
  /** `host` is a multiple of 8. */
  store(host: number, lo: number, hi: number): void
  /** 1 if the entry was `old` and is new now; else 0, with nothing stored. */
  exchange(host: number, oldLo: number, oldHi: number, lo: number, hi: number): number
}

const joined = (lo: I32, hi: I32): I64 => i64.or(i64.extend_i32_u(lo), i64.shl(i64.extend_i32_u(hi), i64.const(32)))

function storeFunction(): FunctionBody {
  const code = new Code(32)
  const [host, lo, hi] = [0, 1, 2].map((n) => parameter('i32', n))
  code.store(ATOMIC_STORE64, host, joined(lo, hi))
  code.u8(0x0b)
  return { name: 'store', signature: { params: ['i32', 'i32', 'i32'], results: [] }, locals: [], code }
}

function exchangeFunction(): FunctionBody {
  const code = new Code(64)
  const [host, oldLo, oldHi, lo, hi] = [0, 1, 2, 3, 4].map((n) => parameter('i32', n))
  const before = atomicCompareExchange(host, 0, 8, joined(oldLo, oldHi), joined(lo, hi))
  code.return(i64.eq(before, joined(oldLo, oldHi)))
  code.u8(0x0b)
  const params = ['i32', 'i32', 'i32', 'i32', 'i32'] as const
  return { name: 'exchange', signature: { params, results: ['i32'] }, locals: [], code }
}

let compiled: WebAssembly.Module | undefined

export function pteStore(memory: WebAssembly.Memory): PteStore {
  compiled ??= new WebAssembly.Module(assemble({ imports: [], functions: [storeFunction(), exchangeFunction()] }))
  return new WebAssembly.Instance(compiled, { e: { m: memory } }).exports as unknown as PteStore
}
