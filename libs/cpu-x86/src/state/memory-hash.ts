import { Locals, parameter } from '../builder/locals.ts'
import { Code } from '../wasm/code.ts'
import { assemble } from '../wasm/module.ts'
import { i32, i64 } from '../wasm/ops.ts'

/** Bytes hashed in one round: a word for each lane. */
const ROUND = 32
const LANES = ROUND / 8
/** Odd numbers with bits all over (fractions of square roots of primes), one a lane, so that lanes are not alike. */
const FACTORS = [0x9e3779b97f4a7c15n, 0xc2b2ae3d27d4eb4fn, 0x165667b19e3779f9n, 0xd6e8feb86659fd93n] as const

/** (from, to) -> hash of the bytes between, both multiples of {@link ROUND}, as i64. */
export type MemoryHash = (from: number, to: number) => bigint

let compiled: WebAssembly.Module | undefined

/** A hash over the domain's memory at some gigabytes a second; not cryptographic. */
export function memoryHash(memory: WebAssembly.Memory): MemoryHash {
  compiled ??= new WebAssembly.Module(hashModule())
  return new WebAssembly.Instance(compiled, { e: { m: memory } }).exports.hash as MemoryHash
}

function hashModule(): Uint8Array<ArrayBuffer> {
  const code = new Code()
  const [from, to] = [parameter('i32', 0), parameter('i32', 1)]
  const locals = new Locals(2)
  const lanes = FACTORS.map(() => locals.named('i64'))
  code.block()
  const done = code.depth
  code.loop()
  const loop = code.depth
  code.brIf(done, i32.ge_u(from, to))
  for (let n = 0; n < LANES; n++) {
    const mixed = i64.mul(i64.xor(lanes[n], i64.load(from, n * 8)), i64.const(FACTORS[n]))
    code.setLocal(lanes[n].op, i64.rotl(mixed, i64.const(29n)))
  }
  code.setLocal(from.op, i32.add(from, i32.const(ROUND)))
  code.br(loop)
  code.end()
  code.end()
  const [a, b, c, d] = lanes
  const joined = i64.xor(
    i64.add(a, i64.rotl(b, i64.const(17n))),
    i64.mul(i64.add(c, i64.rotl(d, i64.const(41n))), i64.const(FACTORS[0])),
  )
  code.return(joined)
  code.end()
  const signature = { params: ['i32', 'i32'], results: ['i64'] } as const
  return assemble({ imports: [], functions: [{ name: 'hash', signature, locals: locals.types, code }] })
}
