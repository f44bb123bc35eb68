import { availableParallelism } from 'node:os'
import { type Hypervisor, startHypervisor } from '@paravane/core'

/** The one place that says which plugins make up the hypervisor. */
const PLUGINS = ['@paravane/cpu-x86', '@paravane/sched-credit'] as const

export interface ComposeOptions {
  /** Threads that run vCPUs; by default as many as `vcpus`, and no more than the host has processors. */
  readonly pcpus?: number
  /** How many vCPUs there will be. */
  readonly vcpus: number
  /** Takes what guests write to the hypervisor's log. */
  readonly guestLog?: (domid: number, bytes: Uint8Array) => void
  /** Takes a line about a domain that came to grief. */
  readonly warn: (line: string) => void
}

/** Starts the hypervisor of this process. */
export function compose({ pcpus, vcpus, guestLog, warn }: ComposeOptions): Promise<Hypervisor> {
  return startHypervisor({
    plugins: PLUGINS,
    pcpus: pcpus ?? Math.min(vcpus, availableParallelism()),
    resolve: (specifier) => import.meta.resolve(specifier),
    scheduler: 'credit',
    guestLog,
    report: ({ kind, domid, text }) => warn(kind === 'bug' ? `d${domid}: a bug of Paravane: ${text}` : text),
  })
}
