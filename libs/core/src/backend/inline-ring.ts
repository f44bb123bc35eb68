import type { InlineHost } from '../plugin/inline-service.ts'
import { sharedPage } from '../ring/shared-page.ts'
import { BackRing } from './back-ring.ts'

/**
 * A ring as a pCPU's service has it, beside domain 0.
 * @param gmfns frames of its pages, which domain 0 keeps mapped
 * @param indices those of domain 0's ring, in shared memory
 */
export function inlineRing(
  { memory }: Pick<InlineHost, 'memory'>,
  gmfns: readonly number[],
  entryBytes: number,
  indices: Int32Array,
): BackRing {
  const { buffer, byteOffset } = memory.bytes
  const pages = gmfns.map((gmfn) =>
    sharedPage(buffer, byteOffset + memory.frameOffset(gmfn), (offset, length) => memory.written(gmfn, offset, length)),
  )
  return new BackRing(pages, entryBytes, indices, true)
}
