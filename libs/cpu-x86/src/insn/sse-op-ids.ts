import { SSE_OPS } from '../float/sse-ops.ts'

const IDS: ReadonlyMap<string, number> = new Map(SSE_OPS.map(({ name }, id) => [name, id]))

/** The number by which a definition names an operation of the float library to the 'sse' helper. */
export function sseOpId(name: string): number {
  const id = IDS.get(name)
  if (id === undefined) throw new RangeError(`no SSE operation '${name}' in float/sse-ops.ts`)
  return id
}
