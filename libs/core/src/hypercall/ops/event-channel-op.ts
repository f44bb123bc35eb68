import { ENOSYS, EPERM } from '../../abi/errno.ts'
import * as abi from '../../abi/event-channel.ts'
import { __HYPERVISOR_event_channel_op, DOMID_SELF } from '../../abi/xen.ts'
import { ECS_FREE, ECS_INTERDOMAIN, ECS_IPI, ECS_UNBOUND, ECS_VIRQ } from '../../event-channel/binding.ts'
import type { GuestCopy } from '../guest-handle.ts'
import type { HypercallContext } from '../hypercall-context.ts'
import type { HypercallRow, SubOpHandler, SubOpRow } from '../table.ts'

const allocUnbound: SubOpHandler = ({ domain, services }, { view }) => {
  const { dom, remote_dom, port } = abi.evtchn_alloc_unbound
  return answerPort(services.events.allocUnbound(domain, dom.get(view, 0), remote_dom.get(view, 0)), (bound) =>
    port.set(view, 0, bound),
  )
}

const bindInterdomain: SubOpHandler = ({ domain, services }, { view }) => {
  const { remote_dom, remote_port, local_port } = abi.evtchn_bind_interdomain
  return answerPort(
    services.events.bindInterdomain(domain, remote_dom.get(view, 0), remote_port.get(view, 0)),
    (bound) => local_port.set(view, 0, bound),
  )
}

const bindVirq: SubOpHandler = ({ domain, services }, { view }) => {
  const { virq, vcpu, port } = abi.evtchn_bind_virq
  return answerPort(services.events.bindVirq(domain, virq.get(view, 0), vcpu.get(view, 0)), (bound) =>
    port.set(view, 0, bound),
  )
}

const bindIpi: SubOpHandler = ({ domain, services }, { view }) => {
  const { vcpu, port } = abi.evtchn_bind_ipi
  return answerPort(services.events.bindIpi(domain, vcpu.get(view, 0)), (bound) => port.set(view, 0, bound))
}

/** Stores the port an operation made; what the call answers is 0. */
function answerPort(result: number, store: (port: number) => void): number {
  if (result < 0) return result
  store(result)
  return 0
}

const close: SubOpHandler = ({ domain, services }, { view }) =>
  services.events.close(domain, abi.evtchn_close.port.get(view, 0))

const send: SubOpHandler = ({ domain, services }, { view }) =>
  services.events.send(domain, abi.evtchn_send.port.get(view, 0))

const unmask: SubOpHandler = ({ domain, services }, { view }) =>
  services.events.unmask(domain, abi.evtchn_unmask.port.get(view, 0))

const bindVcpu: SubOpHandler = ({ domain, services }, { view }) => {
  const { port, vcpu } = abi.evtchn_bind_vcpu
  return services.events.bindVcpu(domain, port.get(view, 0), vcpu.get(view, 0))
}

const STATUS: Readonly<Record<number, number>> = {
  [ECS_UNBOUND]: abi.EVTCHNSTAT_unbound,
  [ECS_INTERDOMAIN]: abi.EVTCHNSTAT_interdomain,
  [ECS_VIRQ]: abi.EVTCHNSTAT_virq,
  [ECS_IPI]: abi.EVTCHNSTAT_ipi,
}

function status({ domain, services }: HypercallContext, { view }: GuestCopy): number {
  const { dom, port, status: answer, vcpu, u } = abi.evtchn_status
  const found = services.events.status(domain, dom.get(view, 0), port.get(view, 0))
  if (typeof found === 'number') return found
  answer.set(view, 0, STATUS[found.state] ?? abi.EVTCHNSTAT_closed)
  if (found.state !== ECS_FREE) vcpu.set(view, 0, found.vcpu)
  if (found.state === ECS_UNBOUND) u.unbound.dom.set(view, 0, found.domid)
  if (found.state === ECS_INTERDOMAIN) {
    u.interdomain.dom.set(view, 0, found.domid)
    u.interdomain.port.set(view, 0, found.peer)
  }
  if (found.state === ECS_VIRQ) u.virq.set(view, 0, found.peer)
  return 0
}

const reset: SubOpHandler = ({ domain, services }, { view }) => {
  const dom = abi.evtchn_reset.dom.get(view, 0)
  if (dom !== DOMID_SELF && dom !== domain.domid) return -EPERM
  services.events.reset(domain)
  return 0
}

const rows: SubOpRow[] = [
  {
    cmd: abi.EVTCHNOP_alloc_unbound,
    name: 'alloc_unbound',
    arg: abi.evtchn_alloc_unbound,
    copy: 'inout',
    handler: allocUnbound,
  },
  {
    cmd: abi.EVTCHNOP_bind_interdomain,
    name: 'bind_interdomain',
    arg: abi.evtchn_bind_interdomain,
    copy: 'inout',
    handler: bindInterdomain,
  },
  { cmd: abi.EVTCHNOP_bind_virq, name: 'bind_virq', arg: abi.evtchn_bind_virq, copy: 'inout', handler: bindVirq },
  { cmd: abi.EVTCHNOP_bind_ipi, name: 'bind_ipi', arg: abi.evtchn_bind_ipi, copy: 'inout', handler: bindIpi },
  // No guest has a device of the host.
  { cmd: abi.EVTCHNOP_bind_pirq, name: 'bind_pirq', arg: abi.evtchn_bind_pirq, handler: () => -EPERM },
  { cmd: abi.EVTCHNOP_close, name: 'close', arg: abi.evtchn_close, handler: close },
  { cmd: abi.EVTCHNOP_send, name: 'send', arg: abi.evtchn_send, handler: send },
  { cmd: abi.EVTCHNOP_status, name: 'status', arg: abi.evtchn_status, copy: 'inout', handler: status },
  { cmd: abi.EVTCHNOP_bind_vcpu, name: 'bind_vcpu', arg: abi.evtchn_bind_vcpu, handler: bindVcpu },
  { cmd: abi.EVTCHNOP_unmask, name: 'unmask', arg: abi.evtchn_unmask, handler: unmask },
  { cmd: abi.EVTCHNOP_reset, name: 'reset', arg: abi.evtchn_reset, handler: reset },
]

/** The FIFO ABI (init_control, expand_array, set_priority) is not offered: -ENOSYS, and guests use the two-level one. */
export const eventChannelOp: HypercallRow = {
  nr: __HYPERVISOR_event_channel_op,
  name: 'event_channel_op',
  callers: 'any',
  subOps: { cmdArg: 0, pointerArg: 1, unknown: ENOSYS, rows },
}
