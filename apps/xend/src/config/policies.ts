/** What becomes of a domain that has ended: xm's actions (xmexample1 of Xen 4.1). */
export const END_ACTIONS = ['destroy', 'restart', 'preserve', 'rename-restart'] as const
/** After a crash, with a core dump first if that is wanted. */
export const CRASH_ACTIONS = [...END_ACTIONS, 'coredump-destroy', 'coredump-restart'] as const
export type Action = (typeof END_ACTIONS)[number]
export type CrashAction = (typeof CRASH_ACTIONS)[number]

/** By the reason of the end. */
export interface Policies {
  readonly poweroff: Action
  readonly reboot: Action
  readonly crash: CrashAction
}

/** Where a config says nothing. */
export const DEFAULT_POLICIES: Policies = { poweroff: 'destroy', reboot: 'restart', crash: 'restart' }

/** What xm's deprecated key `restart` stands for. */
export const RESTART_POLICIES: Readonly<Record<'onreboot' | 'always' | 'never', Policies>> = {
  onreboot: { poweroff: 'destroy', reboot: 'restart', crash: 'destroy' },
  always: { poweroff: 'restart', reboot: 'restart', crash: 'restart' },
  never: { poweroff: 'destroy', reboot: 'destroy', crash: 'destroy' },
}
