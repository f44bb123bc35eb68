import type { PortOps } from '../event-channel/port-ops.ts'
import type { DomainFrames, DomainMemory } from '../memory/domain-memory.ts'
import type { DomainState } from './domain-state.ts'

/**
 * One thread's handle on a domain: identity and the ways to its state, nothing else. Objects made over shared memory;
 * none of them holds state of its own, so any thread may have one and any worker may run any vCPU.
 */
export interface Domain {
  readonly domid: number
  readonly state: DomainState
  /** Domain 0 has none: it is the hypervisor process itself. */
  readonly memory?: DomainMemory
  readonly frames?: DomainFrames
  /** Where its pending and mask bits are. */
  readonly ports: PortOps
}

/** A domain with guest memory: every domain but domain 0. */
export interface GuestDomain extends Domain {
  readonly memory: DomainMemory
  readonly frames: DomainFrames
}

/** The domains this thread knows. */
export interface DomainDirectory {
  /**
   * The domain, or undefined if there is none or it is dying. In a worker, a miss may be a domain it was told of but has
   * not heard about yet: the implementation drains its messages synchronously before it answers undefined.
   */
  get(domid: number): Domain | undefined
}
