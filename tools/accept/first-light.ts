import { abiModules } from '../../libs/core/test/abi/abi-modules.ts'
import { factsOf } from '../../libs/core/test/abi/c-facts.ts'
import { obtainXenHeaders } from '../xen-headers.ts'
import { badInput } from './bad-input.ts'
import { boots } from './boots.ts'
import { helloGuest } from './hello.ts'
import { idleCost } from './idle.ts'
import type { AcceptList } from './point.ts'
import { programs } from './programs.ts'
import { sameHashes } from './same-hashes.ts'
import { sourceKnowledge } from './source-knowledge.ts'
import { runTestFiles } from './test-files.ts'

/** The first issue: an unmodified kernel boots, repeatably, on an engine that silicon has judged. */
export const FIRST_LIGHT: AcceptList = {
  issue: 'first-light',
  points: [
    { number: 1, title: "Debian's cloud kernel boots to a shell", measure: boots },
    { number: 2, title: 'the same state hashes under the virtual clock', measure: sameHashes },
    {
      number: 3,
      title: 'random programs end in every tier as on the host CPU',
      measure: programs,
    },
    {
      number: 4,
      title: 'safepoints between two workers',
      measure: () => runTestFiles(['libs/cpu-x86/test/safepoint']),
    },
    {
      number: 5,
      title: 'hypercalls over frames absent at random',
      measure: () => runTestFiles(['libs/core/test/hypercall/absent-frames.test.ts']),
    },
    {
      number: 6,
      title: "Xen's C headers (libxen-dev) say the same",
      measure: async ({ progress }) => {
        progress(`headers in ${await obtainXenHeaders()}`)
        const facts = (await abiModules()).flatMap((module) => [...factsOf(module)])
        return runTestFiles(['libs/core/test/abi'], `${facts.length} offsets, sizes and numbers compared`)
      },
    },
    { number: 7, title: 'bad input is refused', measure: badInput },
    { number: 8, title: 'an idle guest', measure: idleCost },
    { number: 9, title: 'libs know no guest', measure: sourceKnowledge },
    { number: 10, title: '--guest hello', measure: helloGuest },
  ],
}
