import { vcpu_guest_context } from '../../abi/arch-x86/xen-x86-64.ts'
import { EEXIST, EFAULT, EINVAL, ENOENT, ENOSYS } from '../../abi/errno.ts'
import { SHUTDOWN_poweroff } from '../../abi/sched.ts'
import * as abi from '../../abi/vcpu.ts'
import { __HYPERVISOR_vcpu_op } from '../../abi/xen.ts'
import { NEVER, VCPU, VCPU_INITIALISED, VCPU_NMI_PENDING, VCPU_UP } from '../../domain/domain-state.ts'
import { shutdownDomain } from '../../domain/lifecycle.ts'
import { fillRunstate, writeRunstateArea } from '../../domain/runstate.ts'
import { vcpuInfoOffset } from '../../domain/vcpu-info.ts'
import { notifyVcpu } from '../../domain/vcpu-run.ts'
import { guestTime, publishTime, publishTimeArea } from '../../time/system-time.ts'
import { NO_PERIOD, setPeriodic, setSingleshot } from '../../time/timers.ts'
import { handleOkay } from '../guest-handle.ts'
import type { HypercallArgs } from '../hypercall-args.ts'
import type { HypercallContext } from '../hypercall-context.ts'
import { type HypercallRow, refusedRow, type SubOpHandler, type SubOpRow, subOpHandler } from '../table.ts'
import { registerVcpuInfo } from './register-vcpu-info.ts'

/** The vCPU an operation is about; the row has checked that the domain has it. */
const target = (args: HypercallArgs): number => args.u32(1)

const flagsOf = ({ domain }: HypercallContext, vcpu: number): number =>
  VCPU.flags.load(domain.state.memory, domain.state.vcpu(vcpu))

const initialise: SubOpHandler = (ctx, context, args) => {
  const { domain, services } = ctx
  const vcpu = target(args)
  // A vCPU past the 32 of shared_info must have registered a vcpu_info.
  if (vcpuInfoOffset(domain, vcpu) === 0) return -EINVAL
  if (flagsOf(ctx, vcpu) & VCPU_INITIALISED) return -EEXIST
  const result = services.engine.initialiseVcpu(domain.domid, vcpu, context.view)
  if (result === 0) VCPU.flags.or(domain.state.memory, domain.state.vcpu(vcpu), VCPU_INITIALISED)
  return result
}

const up: SubOpHandler = (ctx, _arg, args) => {
  const { domain, services, clock } = ctx
  const vcpu = target(args)
  if (!(flagsOf(ctx, vcpu) & VCPU_INITIALISED)) return -EINVAL
  publishTime(domain, vcpu, clock)
  const before = VCPU.flags.or(domain.state.memory, domain.state.vcpu(vcpu), VCPU_UP)
  if (!(before & VCPU_UP)) services.sched.wake(domain.domid, vcpu)
  return 0
}

/** The last vCPU to go down takes the domain with it. */
const down: SubOpHandler = (ctx, _arg, args) => {
  const { domain, services } = ctx
  const vcpu = target(args)
  const others = Array.from({ length: domain.state.nrVcpus }, (_, i) => i).filter((i) => i !== vcpu)
  if (!others.some((i) => flagsOf(ctx, i) & VCPU_UP)) {
    shutdownDomain(domain, SHUTDOWN_poweroff, services)
    return 0
  }
  const before = VCPU.flags.clear(domain.state.memory, domain.state.vcpu(vcpu), VCPU_UP)
  if (!(before & VCPU_UP)) return 0
  if (vcpu === ctx.vcpu) services.sched.deschedule(domain.domid, vcpu)
  else services.sched.kick(domain.domid, vcpu)
  return 0
}

const isUp: SubOpHandler = (ctx, _arg, args) => (flagsOf(ctx, target(args)) & VCPU_UP ? 1 : 0)

const getRunstate: SubOpHandler = ({ domain, clock }, copy, args) => {
  fillRunstate(copy, domain, target(args), guestTime(domain, clock))
  return 0
}

/**
 * Written once now, through the caller's tables, and then whenever the vCPU is put on a pCPU. As in Xen an address where
 * nothing can be written is accepted, and nothing is ever written there.
 */
const registerRunstate: SubOpHandler = ({ domain, clock, guest }, { view }, args) => {
  const va = abi.vcpu_register_runstate_memory_area.addr.h.get(view, 0)
  const vcpu = target(args)
  if (!handleOkay(va)) return -EFAULT
  if (va !== 0n) writeRunstateArea(domain, vcpu, va, guestTime(domain, clock), guest)
  VCPU.runstateArea.store(domain.state.memory, domain.state.vcpu(vcpu), BigInt.asIntN(64, va))
  return 0
}

const registerTime: SubOpHandler = ({ domain, clock, guest }, { view }, args) => {
  const va = abi.vcpu_register_time_memory_area.addr.h.get(view, 0)
  if (!handleOkay(va)) return -EFAULT
  if (va !== 0n) publishTimeArea(domain, va, clock, guest)
  VCPU.timeArea.store(domain.state.memory, domain.state.vcpu(target(args)), BigInt.asIntN(64, va))
  return 0
}

const SHORTEST_PERIOD = 1_000_000n
const LONGEST = (1n << 62n) - 1n

const setPeriodicTimer: SubOpHandler = ({ domain, clock, services }, { view }, args) => {
  const period = abi.vcpu_set_periodic_timer.period_ns.get(view, 0)
  if (period < SHORTEST_PERIOD || period > LONGEST) return -EINVAL
  setPeriodic(domain, target(args), period, guestTime(domain, clock))
  services.sched.timersChanged(domain.domid, target(args))
  return 0
}

const stopPeriodicTimer: SubOpHandler = ({ domain, services }, _arg, args) => {
  setPeriodic(domain, target(args), NO_PERIOD, 0n)
  services.sched.timersChanged(domain.domid, target(args))
  return 0
}

/** VCPU_SSHOTTMR_future makes no difference, as Xen 4.17 has it: a time that is past raises the timer at once. */
const setSingleshotTimer: SubOpHandler = ({ domain, vcpu, clock, services }, { view }, args) => {
  if (target(args) !== vcpu) return -EINVAL
  const deadline = BigInt.asIntN(64, abi.vcpu_set_singleshot_timer.timeout_abs_ns.get(view, 0))
  const now = guestTime(domain, clock)
  // A time before 0 has passed, and is not to be taken for NEVER.
  setSingleshot(domain, vcpu, deadline < 0n ? 0n : deadline, now, services.events)
  services.sched.timersChanged(domain.domid, vcpu)
  return 0
}

const stopSingleshotTimer: SubOpHandler = ({ domain, vcpu, services }, _arg, args) => {
  if (target(args) !== vcpu) return -EINVAL
  setSingleshot(domain, vcpu, NEVER, 0n, services.events)
  services.sched.timersChanged(domain.domid, vcpu)
  return 0
}

const sendNmi: SubOpHandler = ({ domain, services }, _arg, args) => {
  const vcpu = target(args)
  if (args.u64(2) !== 0n) return -EINVAL
  const before = VCPU.flags.or(domain.state.memory, domain.state.vcpu(vcpu), VCPU_NMI_PENDING)
  if (!(before & VCPU_NMI_PENDING)) notifyVcpu(domain, vcpu, services.sched)
  return 0
}

const rows: SubOpRow[] = [
  { cmd: abi.VCPUOP_initialise, name: 'initialise', arg: vcpu_guest_context, handler: initialise },
  { cmd: abi.VCPUOP_up, name: 'up', handler: up },
  { cmd: abi.VCPUOP_down, name: 'down', handler: down },
  { cmd: abi.VCPUOP_is_up, name: 'is_up', handler: isUp },
  {
    cmd: abi.VCPUOP_get_runstate_info,
    name: 'get_runstate_info',
    arg: abi.vcpu_runstate_info,
    copy: 'inout',
    handler: getRunstate,
  },
  {
    cmd: abi.VCPUOP_register_runstate_memory_area,
    name: 'register_runstate_memory_area',
    arg: abi.vcpu_register_runstate_memory_area,
    handler: registerRunstate,
  },
  {
    cmd: abi.VCPUOP_set_periodic_timer,
    name: 'set_periodic_timer',
    arg: abi.vcpu_set_periodic_timer,
    handler: setPeriodicTimer,
  },
  { cmd: abi.VCPUOP_stop_periodic_timer, name: 'stop_periodic_timer', handler: stopPeriodicTimer },
  {
    cmd: abi.VCPUOP_set_singleshot_timer,
    name: 'set_singleshot_timer',
    arg: abi.vcpu_set_singleshot_timer,
    handler: setSingleshotTimer,
  },
  { cmd: abi.VCPUOP_stop_singleshot_timer, name: 'stop_singleshot_timer', handler: stopSingleshotTimer },
  {
    cmd: abi.VCPUOP_register_vcpu_info,
    name: 'register_vcpu_info',
    arg: abi.vcpu_register_vcpu_info,
    handler: registerVcpuInfo,
  },
  { cmd: abi.VCPUOP_send_nmi, name: 'send_nmi', handler: sendNmi },
  refusedRow(abi.VCPUOP_get_physid, 'get_physid', EINVAL, 'no vCPU has a processor of its own'),
  {
    cmd: abi.VCPUOP_register_vcpu_time_memory_area,
    name: 'register_vcpu_time_memory_area',
    arg: abi.vcpu_register_time_memory_area,
    handler: registerTime,
  },
]

const operations = subOpHandler({ cmdArg: 0, pointerArg: 2, unknown: ENOSYS, rows })

/** vcpu_op(cmd, vcpu, arg*). A vCPU the domain does not have: -ENOENT, by which Linux counts them. */
export const vcpuOp: HypercallRow = {
  nr: __HYPERVISOR_vcpu_op,
  name: 'vcpu_op',
  callers: 'any',
  commands: rows,
  handler: (ctx, args) => (target(args) < ctx.domain.state.nrVcpus ? operations(ctx, args) : -ENOENT),
}
