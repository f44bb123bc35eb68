/** What becomes of a domain that has ended: on_poweroff, on_reboot, on_crash (tools/python/xen/xend/XendDomainInfo.py of Xen 4.1). */
import type { EndReason } from '@paravane/core'
import type { Action, CrashAction, Policies } from '../config/policies.ts'

/** A domain that ends sooner after its start is not started again: it would go on so for ever. Seconds. */
export const MINIMUM_RESTART_TIME = 60

export interface Verdict {
  readonly action: Action
  /** A core dump comes first. */
  readonly dump?: true
  /** The policy was to start it again. */
  readonly refused?: string
}

/** @param seconds from its start to its end */
export function verdict(name: string, reason: EndReason, policies: Policies, seconds: number): Verdict {
  const { action, dump } = actionOf(reason, policies)
  const also = dump ? { dump } : {}
  const again = action === 'restart' || action === 'rename-restart'
  if (!again || seconds >= MINIMUM_RESTART_TIME) return { action, ...also }
  const refused = `VM ${name} restarting too fast (Elapsed time: ${seconds.toFixed(0)} seconds). Refusing to restart to avoid loops.`
  return { action: 'destroy', refused, ...also }
}

const COREDUMP: Readonly<Partial<Record<CrashAction, Action>>> = {
  'coredump-destroy': 'destroy',
  'coredump-restart': 'restart',
}

function actionOf(reason: EndReason, { poweroff, reboot, crash }: Policies): { action: Action; dump?: true } {
  if (reason === 'poweroff') return { action: poweroff }
  if (reason === 'reboot') return { action: reboot }
  if (reason !== 'crash' && reason !== 'watchdog') return { action: 'destroy' }
  const afterDump = COREDUMP[crash]
  return afterDump === undefined ? { action: crash as Action } : { action: afterDump, dump: true }
}
