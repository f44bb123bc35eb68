import {
  CONTINUE,
  type CommandRow,
  GuestCopy,
  type HypercallArgs,
  type HypercallContext,
  type HypercallResult,
  type HypercallRow,
  REGISTERS_SET,
} from '@paravane/core'
import {
  __HYPERVISOR_callback_op,
  __HYPERVISOR_fpu_taskswitch,
  __HYPERVISOR_get_debugreg,
  __HYPERVISOR_iret,
  __HYPERVISOR_set_callbacks,
  __HYPERVISOR_set_debugreg,
  __HYPERVISOR_set_segment_base,
  __HYPERVISOR_set_trap_table,
  __HYPERVISOR_stack_switch,
  CALLBACKF_mask_events,
  CALLBACKOP_register,
  CALLBACKOP_unregister,
  CALLBACKTYPE_event,
  CALLBACKTYPE_failsafe,
  CALLBACKTYPE_nmi,
  CALLBACKTYPE_syscall,
  CALLBACKTYPE_syscall32,
  CALLBACKTYPE_sysenter,
  callback_register,
  callback_unregister,
  EFAULT,
  EINVAL,
  ENODEV,
  ENOSYS,
  FLAT_RING3_CS64,
  SEGBASE_FS,
  SEGBASE_GS_KERNEL,
  SEGBASE_GS_USER,
  SEGBASE_GS_USER_SEL,
  sizeof,
  trap_info,
} from '@paravane/core/abi'
import { canonical } from '../cold/slow-access.ts'
import { CPU } from '../state/layout.ts'
import type { VcpuMemory } from '../state/vcpu-memory.ts'
import { setTaskSwitched } from './control-registers.ts'
import { readDebugRegister, writeDebugRegister } from './debug-registers.ts'
import { PV, TRAP_MASKS_EVENTS, VECTOR } from './pv-state.ts'
import type { PvVcpu } from './pv-vcpu.ts'
import { dataSegment, GS } from './segment-loads.ts'

const CALLBACK_COMMANDS: readonly CommandRow[] = [
  { cmd: CALLBACKOP_register, name: 'register' },
  { cmd: CALLBACKOP_unregister, name: 'unregister' },
]
const TRAPS = 256

/**
 * Hypercalls about the processor itself (xen/arch/x86/pv): traps, callbacks, stacks, segment bases, debug registers, iret.
 * @param current the vCPU that makes the call
 */
export function cpuHypercalls(current: (ctx: HypercallContext) => PvVcpu): readonly HypercallRow[] {
  const vcpuOf = (ctx: HypercallContext): VcpuMemory => current(ctx).vcpu
  return [
    row(__HYPERVISOR_set_trap_table, 'set_trap_table', (ctx, args) => setTrapTable(ctx, vcpuOf(ctx), args)),
    row(__HYPERVISOR_stack_switch, 'stack_switch', (ctx, args) => stackSwitch(vcpuOf(ctx), args)),
    row(__HYPERVISOR_set_callbacks, 'set_callbacks', (ctx, args) => setCallbacks(vcpuOf(ctx), args)),
    {
      ...row(__HYPERVISOR_callback_op, 'callback_op', (ctx, args) => callbackOp(ctx, vcpuOf(ctx), args)),
      commands: CALLBACK_COMMANDS,
    },
    row(__HYPERVISOR_fpu_taskswitch, 'fpu_taskswitch', (ctx, args) => {
      setTaskSwitched(vcpuOf(ctx), args.u32(0) !== 0)
      return 0
    }),
    row(__HYPERVISOR_set_debugreg, 'set_debugreg', (ctx, args) =>
      writeDebugRegister(vcpuOf(ctx), args.u32(0), args.u64(1)),
    ),
    row(
      __HYPERVISOR_get_debugreg,
      'get_debugreg',
      (ctx, args) => readDebugRegister(vcpuOf(ctx), args.u32(0)) ?? -ENODEV,
    ),
    row(__HYPERVISOR_set_segment_base, 'set_segment_base', (ctx, args) =>
      setSegmentBase(current(ctx), args.u32(0), args.u64(1)),
    ),
    row(__HYPERVISOR_iret, 'iret', (ctx) => {
      current(ctx).iret()
      return REGISTERS_SET
    }),
  ]
}

function row(
  nr: number,
  name: string,
  handler: (ctx: HypercallContext, args: HypercallArgs) => HypercallResult,
): HypercallRow {
  return { nr, name, callers: 'any', handler }
}

/** Entries up to one with address 0, however many, in stretches; a null table clears all. */
function setTrapTable(ctx: HypercallContext, vcpu: VcpuMemory, args: HypercallArgs): number | typeof CONTINUE {
  const table = args.u64(0)
  if (table === 0n) {
    for (let n = 0; n < TRAPS; n++) setTrap(vcpu, n, 0n, 0, 0)
    return 0
  }
  const entry = GuestCopy.of(trap_info)
  for (let n = 0; n < TRAPS; n++) {
    if (!entry.copyFrom(ctx.guest, table + BigInt(n * sizeof(trap_info)))) return -EFAULT
    const address = trap_info.address.get(entry.view, 0)
    if (address === 0n) return 0
    if (!canonical(address)) return -EINVAL
    const vector = trap_info.vector.get(entry.view, 0)
    setTrap(vcpu, vector, address, trap_info.flags.get(entry.view, 0), trap_info.cs.get(entry.view, 0))
  }
  args.set(0, table + BigInt(TRAPS * sizeof(trap_info)))
  return CONTINUE
}

export function setTrap(vcpu: VcpuMemory, vector: number, address: bigint, flags: number, cs: number): void {
  const at = PV.TRAPS + vector * PV.TRAP_BYTES
  vcpu.setU64(at, address)
  vcpu.setI32(at + 8, flags)
  vcpu.setI32(at + 12, cs)
}

function stackSwitch(vcpu: VcpuMemory, args: HypercallArgs): number {
  vcpu.setI32(PV.KERNEL_SS, (args.u32(0) & 0xffff) | 3)
  vcpu.setU64(PV.KERNEL_SP, args.u64(1))
  return 0
}

/** Addresses that are not canonical are passed over, and nobody is told (xen/arch/x86/pv/callback.c do_set_callbacks). */
function setCallbacks(vcpu: VcpuMemory, args: HypercallArgs): number {
  for (const [n, type] of [CALLBACKTYPE_event, CALLBACKTYPE_failsafe, CALLBACKTYPE_syscall].entries())
    registerCallback(vcpu, type, args.u64(n), false)
  return 0
}

function callbackOp(ctx: HypercallContext, vcpu: VcpuMemory, args: HypercallArgs): number {
  const cmd = args.u32(0)
  if (cmd === CALLBACKOP_register) {
    const arg = GuestCopy.of(callback_register)
    if (!arg.copyFrom(ctx.guest, args.u64(1))) return -EFAULT
    const masks = (callback_register.flags.get(arg.view, 0) & CALLBACKF_mask_events) !== 0
    const address = callback_register.address.get(arg.view, 0)
    return registerCallback(vcpu, callback_register.type.get(arg.view, 0), address, masks)
  }
  if (cmd === CALLBACKOP_unregister) {
    const arg = GuestCopy.of(callback_unregister)
    if (!arg.copyFrom(ctx.guest, args.u64(1))) return -EFAULT
    return unregisterCallback(vcpu, callback_unregister.type.get(arg.view, 0))
  }
  return -ENOSYS
}

/** Types that have an entry point of their own; that of NMIs is in the trap table. */
const CALLBACK_TYPES: ReadonlySet<number> = new Set([
  CALLBACKTYPE_event,
  CALLBACKTYPE_failsafe,
  CALLBACKTYPE_syscall,
  CALLBACKTYPE_sysenter,
  CALLBACKTYPE_syscall32,
])

function registerCallback(vcpu: VcpuMemory, type: number, address: bigint, masksEvents: boolean): number {
  if (!canonical(address)) return -EINVAL
  if (type === CALLBACKTYPE_nmi) setTrap(vcpu, VECTOR.NMI, address, TRAP_MASKS_EVENTS, FLAT_RING3_CS64)
  else if (CALLBACK_TYPES.has(type)) setCallback(vcpu, type, address, masksEvents)
  else return -ENOSYS
  return 0
}

/** Only NMIs can be done without. */
function unregisterCallback(vcpu: VcpuMemory, type: number): number {
  if (type === CALLBACKTYPE_nmi) setTrap(vcpu, VECTOR.NMI, 0n, 0, 0)
  else return CALLBACK_TYPES.has(type) ? -EINVAL : -ENOSYS
  return 0
}

export function setCallback(vcpu: VcpuMemory, type: number, address: bigint, masksEvents: boolean): void {
  vcpu.setU64(PV.CALLBACKS + type * 8, address)
  const masks = vcpu.i32(PV.CALLBACK_MASKS)
  vcpu.setI32(PV.CALLBACK_MASKS, masksEvents ? masks | (1 << type) : masks & ~(1 << type))
}

function setSegmentBase(pv: PvVcpu, which: number, value: bigint): number {
  const { vcpu } = pv
  if (which === SEGBASE_GS_USER_SEL) {
    // GS itself is loaded; a selector that cannot be is taken for a null one, and the call succeeds all the same.
    const low = Number(value & 0xffffn)
    const selector = low > 3 ? low | 3 : low
    const segment = dataSegment(pv.descriptors, GS, selector)
    vcpu.setI32(PV.GS, 'base' in segment ? selector : 0)
    vcpu.setU64(PV.GS_USER, 'base' in segment ? segment.base : 0n)
    return 0
  }
  if (!canonical(value)) return -EINVAL
  if (which === SEGBASE_FS) vcpu.setU64(CPU.FSBASE, value)
  else if (which === SEGBASE_GS_USER) vcpu.setU64(PV.GS_USER, value)
  else if (which === SEGBASE_GS_KERNEL) vcpu.setU64(CPU.GSBASE, value)
  else return -EINVAL
  return 0
}
