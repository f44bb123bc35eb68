import type { Domain } from '../domain/domain.ts'

/**
 * The seam of order. Every event that a domain does not raise by a hypercall of its own running vCPU passes `arrives`,
 * and every event it sends to domain 0 passes `sentToDom0`.
 */
export interface EventOrder {
  /** `from`, in a hypercall of its own, has set a port of domain 0 pending and domain 0 was woken. May wait. */
  sentToDom0(from: Domain): void
  /** An event for `port` of `to` comes from outside. True: deliver it now. False: it is kept for its place. */
  arrives(to: Domain, port: number): boolean
}

/** Real time: everything at once, domain 0 and the guest run side by side. */
export const hostOrder: EventOrder = {
  sentToDom0: () => {},
  arrives: () => true,
}
