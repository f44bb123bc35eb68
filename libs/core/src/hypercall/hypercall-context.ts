import type { DomainDirectory, GuestDomain } from '../domain/domain.ts'
import type { EnginePort, SchedulerPort } from '../domain/scheduler-port.ts'
import type { EventChannels } from '../event-channel/event-channels.ts'
import type { GrantTables } from '../grant-table/grant-tables.ts'
import type { Clock } from '../time/clock.ts'
import type { GuestAccess } from './guest-handle.ts'

/** What the hypervisor says about itself in xen_version. */
export interface HypervisorVersion {
  readonly major: number
  readonly minor: number
  /** Text after major.minor, at most 15 characters. */
  readonly extraVersion: string
  readonly compiler: string
  readonly compileBy: string
  readonly compileDomain: string
  readonly compileDate: string
  readonly changeset: string
}

/** Services of one thread that handlers use; the same object for all domains. */
export interface HypervisorServices {
  readonly domains: DomainDirectory
  readonly events: EventChannels
  readonly grants: GrantTables
  readonly sched: SchedulerPort
  readonly engine: EnginePort
  readonly version: HypervisorVersion
  /** Text a guest wrote by CONSOLEIO_write: bytes, in pieces of any length, not lines. */
  guestLog(domid: number, text: Uint8Array): void
  /** A broken invariant of ours that crashed a domain. To be shown to the operator as our bug. */
  reportBug(domid: number, error: Error): void
  /** A crash by the guest's own doing, in one line. */
  reportCrash(domid: number, reason: string): void
}

/**
 * Who makes the hypercall, and what it may use. The worker keeps one and moves it on to the vCPU it runs; a handler
 * uses it during the call only.
 */
export interface HypercallContext {
  readonly domain: GuestDomain
  /** The calling vCPU. */
  readonly vcpu: number
  /** Its memory through its kernel root. */
  readonly guest: GuestAccess
  /** The domain's clock: the host's, or its own virtual one. */
  readonly clock: Clock
  readonly services: HypervisorServices
}
