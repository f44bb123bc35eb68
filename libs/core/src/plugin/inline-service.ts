import type { LockOwner } from '../domain/shared-lock.ts'
import type { HeldGrant } from '../grant-table/grant-tables.ts'
import type { DomainMemory } from '../memory/domain-memory.ts'
import type { Clock } from '../time/clock.ts'
import { type PcpuTokens, pcpuTokens } from './token.ts'

/**
 * Serves what a guest asks a device for on the pCPU that asks, within the hypercall that sends the event: nobody is woken, neither domain 0 for
 * the request nor the guest for its answer. For what takes microseconds and never waits; all else is left to the back end in
 * domain 0, with which it shares its state.
 */
export interface InlineService {
  /**
   * The guest has sent the event. Several pCPUs may call it at once, and domain 0 may be at work.
   * @returns false if domain 0 is to be told of the event
   */
  serve(): boolean
}

/** One device's ways to its guest, on a pCPU. */
export interface InlineHost {
  readonly domid: number
  /** Of locks in this thread. */
  readonly owner: LockOwner
  readonly memory: DomainMemory
  readonly clock: Clock
  /** As those of a DeviceHost. */
  holdGrant(ref: number, readonly: boolean): HeldGrant | number
  releaseGrant(grant: HeldGrant): void
  /** Sends the event to the guest. */
  notify(): void
  /** Has domain 0's handler of the port called. */
  tellDom0(): void
  /** Who serves another port of domain 0 on this pCPU; another guest's, perhaps. */
  serviceOf(port: number): InlineService | undefined
}

/** What a plugin contributes, to each pCPU. */
export interface InlinePart {
  /** @param shared what the back end gave when it bound the port; the same memory on each pCPU */
  open(shared: unknown, host: InlineHost): InlineService
}

/** Of a port: who serves it, and with what; `shared` can be posted. */
export interface InlineOffer {
  /** Key among {@link InlineParts}. */
  readonly part: string
  readonly shared: unknown
}

/** Key: the kind of device, as with BackendDrivers. */
export const InlineParts: PcpuTokens<InlinePart> = pcpuTokens('InlineParts')
