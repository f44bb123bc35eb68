import { fuzzing } from './fuzzing.ts'
import { hostileGuests } from './hostile.ts'
import { kernels } from './kernels.ts'
import type { AcceptList } from './point.ts'
import { records } from './records.ts'
import { tenIdle } from './ten-idle.ts'
import { runTestFiles } from './test-files.ts'
import { userland } from './userland.ts'

/** Files that compare our answers with those recorded on a real Xen 4.17, and the pages with their tables. */
const XEN_COMPARED = [
  'apps/xend/test/start/exceptions-guest.test.ts',
  'apps/xend/test/e2e/hypercalls.test.ts',
  'libs/core/test/hypercall',
  'libs/cpu-x86/test/pv',
  'libs/cpu-x86/test/pv-mmu',
] as const

/** A guest to trust: what it may do is done right, and what it should not do harms nobody. */
export const TRUST: AcceptList = {
  issue: 'trust',
  points: [
    { number: 1, title: 'kernels of several makes, 80 MiB to 3.5 GiB', measure: kernels },
    { number: 2, title: 'a Debian userland and its own tests', measure: userland },
    { number: 3, title: 'records from silicon in every tier', measure: records },
    { number: 4, title: 'hostile guests, and every refusal of the page-type rules', measure: hostileGuests },
    { number: 5, title: 'ten idle guests', measure: tenIdle },
    { number: 6, title: 'fuzzing', measure: fuzzing },
    {
      number: 7,
      title: 'exceptions and hypercalls as a real Xen 4.17 answered them',
      measure: () => runTestFiles(XEN_COMPARED),
    },
  ],
}
