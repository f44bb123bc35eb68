import { parameter } from '../builder/locals.ts'
import { Code } from './code.ts'
import { assemble } from './module.ts'
import { f64x2 } from './ops.ts'

/** A square of more bits than a double has. */
const FACTOR = 1 + 2 ** -30

let known: boolean | undefined

/** Whether `f64x2.relaxed_madd` rounds once here, as it does where the processor has FMA3. */
export function isFused(): boolean {
  known ??= errorOfSquare() !== 0
  return known
}

function errorOfSquare(): number {
  const code = new Code(64)
  const [x, minusSquare] = [0, 1].map((n) => f64x2.splat(parameter('f64', n)))
  code.return(f64x2.extract(f64x2.relaxed_madd(x, x, minusSquare), 0))
  code.end()
  const signature = { params: ['f64', 'f64'], results: ['f64'] } as const
  const module = new WebAssembly.Module(
    assemble({ imports: [], functions: [{ name: 'f', signature, locals: [], code }] }),
  )
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true })
  const { f } = new WebAssembly.Instance(module, { e: { m: memory } }).exports
  return (f as (x: number, y: number) => number)(FACTOR, -(FACTOR * FACTOR))
}
