import { EFAULT, ENOSYS } from '../../abi/errno.ts'
import { EVTCHNOP_unmask, evtchn_op } from '../../abi/event-channel.ts'
import { PHYSDEVOP_apic_write, PHYSDEVOP_irq_status_query, physdev_op } from '../../abi/physdev.ts'
import { SCHEDOP_block, SCHEDOP_shutdown, SCHEDOP_yield } from '../../abi/sched.ts'
import { type Embedded, sizeof } from '../../abi/struct.ts'
import * as xen from '../../abi/xen.ts'
import { shutdownDomain } from '../../domain/lifecycle.ts'
import { GuestCopy } from '../guest-handle.ts'
import { HypercallArgs } from '../hypercall-args.ts'
import { type HypercallHandler, type HypercallRow, type SubOps, subOpHandler } from '../table.ts'
import { eventChannelOp } from './event-channel-op.ts'
import { physdevOp } from './physdev-op.ts'
import { schedOp } from './sched-op.ts'

const inner = new HypercallArgs()

/** The handler of a row that has sub-operations. */
function handlerOf(row: HypercallRow): HypercallHandler {
  return subOpHandler((row as { readonly subOps: SubOps }).subOps)
}

/** A call whose command is in the structure, before its argument: as it was before Xen 3.2. */
function inStructure(row: HypercallRow, struct: Embedded, offset: number, first: number, last: number) {
  const handler = handlerOf(row)
  const copy = new GuestCopy(sizeof(struct))
  const call: HypercallHandler = (ctx, args) => {
    const va = args.u64(0)
    if (!copy.copyFrom(ctx.guest, va)) return -EFAULT
    const cmd = copy.view.getUint32(0, true)
    if (cmd < first || cmd > last) return -ENOSYS
    return handler(ctx, inner.fill([cmd, va + BigInt(offset)]))
  }
  return call
}

const schedHandler = handlerOf(schedOp)

const schedCompat: HypercallHandler = (ctx, args) => {
  switch (args.u32(0)) {
    case SCHEDOP_yield:
    case SCHEDOP_block:
      return schedHandler(ctx, inner.fill([args.u64(0)]))
    case SCHEDOP_shutdown:
      shutdownDomain(ctx.domain, args.u32(1) & 0xff, ctx.services)
      return 0
    default:
      return -ENOSYS
  }
}

/** The calls that older guests make by their first numbers. */
export const compatOps: readonly HypercallRow[] = [
  {
    nr: xen.__HYPERVISOR_sched_op_compat,
    name: 'sched_op_compat',
    callers: 'any',
    commands: [
      { cmd: SCHEDOP_yield, name: 'yield' },
      { cmd: SCHEDOP_block, name: 'block' },
      { cmd: SCHEDOP_shutdown, name: 'shutdown' },
    ],
    handler: schedCompat,
  },
  {
    nr: xen.__HYPERVISOR_event_channel_op_compat,
    name: 'event_channel_op_compat',
    callers: 'any',
    handler: inStructure(eventChannelOp, evtchn_op, 4, 0, EVTCHNOP_unmask),
  },
  {
    nr: xen.__HYPERVISOR_physdev_op_compat,
    name: 'physdev_op_compat',
    callers: 'any',
    handler: inStructure(physdevOp, physdev_op, 8, PHYSDEVOP_irq_status_query, PHYSDEVOP_apic_write),
  },
]
