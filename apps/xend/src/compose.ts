import { availableParallelism } from 'node:os'
import { type Hypervisor, startHypervisor } from '@paravane/core'

/** The plugins that make up the hypervisor; this is the one place that names them. */
const CPU = '@paravane/cpu-x86'
const SCHEDULER = '@paravane/sched-credit'

export interface ComposeOptions {
  /** Threads that run vCPUs; by default as many as `vcpus`, and no more than the host has processors. */
  readonly pcpus?: number
  /** Configuration of the CPU engine: what the guests' processor offers. By default all it can. */
  readonly cpu?: unknown
  /** Folder in which compiled code is kept for other processes: an absolute path. By default it is not. */
  readonly keep?: string
  /** How many vCPUs there will be. */
  readonly vcpus: number
  /** Takes what guests write to the hypervisor's log. */
  readonly guestLog?: (domid: number, bytes: Uint8Array) => void
  /** Done while the hypervisor starts. */
  readonly meanwhile?: () => void
  /** Takes a line about a domain that came to grief. */
  readonly warn: (line: string) => void
}

/** Starts the hypervisor of this process. */
export function compose({ pcpus, cpu, keep, vcpus, guestLog, meanwhile, warn }: ComposeOptions): Promise<Hypervisor> {
  return startHypervisor({
    plugins: [
      { use: CPU, config: { ...(cpu as object | undefined), ...(keep === undefined ? {} : { keep }) } },
      SCHEDULER,
    ],
    pcpus: pcpus ?? Math.min(vcpus, availableParallelism()),
    resolve: (specifier) => import.meta.resolve(specifier),
    scheduler: 'credit',
    guestLog,
    meanwhile,
    report: ({ kind, domid, text }) => warn(kind === 'bug' ? `d${domid}: a bug of Paravane: ${text}` : text),
  })
}
