import { type SharedLayout, SharedMemory, sharedLayout, sharedSize } from '../shared-layout.ts'

const hypervisorFields = {
  /** Guards every change of a binding of any domain; sending takes no lock. */
  eventLock: 'i32',
  /** Counts up, with a notify, when a port of domain 0 became pending or a worker waits for it. */
  dom0Wake: 'i32',
  dom0Pending: ['i32', 128],
  dom0Masked: ['i32', 128],
  /** Bytes that guests wrote to the log and domain 0 has not heard yet. */
  logWaiting: 'i32',
} as const
/** What belongs to no domain, at offset 0 of the hypervisor's shared buffer. The scheduler's state is its own. */
export const HYPERVISOR: SharedLayout<typeof hypervisorFields> = sharedLayout(hypervisorFields)

export const HYPERVISOR_STATE_BYTES: number = sharedSize(HYPERVISOR)

/** @param buffer zeroed at first, at least {@link HYPERVISOR_STATE_BYTES} */
export function hypervisorMemory(buffer?: SharedArrayBuffer): SharedMemory {
  return new SharedMemory(buffer ?? new SharedArrayBuffer(HYPERVISOR_STATE_BYTES))
}
