import { shared_info, vcpu_info } from '../abi/xen.ts'
import type { Clock } from '../time/clock.ts'
import { publishTime, publishWallclock } from '../time/system-time.ts'
import type { GuestDomain } from './domain.ts'
import { sharedInfoOffset } from './vcpu-info.ts'

/** Fills the shared_info of a new domain, whose frame is zero: upcalls masked on every vCPU, time and wall clock valid. */
export function initSharedInfo(domain: GuestDomain, clock: Clock): void {
  const start = sharedInfoOffset(domain)
  for (let vcpu = 0; vcpu < shared_info.vcpu_info.length; vcpu++) {
    domain.memory.bytes[start + shared_info.vcpu_info.at(vcpu) + vcpu_info.evtchn_upcall_mask.offset] = 1
  }
  for (let vcpu = 0; vcpu < domain.state.nrVcpus; vcpu++) publishTime(domain, vcpu, clock)
  publishWallclock(domain)
}
