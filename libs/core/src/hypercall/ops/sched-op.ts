import { EFAULT, EINVAL, ENOSPC, ENOSYS, EPERM, ESRCH } from '../../abi/errno.ts'
import * as abi from '../../abi/sched.ts'
import { __HYPERVISOR_sched_op } from '../../abi/xen.ts'
import { DOMAIN, NEVER, POLLS_ANY, VCPU, VCPU_BLOCKED, VCPU_NMI_PENDING } from '../../domain/domain-state.ts'
import { shutdownDomain } from '../../domain/lifecycle.ts'
import { unmaskUpcall, upcallDue } from '../../domain/vcpu-info.ts'
import { unblockVcpu } from '../../domain/vcpu-run.ts'
import { guestTime } from '../../time/system-time.ts'
import { GuestCopy, handleOkay } from '../guest-handle.ts'
import type { HypercallContext } from '../hypercall-context.ts'
import { type HypercallRow, refusedRow, type SubOpHandler, type SubOpRow } from '../table.ts'

const yieldOp: SubOpHandler = ({ domain, vcpu, services }) => {
  services.sched.yield(domain.domid, vcpu)
  return 0
}

/** Opens the upcall mask and sleeps until an event is pending. */
const block: SubOpHandler = (ctx) => {
  unmaskUpcall(ctx.domain, ctx.vcpu)
  beginWait(ctx, 0, NEVER)
  if (hasWork(ctx)) unblockVcpu(ctx.domain, ctx.vcpu, ctx.services.sched)
  else ctx.services.sched.deschedule(ctx.domain.domid, ctx.vcpu)
  return 0
}

/**
 * Writes down what the vCPU waits for. The flag is set last, and before the last look for events: whoever raises one
 * after that look finds the flag, and what is polled, and clears it.
 */
function beginWait({ domain, vcpu }: HypercallContext, polling: number, timeout: bigint): void {
  const { memory } = domain.state
  const base = domain.state.vcpu(vcpu)
  const bit = 1 << (vcpu & 31)
  VCPU.polling.store(memory, base, polling)
  VCPU.pollTimeout.store(memory, base, timeout)
  if (polling === 0) DOMAIN.pollers.clear(memory, 0, bit, vcpu >> 5)
  else DOMAIN.pollers.or(memory, 0, bit, vcpu >> 5)
  VCPU.flags.or(memory, base, VCPU_BLOCKED)
}

function hasWork({ domain, vcpu }: HypercallContext): boolean {
  const flags = VCPU.flags.load(domain.state.memory, domain.state.vcpu(vcpu))
  return upcallDue(domain, vcpu) || (flags & VCPU_NMI_PENDING) !== 0
}

const MAX_POLLED = 128
const polled = new GuestCopy(4 * MAX_POLLED)

/** Sleeps until one of the ports is pending (masked or not), an event is to be taken, or the time is past. */
const poll: SubOpHandler = (ctx, { view }) => {
  const { domain, vcpu, guest, services } = ctx
  const count = abi.sched_poll.nr_ports.get(view, 0)
  if (count > MAX_POLLED) return -EINVAL
  if (!handleOkay(abi.sched_poll.ports.get(view, 0))) return -EFAULT
  const ports = polled.bytes.subarray(0, 4 * count)
  if (!guest.read(abi.sched_poll.ports.get(view, 0), ports)) return -EFAULT
  const timeout = abi.sched_poll.timeout.get(view, 0)

  const deadline = timeout === 0n ? NEVER : BigInt.asUintN(63, timeout)
  beginWait(ctx, count === 1 ? polled.view.getInt32(0, true) : POLLS_ANY, deadline)
  const answer = pollNow(ctx, count, timeout)
  if (answer === 'sleep') services.sched.deschedule(domain.domid, vcpu)
  else unblockVcpu(domain, vcpu, services.sched)
  return answer === 'sleep' ? 0 : answer
}

function pollNow(ctx: HypercallContext, count: number, timeout: bigint): number | 'sleep' {
  const { domain, services, clock } = ctx
  if (hasWork(ctx)) return 0
  for (let i = 0; i < count; i++) {
    const port = polled.view.getUint32(4 * i, true)
    if (!services.events.isPort(domain, port)) return -EINVAL
    if (domain.ports.isPending(port)) return 0
  }
  return timeout !== 0n && timeout <= guestTime(domain, clock) ? 0 : 'sleep'
}

/** The third argument is the gmfn of start_info, for a suspend. */
const shutdown: SubOpHandler = ({ domain, services }, { view }, args) => {
  const reason = abi.sched_shutdown.reason.get(view, 0) & 0xff
  DOMAIN.suspendRecord.store(domain.state.memory, 0, BigInt.asIntN(64, args.u64(2)))
  shutdownDomain(domain, reason, services)
  return 0
}

/** Only records why the domain will have shut down. */
const shutdownCode: SubOpHandler = ({ domain }, { view }) => {
  DOMAIN.shutdownReason.store(domain.state.memory, 0, abi.sched_shutdown.reason.get(view, 0) & 0xff)
  return 0
}

/** As Xen answers it: the function that finds no free watchdog is of type u32. */
const NO_WATCHDOG_LEFT = 2 ** 32 - ENOSPC

/** Answers the id of a watchdog that was started; with no time to go the first one fires at once. */
const watchdog: SubOpHandler = ({ domain, clock, services }, { view }) => {
  const { memory } = domain.state
  const id = abi.sched_watchdog.id.get(view, 0)
  const seconds = abi.sched_watchdog.timeout.get(view, 0)
  const slots = DOMAIN.watchdogs.length
  if (id > slots) return -EINVAL
  let slot = id - 1
  if (id === 0) {
    slot = 0
    while (slot < slots && DOMAIN.watchdogs.load(memory, 0, slot) !== NEVER) slot++
    if (slot === slots) return NO_WATCHDOG_LEFT
  } else if (DOMAIN.watchdogs.load(memory, 0, slot) === NEVER) {
    return -EINVAL
  }
  const deadline = seconds === 0 && id !== 0 ? NEVER : guestTime(domain, clock) + BigInt(seconds) * 1_000_000_000n
  DOMAIN.watchdogs.store(memory, 0, deadline, slot)
  services.sched.timersChanged(domain.domid, 0)
  return id === 0 ? slot + 1 : 0
}

/** Not even for itself, which has SCHEDOP_shutdown. */
const remoteShutdown: SubOpHandler = ({ services }, { view }) =>
  services.domains.get(abi.sched_remote_shutdown.domain_id.get(view, 0)) === undefined ? -ESRCH : -EPERM

const rows: SubOpRow[] = [
  { cmd: abi.SCHEDOP_yield, name: 'yield', handler: yieldOp },
  { cmd: abi.SCHEDOP_block, name: 'block', handler: block },
  { cmd: abi.SCHEDOP_shutdown, name: 'shutdown', arg: abi.sched_shutdown, handler: shutdown },
  { cmd: abi.SCHEDOP_poll, name: 'poll', arg: abi.sched_poll, handler: poll },
  {
    ...refusedRow(abi.SCHEDOP_remote_shutdown, 'remote_shutdown', EPERM, "the toolstack's", abi.sched_remote_shutdown),
    handler: remoteShutdown,
  },
  { cmd: abi.SCHEDOP_shutdown_code, name: 'shutdown_code', arg: abi.sched_shutdown, handler: shutdownCode },
  { cmd: abi.SCHEDOP_watchdog, name: 'watchdog', arg: abi.sched_watchdog, handler: watchdog },
  refusedRow(abi.SCHEDOP_pin_override, 'pin_override', EPERM, "for the domain with the host's devices"),
]

export const schedOp: HypercallRow = {
  nr: __HYPERVISOR_sched_op,
  name: 'sched_op',
  callers: 'any',
  subOps: { cmdArg: 0, pointerArg: 1, unknown: ENOSYS, rows },
}
