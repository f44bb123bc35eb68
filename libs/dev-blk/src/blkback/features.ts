/** Pages of one ring: 2^4, as Xen's blkback has it. */
export const MAX_RING_PAGE_ORDER = 4
export const MAX_QUEUES = 4
/** Segments of an indirect request. */
export const MAX_INDIRECT_SEGMENTS = 256
/** Grants that a queue keeps mapped for each page of its ring: what Linux's front end uses, 32 requests of 32 segments and a page of these. */
export const PERSISTENT_PER_RING_PAGE: number = 32 * (32 + 1)
/** For a queue, however large its ring. */
export const MAX_PERSISTENT: number = 4 * PERSISTENT_PER_RING_PAGE
