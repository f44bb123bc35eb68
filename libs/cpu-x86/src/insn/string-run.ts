import type { Builder, Place } from '../builder/builder.ts'
import type { I32, I64 } from '../wasm/expr.ts'
import { i32, i64, select } from '../wasm/ops.ts'

export type Way = 'forward' | 'backward'

/** Elements of a repeated string instruction that are done in one go, within one page on each side. */
export interface Run {
  readonly way: Way
  /** At least one. Bound. */
  readonly elements: I64
  /** Bound. */
  readonly bytes: I32
}

/** Lowest host address of the run whose first element is `place`. */
function lowest(b: Builder, run: Run, place: Place): I32 {
  const host = b.hostAddress(place)
  return b.let(run.way === 'forward' ? host : i32.sub(i32.add(host, i32.const(b.size)), run.bytes))
}

/**
 * Copies element by element as movs does. Where the target begins inside the source, ahead in the direction of the copy, later
 * elements read what earlier ones wrote: then it goes in chunks no longer than that distance.
 */
export function copyRun(b: Builder, run: Run, source: Place, target: Place): void {
  const from = lowest(b, run, source)
  const to = lowest(b, run, target)
  const distance = b.let(run.way === 'forward' ? i32.sub(to, from) : i32.sub(from, to))
  const disturbs = b.let(i32.lt_u(i32.sub(distance, i32.const(1)), i32.sub(run.bytes, i32.const(1))))
  b.if(
    disturbs,
    () => copyChunks(b, run, from, to, distance),
    () => b.copyBytes(to, from, run.bytes),
  )
}

function copyChunks(b: Builder, run: Run, from: I32, to: I32, distance: I32): void {
  const size = i32.const(b.size)
  const whole = b.let(i32.and(distance, i32.const(-b.size)))
  const most = b.let(select(i32.lt_u(distance, size), size, whole))
  const done = b.variable('i32')
  b.loopWhile(() => {
    const left = b.let(i32.sub(run.bytes, done))
    const chunk = b.let(select(i32.lt_u(left, most), left, most))
    const at = b.let(run.way === 'forward' ? done : i32.sub(left, chunk))
    b.copyBytes(i32.add(to, at), i32.add(from, at), chunk)
    b.set(done, i32.add(done, chunk))
    return i32.lt_u(done, run.bytes)
  })
}

/** Stores one value of the operand size all over the run: the first element, then copies of twice as much each time. */
export function fillRun(b: Builder, run: Run, target: Place, value: I64): void {
  const to = lowest(b, run, target)
  if (b.size === 1) {
    b.fillBytes(to, i32.wrap(value), run.bytes)
    return
  }
  const repeatedByte = b.trunc(i64.mul(i64.and(value, i64.const(255)), i64.const(0x0101010101010101n)))
  b.if(
    i64.eq(value, repeatedByte),
    () => b.fillBytes(to, i32.wrap(value), run.bytes),
    () => fillByDoubling(b, run, to, target, value),
  )
}

function fillByDoubling(b: Builder, run: Run, to: I32, target: Place, value: I64): void {
  const first = b.let(b.hostAddress(target))
  b.put(target, value)
  // Backward, the element at `target` is the highest of the run; the copies start from the lowest.
  if (run.way === 'backward') b.copyBytes(to, first, i32.const(b.size))
  const done = b.variable('i32')
  b.set(done, i32.const(b.size))
  b.loopWhile(() => {
    const left = b.let(i32.sub(run.bytes, done))
    const chunk = b.let(select(i32.lt_u(left, done), left, done))
    b.copyBytes(i32.add(to, done), to, chunk)
    b.set(done, i32.add(done, chunk))
    return i32.lt_u(done, run.bytes)
  })
}
