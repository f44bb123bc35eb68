/** Packed data that cannot be unpacked; `message` goes on from "it": "ends within a block". */
export class UnpackError extends Error {
  override readonly name: string = 'UnpackError'
}

/** Throws unless `condition` holds. */
export function ensure(condition: boolean, why: string): asserts condition {
  if (!condition) throw new UnpackError(why)
}
