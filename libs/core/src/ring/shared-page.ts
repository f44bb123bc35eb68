/** Bytes in a page, and its alignment. */
export const PAGE_SIZE = 4096

/**
 * One page of guest memory that domain 0 and the guest both write. The guest may write anything at any moment: read a
 * field once, check the copy, use the copy.
 */
export interface SharedPage {
  readonly bytes: Uint8Array
  /** The same page as words, for fields both sides synchronise on: access those with Atomics only. */
  readonly words: Int32Array
  /** Tells the memory's owner that bytes `offset .. offset + length` were written, after the fact. */
  commit(offset: number, length: number): void
}

/**
 * The page at byte `offset`, a multiple of PAGE_SIZE, of a domain's memory.
 * @param commit see {@link SharedPage.commit}; where nobody tracks writes it may do nothing
 */
export function sharedPage(memory: ArrayBufferLike, offset: number, commit: SharedPage['commit']): SharedPage {
  return {
    bytes: new Uint8Array(memory, offset, PAGE_SIZE),
    words: new Int32Array(memory, offset, PAGE_SIZE / 4),
    commit,
  }
}
