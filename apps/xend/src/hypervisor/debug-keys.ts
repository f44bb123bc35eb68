/** What `xm debug-keys` asks for, key by key; the letters are Xen's (xen/common/keyhandler.c). */
import { CodedError, type RunningDomain, type VcpuInfo } from '@paravane/core'

interface KeyHandler {
  readonly about: string
  readonly lines: (domains: readonly RunningDomain[]) => readonly string[]
}

const MIB = 2 ** 20

const KEYS: Readonly<Record<string, KeyHandler>> = {
  h: {
    about: 'show this message',
    lines: () => Object.entries(KEYS).map(([key, { about }]) => `key '${key}' => ${about}`),
  },
  m: {
    about: 'memory info',
    lines: () => {
      const { rss, heapUsed, arrayBuffers } = process.memoryUsage()
      return [
        `resident ${mib(rss)} MiB, domain 0's heap ${mib(heapUsed)} MiB, its array buffers ${mib(arrayBuffers)} MiB`,
      ]
    },
  },
  q: { about: 'dump domain info', lines: (domains) => domains.flatMap(domainLines) },
  r: { about: 'dump run queues', lines: (domains) => runLines(domains) },
}

/**
 * Does what each of the keys says.
 * @returns lines for the message log
 * @throws CodedError DEBUG_KEY, and nothing is done
 */
export function debugKeys(keys: string, domains: readonly RunningDomain[]): readonly string[] {
  const unknown = [...keys].find((key) => !Object.hasOwn(KEYS, key))
  if (unknown !== undefined || keys === '') {
    throw new CodedError(
      { code: 'DEBUG_KEY' },
      `debug key '${unknown ?? ''}': the keys are ${Object.keys(KEYS).join(', ')}; h says what they do`,
    )
  }
  return [...keys].flatMap((key) => {
    const { about, lines } = KEYS[key] as KeyHandler
    return [`'${key}' pressed -> ${about}`, ...lines(domains)]
  })
}

function domainLines(domain: RunningDomain): readonly string[] {
  const { state, memoryMiB, cpuTimeNs } = domain.info()
  const { domid, name, uuid } = domain
  return [
    `General information for domain ${domid}:`,
    `    name=${name} uuid=${uuid} state=${state} memory=${memoryMiB}M cpu_time=${seconds(cpuTimeNs)}s`,
    ...domain.vcpus().map((vcpu) => `    ${vcpuLine(vcpu)}`),
  ]
}

function vcpuLine({ vcpu, pcpu, state, cpuTimeNs, affinity }: VcpuInfo): string {
  return `VCPU${vcpu}: CPU${pcpu ?? '-'} ${state} cpu_time=${seconds(cpuTimeNs)}s affinity={${affinity.join(',')}}`
}

/** What runs, and what waits to run, pCPU by pCPU. */
function runLines(domains: readonly RunningDomain[]): readonly string[] {
  const all = domains.flatMap((domain) => domain.vcpus().map((vcpu) => ({ domid: domain.domid, ...vcpu })))
  const pcpus = [...new Set(all.flatMap(({ affinity }) => affinity))].toSorted((a, b) => a - b)
  const named = (pcpu: number, wanted: VcpuInfo['state']): string =>
    all
      .filter((it) => it.pcpu === pcpu && it.state === wanted)
      .map(({ domid, vcpu }) => `d${domid}v${vcpu}`)
      .join(' ') || 'none'
  return pcpus.map((pcpu) => `CPU[${pcpu}] runs ${named(pcpu, 'running')}, queued ${named(pcpu, 'runnable')}`)
}

const seconds = (ns: bigint): string => (Number(ns) / 1e9).toFixed(3)
const mib = (bytes: number): string => (bytes / MIB).toFixed(0)
