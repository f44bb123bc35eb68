import { EINVAL, ENOENT, ENOSPC, EOPNOTSUPP } from '../abi/errno.ts'
import { evtchn_fifo_control_block } from '../abi/event-channel.ts'
import { sizeof } from '../abi/struct.ts'
import type { GuestDomain } from '../domain/domain.ts'
import { DOMAIN, VCPU } from '../domain/domain-state.ts'
import type { SchedulerPort } from '../domain/scheduler-port.ts'
import { notifyVcpu } from '../domain/vcpu-run.ts'
import { PAGE_SIZE } from '../ring/shared-page.ts'
import { WORDS_PER_FRAME } from './fifo-ports.ts'
import { GuestPorts } from './guest-ports.ts'

/** The two forms of ports, if the domain is one that can change between them. */
function portsOf(domain: GuestDomain): GuestPorts | undefined {
  return domain.ports instanceof GuestPorts ? domain.ports : undefined
}

/** Holds a frame of the guest's that is written to from now on; it must be there. @throws AbsentFrame */
function holdWritable(domain: GuestDomain, gmfn: number): boolean {
  return gmfn < 0x7fff_ffff && domain.memory.frameOffset(gmfn) !== 0 && domain.frames.get(gmfn, true)
}

/** EVTCHNOP_init_control; the caller holds the event lock. The first one takes all ports of the domain into the FIFO ABI. */
export function initControl(domain: GuestDomain, vcpu: number, gmfn: number, offset: number): number {
  const { state } = domain
  if (!(vcpu < state.nrVcpus)) return -ENOENT
  if (offset > PAGE_SIZE - sizeof(evtchn_fifo_control_block) || offset % 8 !== 0) return -EINVAL
  const ports = portsOf(domain)
  const base = state.vcpu(vcpu)
  if (ports === undefined || VCPU.controlFrame.load(state.memory, base) !== 0) return -EINVAL
  if (!holdWritable(domain, gmfn)) return -EINVAL
  VCPU.controlOffset.store(state.memory, base, offset)
  VCPU.controlFrame.store(state.memory, base, gmfn + 1)
  if (!ports.isFifo) enterFifo(domain, ports)
  return 0
}

/** What is pending in the bitmaps is raised again when the guest gives the words for it. */
function enterFifo({ state }: GuestDomain, { twoLevel, fifo }: GuestPorts): void {
  const valid = DOMAIN.validPorts.load(state.memory, 0)
  for (let port = 1; port < valid; port++) {
    fifo.opened(port)
    if (twoLevel.isPending(port)) fifo.setPending(port, 0)
  }
  DOMAIN.fifo.store(state.memory, 0, 1)
}

/** EVTCHNOP_expand_array; the caller holds the event lock. */
export function expandArray(domain: GuestDomain, gmfn: number, sched: SchedulerPort): number {
  const { memory } = domain.state
  const ports = portsOf(domain)
  if (!ports?.isFifo) return -EOPNOTSUPP
  const slot = DOMAIN.nrFifoFrames.load(memory, 0)
  if (slot === DOMAIN.fifoFrames.length) return -ENOSPC
  if (!holdWritable(domain, gmfn)) return -EINVAL
  DOMAIN.fifoFrames.store(memory, 0, gmfn, slot)
  DOMAIN.nrFifoFrames.store(memory, 0, slot + 1)
  ports.fifo.frameAdded(slot * WORDS_PER_FRAME, (vcpu) => notifyVcpu(domain, vcpu, sched))
  return 0
}

/** Back to the two-level ABI, with every port closed; the caller holds the event lock. */
export function leaveFifo(domain: GuestDomain): void {
  const { memory } = domain.state
  if (DOMAIN.fifo.exchange(memory, 0, 0) === 0) return
  for (let vcpu = 0; vcpu < domain.state.nrVcpus; vcpu++) {
    const base = domain.state.vcpu(vcpu)
    const frame = VCPU.controlFrame.exchange(memory, base, 0)
    if (frame !== 0) domain.frames.put(frame - 1, true)
    for (let i = 0; i < VCPU.queueTails.length; i++) VCPU.queueTails.store(memory, base, 0, i)
  }
  const frames = DOMAIN.nrFifoFrames.exchange(memory, 0, 0)
  for (let slot = 0; slot < frames; slot++) domain.frames.put(DOMAIN.fifoFrames.load(memory, 0, slot), true)
}
