/** What must hold of the hypervisor's records after any act of any guest, counted from nothing. */
import { ACTIVE_GRANT, CHANNEL, DOMAIN, VCPU } from '../../../libs/core/src/domain/domain-state.ts'
import { HYPERVISOR } from '../../../libs/core/src/domain/hypervisor-state.ts'
import {
  bindingDomid,
  bindingPeer,
  bindingState,
  ECS_INTERDOMAIN,
  ECS_IPI,
  ECS_VIRQ,
} from '../../../libs/core/src/event-channel/binding.ts'
import { isVcpuVirq } from '../../../libs/core/src/event-channel/virq.ts'
import type { Machine } from '../../../libs/core/test/pv-kit/machine.ts'
import { GMFN_BASE, type MemoryDomain } from '../../../libs/core/test/pv-kit/memory-domain.ts'
import { demand, finding } from '../target.ts'

const FRAMES = 96
const ENTRIES_PER_FRAME = 512
const NR_VIRQS = 24
const GUEST = 1
const XEN = 2

export function checkState(machine: Machine, guests: readonly MemoryDomain[]): void {
  demand(HYPERVISOR.eventLock.load(machine.memory, 0) === 0, 'the lock of event channels is still held')
  for (const domain of machine.domains.values()) {
    const { memory } = domain.state
    demand(DOMAIN.grantLock.load(memory, 0) === 0, 'a grant lock is still held')
    demand(DOMAIN.pageLock.load(memory, 0) === 0, 'a page lock is still held')
    demand(DOMAIN.fifoLock.load(memory, 0) === 0, 'the lock of FIFO queues is still held')
    checkChannels(machine, domain.domid)
  }
  for (const guest of guests) {
    checkFrames(guest, usesOf(guest))
    demand(DOMAIN.nrVcpus.load(guest.state.memory, 0) === guest.state.nrVcpus, 'the number of vCPUs has changed')
  }
}

function checkChannels(machine: Machine, domid: number): void {
  const { state, ports } = machine.domains.get(domid)!
  const { memory } = state
  for (let port = 0; port < ports.limit; port++) {
    const channel = state.channel(port)
    const binding = CHANNEL.binding.load(memory, channel)
    if (binding === 0) continue
    const [kind, peer] = [bindingState(binding), bindingPeer(binding)]
    if (port === 0 || kind > ECS_IPI) finding(`d${domid}: port ${port} is in state ${kind}`)
    const vcpu = CHANNEL.vcpu.load(memory, channel)
    if (!(vcpu >= 0 && vcpu < state.nrVcpus)) finding(`d${domid}: port ${port} tells vCPU ${vcpu}`)
    if (kind === ECS_INTERDOMAIN) {
      const far = machine.domains.get(bindingDomid(binding))?.state
      if (far === undefined) finding(`d${domid}: port ${port} is bound to a domain that does not exist`)
      const back = CHANNEL.binding.load(far.memory, far.channel(peer))
      const mutual =
        bindingState(back) === ECS_INTERDOMAIN && bindingDomid(back) === domid && bindingPeer(back) === port
      if (!mutual) finding(`d${domid}: port ${port} is bound to one that is not bound to it`)
    } else if (kind === ECS_VIRQ) {
      const owner = isVcpuVirq(peer) ? vcpu : 0
      if (VCPU.virqPorts.load(memory, state.vcpu(owner), peer) !== port)
        finding(`d${domid}: VIRQ ${peer} has another port`)
    }
  }
  for (let vcpu = 0; vcpu < state.nrVcpus; vcpu++) {
    for (let virq = 0; virq < NR_VIRQS; virq++) {
      const port = VCPU.virqPorts.load(memory, state.vcpu(vcpu), virq)
      if (port === 0) continue
      const binding = port > 0 && port < ports.limit ? CHANNEL.binding.load(memory, state.channel(port)) : 0
      if (bindingState(binding) !== ECS_VIRQ || bindingPeer(binding) !== virq)
        finding(`d${domid}: VIRQ ${virq} has a port of another`)
    }
  }
}

/** How often each frame is in use: through grants, as the place of a vcpu_info, or for event channels and interrupt lines. */
function usesOf({ domid, state }: MemoryDomain): Map<number, number> {
  const { memory } = state
  const uses = new Map<number, number>()
  const use = (gmfn: number): void => {
    if (gmfn >= 0) uses.set(gmfn, (uses.get(gmfn) ?? 0) + 1)
  }
  for (let vcpu = 0; vcpu < state.nrVcpus; vcpu++) {
    use(VCPU.infoFrame.load(memory, state.vcpu(vcpu)) - 1)
    use(VCPU.controlFrame.load(memory, state.vcpu(vcpu)) - 1)
  }
  for (let slot = 0; slot < DOMAIN.nrFifoFrames.load(memory, 0); slot++) use(DOMAIN.fifoFrames.load(memory, 0, slot))
  use(DOMAIN.pirqEoiFrame.load(memory, 0) - 1)
  const refs = DOMAIN.nrGrantFrames.load(memory, 0) * ENTRIES_PER_FRAME
  for (let ref = 0; ref < refs; ref++) {
    const active = DOMAIN.activeGrants.at(0, ref)
    const readers = ACTIVE_GRANT.readers.load(memory, active)
    const writers = ACTIVE_GRANT.writers.load(memory, active)
    if (readers === 0 && writers === 0) continue
    if (readers < 0 || writers < 0) finding(`d${domid}: grant ${ref} has ${readers} readers and ${writers} writers`)
    const gmfn = ACTIVE_GRANT.gmfn.load(memory, active)
    uses.set(gmfn, (uses.get(gmfn) ?? 0) + readers + writers)
  }
  return uses
}

function checkFrames(guest: MemoryDomain, uses: ReadonlyMap<number, number>): void {
  const { memory } = guest.state
  const nrGrantFrames = DOMAIN.nrGrantFrames.load(memory, 0)
  demand(nrGrantFrames <= DOMAIN.maxGrantFrames.load(memory, 0), 'a grant table larger than it may be')
  let pages = 0
  let xenFrames = 0
  for (let gmfn = GMFN_BASE; gmfn < GMFN_BASE + FRAMES; gmfn++) {
    const { kind, references } = guest.frame(gmfn)
    if (kind === GUEST) pages++
    else if (kind === XEN) xenFrames++
    if (references === (uses.get(gmfn) ?? 0)) continue
    finding(`d${guest.domid}: frame ${gmfn} has ${references} references and ${uses.get(gmfn) ?? 0} uses`)
  }
  if (pages !== DOMAIN.totPages.load(memory, 0)) finding(`d${guest.domid}: ${pages} pages are counted wrong`)
  if (pages > DOMAIN.maxPages.load(memory, 0)) finding(`d${guest.domid}: ${pages} pages are more than it may have`)
  if (xenFrames !== 1 + nrGrantFrames)
    finding(`d${guest.domid}: ${xenFrames} frames of Xen's, ${nrGrantFrames} for grants`)
}
