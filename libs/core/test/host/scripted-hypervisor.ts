import { startHypervisor } from '../../src/host/hypervisor.ts'
import type { DomainRequest, Hypervisor, HypervisorReport } from '../../src/host/hypervisor-api.ts'

const here = (file: string): string => new URL(file, import.meta.url).href

export interface ScriptedHypervisor {
  readonly hypervisor: Hypervisor
  /** `kind domid first line`. */
  readonly reports: string[]
  readonly log: string[]
}

/** A hypervisor whose guests are the programs of scripted-engine.ts. */
export async function startScripted(
  pcpus = 1,
  meanwhile?: () => void,
  plugins: readonly string[] = [],
): Promise<ScriptedHypervisor> {
  const reports: string[] = []
  const log: string[] = []
  const hypervisor = await startHypervisor({
    plugins: [here('./scripted-engine.ts'), here('../conformance/round-robin-plugin.ts'), ...plugins.map(here)],
    scheduler: 'rr',
    pcpus,
    meanwhile,
    guestLog: (domid, bytes) => log.push(`${domid} ${new TextDecoder().decode(bytes)}`),
    report: ({ kind, domid, text }: HypervisorReport) => reports.push(`${kind} ${domid} ${text.split('\n')[0]}`),
  })
  return { hypervisor, reports, log }
}

/** A domain that runs the program of that name. */
export function running(program: string, more: Partial<DomainRequest> = {}): DomainRequest {
  const kernel = { bytes: new Uint8Array(), name: 'kernel' }
  return { name: program, kernel, cmdline: program, memory: 1, vcpus: 1, ...more }
}
