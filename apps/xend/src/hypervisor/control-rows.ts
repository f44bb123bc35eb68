import type { DomainInfo, EndReason } from '@paravane/core'

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

export interface ControlInfo {
  readonly pid: number
  readonly version: string
  readonly pcpus: number
  readonly scheduler: string
  /** ms since the epoch. */
  readonly started: number
  /** Of domain 0: this process, but for the guests. */
  readonly cpuSeconds: number
  readonly residentMiB: number
}
