import { EINVAL, ENOSYS, EPERM } from '../../abi/errno.ts'
import * as abi from '../../abi/event-channel.ts'
import { __HYPERVISOR_event_channel_op } from '../../abi/xen.ts'
import { ECS_INTERDOMAIN, ECS_IPI, ECS_UNBOUND, ECS_VIRQ } from '../../event-channel/binding.ts'
import type { GuestCopy } from '../guest-handle.ts'
import type { HypercallContext } from '../hypercall-context.ts'
import { type HypercallRow, refusedRow, type SubOpHandler, type SubOpRow } from '../table.ts'
import { notSelf } from '../whose.ts'

const NR_PIRQS = 256
const EVTCHNOP_reset_cont = 14

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
  vcpu.set(view, 0, found.vcpu)
  if (found.state === ECS_UNBOUND) u.unbound.dom.set(view, 0, found.domid)
  if (found.state === ECS_INTERDOMAIN) {
    u.interdomain.dom.set(view, 0, found.domid)
    u.interdomain.port.set(view, 0, found.peer)
  }
  if (found.state === ECS_VIRQ) u.virq.set(view, 0, found.peer)
  return 0
}

const reset: SubOpHandler = (ctx, { view }) => {
  const foreign = notSelf(ctx, abi.evtchn_reset.dom.get(view, 0))
  if (foreign === 0) ctx.services.events.reset(ctx.domain)
  return foreign
}

/** No guest has an interrupt line of the host. */
const bindPirq: SubOpHandler = (_ctx, { view }) =>
  abi.evtchn_bind_pirq.pirq.get(view, 0) < NR_PIRQS ? -EPERM : -EINVAL

const initControl: SubOpHandler = ({ domain, services }, { view }) => {
  const { control_gfn, offset, vcpu, link_bits } = abi.evtchn_init_control
  link_bits.set(view, 0, abi.EVTCHN_FIFO_LINK_BITS)
  const gmfn = control_gfn.getNumber(view, 0)
  return services.events.initControl(domain, vcpu.get(view, 0), gmfn, offset.get(view, 0))
}

const expandArray: SubOpHandler = ({ domain, services }, { view }) =>
  services.events.expandArray(domain, abi.evtchn_expand_array.array_gfn.getNumber(view, 0))

const setPriority: SubOpHandler = ({ domain, services }, { view }) => {
  const { port, priority } = abi.evtchn_set_priority
  return services.events.setPriority(domain, port.get(view, 0), priority.get(view, 0))
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
  {
    ...refusedRow(
      abi.EVTCHNOP_bind_pirq,
      'bind_pirq',
      EPERM,
      'for domains with devices of the host',
      abi.evtchn_bind_pirq,
    ),
    handler: bindPirq,
  },
  { cmd: abi.EVTCHNOP_close, name: 'close', arg: abi.evtchn_close, handler: close },
  { cmd: abi.EVTCHNOP_send, name: 'send', arg: abi.evtchn_send, handler: send },
  { cmd: abi.EVTCHNOP_status, name: 'status', arg: abi.evtchn_status, copy: 'inout', handler: status },
  { cmd: abi.EVTCHNOP_bind_vcpu, name: 'bind_vcpu', arg: abi.evtchn_bind_vcpu, handler: bindVcpu },
  { cmd: abi.EVTCHNOP_unmask, name: 'unmask', arg: abi.evtchn_unmask, handler: unmask },
  { cmd: abi.EVTCHNOP_reset, name: 'reset', arg: abi.evtchn_reset, handler: reset },
  // Xen's own way to go on with a long reset, which a guest may call as well.
  { cmd: EVTCHNOP_reset_cont, name: 'reset_cont', arg: abi.evtchn_reset, handler: reset },
  {
    cmd: abi.EVTCHNOP_init_control,
    name: 'init_control',
    arg: abi.evtchn_init_control,
    copy: 'inout',
    handler: initControl,
  },
  { cmd: abi.EVTCHNOP_expand_array, name: 'expand_array', arg: abi.evtchn_expand_array, handler: expandArray },
  { cmd: abi.EVTCHNOP_set_priority, name: 'set_priority', arg: abi.evtchn_set_priority, handler: setPriority },
]

export const eventChannelOp: HypercallRow = {
  nr: __HYPERVISOR_event_channel_op,
  name: 'event_channel_op',
  callers: 'any',
  subOps: { cmdArg: 0, pointerArg: 1, unknown: ENOSYS, rows },
}
