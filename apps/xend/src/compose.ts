import { availableParallelism } from 'node:os'
import { pathToFileURL } from 'node:url'
import { type Hypervisor, type PluginEntry, startHypervisor } from '@paravane/core'
import { CpuPolicy, type PolicyConfig } from '@paravane/cpu-x86'
import type { NetworkDefinition, Networks, NetworksConfig } from '@paravane/dev-net'
import { programsFolder } from './guest-image/host-program.ts'
import { helperPrograms } from './host-network/helper-programs.ts'
import { resolvePlugin } from './resolve-plugin.ts'

/** The plugins that make up the hypervisor, but for those the user adds; this is the one place that names them. */
const CPU = '@paravane/cpu-x86'
const SCHEDULER = '@paravane/sched-credit'
const STORAGE = '@paravane/dev-blk/storage'
const DEVICES = [
  '@paravane/dev-blk',
  '@paravane/dev-blk/inline',
  '@paravane/dev-net',
  '@paravane/dev-net/inline',
] as const
const UPLINKS = '@paravane/dev-net/uplinks'
const NETWORKS = '@paravane/dev-net/networks'
const VIEW_FILE = import.meta.url.endsWith('.ts') ? './hypervisor/network-view.ts' : './hypervisor/network-view.js'
const NETWORK_VIEW = new URL(VIEW_FILE, import.meta.url).href
/** As Xen has it: the scheduler unless `sched=` names another. */
export const DEFAULT_SCHEDULER = 'credit'

export interface ComposeOptions {
  /** Threads that run vCPUs; by default as many as `vcpus`, and no more than the host has processors. */
  readonly pcpus?: number
  /** Configuration of the CPU engine: what the guests' processor offers. By default all it can. */
  readonly cpu?: unknown
  /** Folder in which compiled code is kept for other processes: an absolute path. By default it is not. */
  readonly keep?: string
  /** How many vCPUs there will be. */
  readonly vcpus: number
  /** Besides our own: names of packages, or paths of modules. */
  readonly plugins?: readonly PluginEntry[]
  /** Where relative paths of `plugins` begin, and packages are looked for that xend does not have: an absolute path. */
  readonly pluginFolder?: string
  /** Name of the scheduler; {@link DEFAULT_SCHEDULER} by default. */
  readonly scheduler?: string
  /** Networks of guests besides those by other names, which join guests only; by default `nat`, behind NAT. */
  readonly networks?: readonly NetworkDefinition[]
  /** That of a card that names none; the first of `networks` by default. */
  readonly defaultNetwork?: string
  /** Takes the networks, before there is a guest. */
  readonly takeNetworks?: (networks: Networks) => void
  /** Takes what guests write to the hypervisor's log. */
  readonly guestLog?: (domid: number, bytes: Uint8Array) => void
  /** Takes what xenstore is told to log. */
  readonly xenstoreLog?: (line: string) => void
  /** Done while the hypervisor starts. */
  readonly meanwhile?: () => void
  /** Takes a line about a domain that came to grief. */
  readonly warn: (line: string) => void
}

/** Starts the hypervisor of this process. @throws PluginError about the plugins */
export function compose(options: ComposeOptions): Promise<Hypervisor> {
  const { pcpus, cpu, keep, vcpus, plugins = [], pluginFolder = process.cwd(), scheduler, takeNetworks, warn } = options
  return startHypervisor({
    plugins: [
      { use: CPU, config: { ...(cpu as object | undefined), ...(keep === undefined ? {} : { keep }) } },
      SCHEDULER,
      { use: STORAGE, config: { programs: programsFolder() } },
      ...DEVICES,
      { use: UPLINKS, config: { find: helperPrograms(warn) } },
      { use: NETWORKS, config: networksConfig(options) },
      ...(takeNetworks === undefined ? [] : [{ use: NETWORK_VIEW, config: { take: takeNetworks } }]),
      ...plugins,
    ],
    base: pathToFileURL(`${pluginFolder}/`),
    resolve: (specifier) => resolvePlugin(specifier, pluginFolder),
    pcpus: pcpus ?? Math.min(vcpus, availableParallelism()),
    scheduler: scheduler ?? DEFAULT_SCHEDULER,
    guestLog: options.guestLog,
    xenstoreLog: options.xenstoreLog,
    meanwhile: options.meanwhile,
    report: ({ kind, domid, text }) => warn(kind === 'bug' ? `d${domid}: a bug of Paravane: ${text}` : text),
  })
}

/** What is left out is the plugin's default. */
function networksConfig({ networks, defaultNetwork, warn }: ComposeOptions): Partial<NetworksConfig> {
  const chosen = defaultNetwork ?? networks?.[0]?.name
  return { warn, ...(networks && { networks }), ...(chosen !== undefined && { default: chosen }) }
}

/** Words of the guests' CPUID in the order of Xen's `hw_caps`; those that Xen 4.1 has of VIA, Transmeta and of its own are 0. */
export function hwCaps(cpu: Partial<PolicyConfig> = {}): string {
  const policy = new CpuPolicy({ level: 'max', hide: [], ...cpu })
  const words = ['1.edx', '80000001.edx', undefined, undefined, '1.ecx', undefined, '80000001.ecx', '7.ebx'] as const
  return words
    .map((word) => ((word === undefined ? 0 : policy.word(word)) >>> 0).toString(16).padStart(8, '0'))
    .join(':')
}
