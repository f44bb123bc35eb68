import type { Clock } from '@paravane/core'
import { CPU } from '../state/layout.ts'

/**
 * The function behind the import 'tsc': the time stamp counter goes to the vCPU's word RESULT.
 * @param memory the domain's memory
 */
export function tscHelper(memory: DataView, clock: Clock): (cpu: number) => number {
  return (base) => {
    memory.setBigUint64((base >>> 0) + CPU.RESULT, BigInt.asUintN(64, clock.tsc()), true)
    return 0
  }
}
