import { expect, test } from 'vitest'
import { FIRST_RAM_GMFN, SHARED_INFO_GMFN } from '../../src/pv/gmfn-allocator.ts'

const PAGE = 4096
/** Of a 32-bit memory, which holds all frames of a domain. */
const MOST_FRAMES = 2 ** 32 / PAGE

test("the address of shared_info, taken for a frame's number, is no frame of any domain", () => {
  expect(SHARED_INFO_GMFN).toBeLessThan(FIRST_RAM_GMFN)
  expect(SHARED_INFO_GMFN * PAGE).toBeGreaterThanOrEqual(MOST_FRAMES)
})
