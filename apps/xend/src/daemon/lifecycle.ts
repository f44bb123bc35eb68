/** What becomes of a domain that has ended: on_poweroff, on_reboot, on_crash (tools/python/xen/xend/XendDomainInfo.py of Xen 4.1). */
import type { EndReason } from '@paravane/core'
import type { Action, Policies } from '../config/policies.ts'

/** A domain that ends sooner after its start is not started again: it would go on so for ever. Seconds. */
export const MINIMUM_RESTART_TIME = 60

export interface Verdict {
  readonly action: Action
  /** The policy was to start it again. */
  readonly refused?: string
}

/** @param seconds from its start to its end */
export function verdict(name: string, reason: EndReason, policies: Policies, seconds: number): Verdict {
  const action = actionOf(reason, policies)
  if (action !== 'restart' || seconds >= MINIMUM_RESTART_TIME) return { action }
  const refused = `VM ${name} restarting too fast (Elapsed time: ${seconds.toFixed(0)} seconds). Refusing to restart to avoid loops.`
  return { action: 'destroy', refused }
}

function actionOf(reason: EndReason, { poweroff, reboot, crash }: Policies): Action {
  if (reason === 'poweroff') return poweroff
  if (reason === 'reboot') return reboot
  return reason === 'crash' || reason === 'watchdog' ? crash : 'destroy'
}
