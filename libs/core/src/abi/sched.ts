/** `xen/sched.h`: HYPERVISOR_sched_op. */
import { type Struct, struct } from './struct.ts'

export const SCHEDOP_yield = 0
export const SCHEDOP_block = 1
export const SCHEDOP_shutdown = 2
export const SCHEDOP_poll = 3
export const SCHEDOP_remote_shutdown = 4
export const SCHEDOP_shutdown_code = 5
export const SCHEDOP_watchdog = 6
export const SCHEDOP_pin_override = 7

const schedShutdown = { reason: 'u32' } as const
/** IN: SHUTDOWN_*. */
export const sched_shutdown: Struct<typeof schedShutdown> = struct('sched_shutdown', schedShutdown)
const schedPoll = { ports: 'handle', nr_ports: 'u32', timeout: 'u64' } as const
/** IN: ports (u32 each, 128 at most) and the absolute guest time, in ns, to wait for at most; 0 means no end. */
export const sched_poll: Struct<typeof schedPoll> = struct('sched_poll', schedPoll)
const schedRemoteShutdown = { domain_id: 'u16', reason: 'u32' } as const
/** IN: for a toolstack; the domain gets SHUTDOWN_* without having asked. */
export const sched_remote_shutdown: Struct<typeof schedRemoteShutdown> = struct(
  'sched_remote_shutdown',
  schedRemoteShutdown,
)
const schedWatchdog = { id: 'u32', timeout: 'u32' } as const
/** IN: seconds; `id` 0 starts a watchdog and the call answers its id, timeout 0 stops it. */
export const sched_watchdog: Struct<typeof schedWatchdog> = struct('sched_watchdog', schedWatchdog)
const schedPinOverride = { pcpu: 's32' } as const
/** IN: the pCPU to stay on, negative to stop it; dom0's hardware access only. */
export const sched_pin_override: Struct<typeof schedPinOverride> = struct('sched_pin_override', schedPinOverride)

// Why a domain shut down.
export const SHUTDOWN_poweroff = 0
export const SHUTDOWN_reboot = 1
export const SHUTDOWN_suspend = 2
export const SHUTDOWN_crash = 3
export const SHUTDOWN_watchdog = 4
export const SHUTDOWN_soft_reset = 5
export const SHUTDOWN_MAX = 5
