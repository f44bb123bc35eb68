import type { DeviceInfo, DomainInfo, EndReason, SchedulerParams, VcpuInfo } from '@paravane/core'

/** A domain as the control socket shows it. */
export interface DomainRow {
  readonly domid: number
  readonly name: string
  readonly uuid: string
  readonly state: DomainInfo['state']
  readonly cpuSeconds: number
  readonly memoryMiB: number
  readonly vcpus: number
  /** The toolstack's own notes about it, as it wrote them. */
  readonly record: string
  /** It has ended, and is there until it is destroyed. */
  readonly end?: { readonly reason: EndReason; readonly detail?: string }
}

/** How a domain ended. */
export interface EndRow {
  readonly reason: EndReason
  readonly detail?: string
  readonly cpuSeconds: number
}

/** A vCPU as the control socket shows it. */
export interface VcpuRow {
  readonly vcpu: number
  readonly online: boolean
  /** That runs it, or ran it last; null while it is not online. */
  readonly pcpu: number | null
  readonly state: VcpuInfo['state']
  readonly cpuSeconds: number
  /** pCPUs it may run on. */
  readonly affinity: readonly number[]
}

/** A paravirtual device as the control socket shows it. */
export interface DeviceRow extends DeviceInfo {
  readonly domid: number
}

/** A domain's parameters, and whose they are. */
export interface SchedulerRow {
  readonly scheduler: string
  readonly params: SchedulerParams
}

export interface ControlInfo {
  readonly pid: number
  readonly version: string
  /** Of Paravane. */
  readonly release: string
  readonly pcpus: number
  readonly scheduler: string
  /** ms since the epoch. */
  readonly started: number
  /** Of domain 0: this process, but for the guests. */
  readonly cpuSeconds: number
  readonly residentMiB: number
  /** What it was started with: see `hypervisorArguments`. One of an older xend may not say it. */
  readonly settings?: readonly string[]
  /** Words of the guests' CPUID, as `xm info` has them. */
  readonly hwCaps: string
  /** The options it was started with. */
  readonly commandline: string
}
