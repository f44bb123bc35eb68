/** Everything that `xm top` shows, at one time. */
import { XEN_4_17 } from '@paravane/core'
import type { DeviceRow } from '../hypervisor/control-rows.ts'
import type { RpcClient } from '../rpc/rpc-client.ts'
import { DOMAIN_0 } from './domain-0.ts'
import type { Domains } from './domains.ts'
import { cpuMhz, hostMemory } from './host-facts.ts'
import { NO_DEVICES, type TopDevices, topDevices } from './top-devices.ts'
import { vcpusOfAll } from './vcpus-of-all.ts'

export interface TopDomain {
  readonly domid: number
  readonly uuid: string
  readonly name: string
  readonly state: string
  readonly cpuSeconds: number
  readonly memoryKiB: number
  /** Null: no limit. */
  readonly maxMemoryKiB: number | null
  readonly vcpus: readonly TopVcpu[]
  readonly devices: TopDevices
}

export interface TopVcpu {
  readonly vcpu: number
  readonly online: boolean
  readonly cpuSeconds: number
}

export interface TopSnapshot {
  /** ms since the epoch. */
  readonly at: number
  readonly xen: string
  readonly totalKiB: number
  readonly freeKiB: number
  readonly cpus: number
  readonly mhz: number
  readonly domains: readonly TopDomain[]
}

const KIB = 1024

export async function topSnapshot(domains: Domains, control: RpcClient): Promise<TopSnapshot> {
  const { info, guests } = await vcpusOfAll(domains, control)
  const devices = await control.call<readonly DeviceRow[]>('device.list')
  const { total, free } = hostMemory()
  const { pcpus, cpuSeconds, residentMiB } = info
  const domain0: TopDomain = {
    domid: 0,
    uuid: DOMAIN_0,
    name: DOMAIN_0,
    state: 'running',
    cpuSeconds,
    memoryKiB: Math.round(residentMiB * KIB),
    maxMemoryKiB: null,
    vcpus: [{ vcpu: 0, online: true, cpuSeconds }],
    devices: NO_DEVICES,
  }
  return {
    at: Date.now(),
    xen: `${XEN_4_17.major}.${XEN_4_17.minor}${XEN_4_17.extraVersion}`,
    totalKiB: Math.floor(total / KIB),
    freeKiB: Math.floor(free / KIB),
    cpus: pcpus,
    mhz: cpuMhz(),
    domains: [
      domain0,
      ...guests.map(({ row: { memoryMiB, domid, uuid, name, state, cpuSeconds }, vcpus }) => ({
        ...{ domid, uuid, name, state, cpuSeconds },
        memoryKiB: memoryMiB * KIB,
        maxMemoryKiB: memoryMiB * KIB,
        vcpus: vcpus.map(({ vcpu, online, cpuSeconds }) => ({ vcpu, online, cpuSeconds })),
        devices: topDevices(devices.filter((device) => device.domid === domid)),
      })),
    ],
  }
}
