/** What may become of a domain that has ended: of xm's actions those that are done (xmexample1 of Xen 4.1). */
export const ACTIONS = ['destroy', 'restart', 'preserve'] as const
export type Action = (typeof ACTIONS)[number]

/** By the reason of the end. */
export interface Policies {
  readonly poweroff: Action
  readonly reboot: Action
  readonly crash: Action
}

/** Where a config says nothing. */
export const DEFAULT_POLICIES: Policies = { poweroff: 'destroy', reboot: 'restart', crash: 'restart' }
