import type { Clock } from '@paravane/core'
import type { AccessFault, LinearMemory } from '../mmu/linear-memory.ts'
import type { CpuPolicy } from '../state/policy.ts'
import type { VcpuMemory } from '../state/vcpu-memory.ts'
import type { Descriptors } from './descriptors.ts'
import type { EmulatedOperands } from './operands.ts'
import { VECTOR } from './pv-state.ts'

/** What an emulated instruction needs. */
export interface EmulationContext {
  readonly vcpu: VcpuMemory
  readonly policy: CpuPolicy
  readonly memory: LinearMemory
  readonly descriptors: Descriptors
  readonly operands: EmulatedOperands
  readonly clock: Clock
  /** IOPL of the guest, 0 to 3. */
  iopl(): number
  /** What PHYSDEVOP_set_iobitmap gave: a virtual address, and of how many ports there are bits. */
  ioBitmap(): { readonly address: bigint; readonly ports: number }
  /** Loads a new kernel root as HYPERCALL mmuext_op NEW_BASEPTR does; false refuses. */
  newBaseptr(gmfn: number): boolean
  /** Guest's CR2. */
  cr2(): bigint
  setCr2(value: bigint): void
}

export interface Exception {
  readonly vector: number
  /** -1 for none. */
  readonly error: number
  /** Faulting address of a #PF. */
  readonly address?: bigint
  /** The instruction is done (#DB after it, int3), or RF is not to be pushed for another reason. */
  readonly isTrap?: boolean
}

/** Undefined: done, RIP is to go behind the instruction; 'jumped': done, RIP is set. */
export type Emulated = undefined | 'jumped' | Exception

export const GP: Exception = { vector: VECTOR.GP, error: 0 }
export const UD: Exception = { vector: VECTOR.UD, error: -1 }
/** `stack`: what is not canonical raises #SS. */
export const faultOf = (f: AccessFault, stack: boolean = false): Exception => ({
  vector: stack && f.vector === VECTOR.GP ? VECTOR.SS : f.vector,
  error: f.error,
  address: f.va,
})
