import { RUNSTATE_offline } from '../abi/vcpu.ts'
import { bugOn } from '../errors.ts'
import {
  DOMAIN,
  DOMAIN_STATE_BYTES,
  DomainState,
  type DomainStateInit,
  MAX_GRANT_FRAMES,
  MAX_VCPUS,
  NEVER,
  VCPU,
} from './domain-state.ts'

/** ns between VIRQ_TIMERs until the guest stops the periodic timer. */
export const DEFAULT_PERIOD = 10_000_000n

/** Records of a domain that is paused once, with every vCPU down and the 100 Hz timer of each set but not yet due. */
export function createDomainState(init: DomainStateInit): DomainState {
  bugOn(!(init.nrVcpus >= 1 && init.nrVcpus <= MAX_VCPUS), 'a domain has 1 to 64 vCPUs')
  const buffer = new SharedArrayBuffer(DOMAIN_STATE_BYTES)
  // Filled before DomainState reads the constants from it.
  const words = new Int32Array(buffer)
  words[DOMAIN.domid.index(0)] = init.domid
  words[DOMAIN.nrVcpus.index(0)] = init.nrVcpus
  const state = new DomainState(buffer)
  const { memory } = state
  DOMAIN.paused.store(memory, 0, 1)
  DOMAIN.shutdownReason.store(memory, 0, -1)
  DOMAIN.maxPages.store(memory, 0, init.maxPages)
  DOMAIN.sharedInfoFrame.store(memory, 0, init.sharedInfoFrame)
  DOMAIN.options.store(memory, 0, init.options ?? 0)
  DOMAIN.maxGrantFrames.store(memory, 0, Math.min(init.maxGrantFrames ?? MAX_GRANT_FRAMES, MAX_GRANT_FRAMES))
  DOMAIN.wallclock.store(memory, 0, init.wallclock ?? 0n)
  for (let i = 0; i < DOMAIN.watchdogs.length; i++) DOMAIN.watchdogs.store(memory, 0, NEVER, i)
  if (init.handle) {
    const handle = new DataView(init.handle.buffer, init.handle.byteOffset, 16)
    for (let i = 0; i < 4; i++) DOMAIN.handle.store(memory, 0, handle.getInt32(i * 4, true), i)
  }
  for (let i = 0; i < MAX_VCPUS; i++) {
    const vcpu = state.vcpu(i)
    VCPU.pcpu.store(memory, vcpu, -1)
    VCPU.runstate.store(memory, vcpu, RUNSTATE_offline)
    VCPU.periodicPeriod.store(memory, vcpu, DEFAULT_PERIOD)
    VCPU.periodicNext.store(memory, vcpu, NEVER)
    VCPU.singleshot.store(memory, vcpu, NEVER)
    VCPU.pollTimeout.store(memory, vcpu, NEVER)
  }
  return state
}
