/** Domains as xm lists them. */
import type { ControlInfo } from '../hypervisor/control-rows.ts'
import { DOMAIN_0 } from './domain-0.ts'
import type { KnownDomain } from './domains.ts'
import type { DomainDefinition } from './launch-record.ts'

export interface ListedDomain {
  readonly domid: number
  readonly name: string
  readonly uuid: string
  readonly memoryMiB: number
  readonly vcpus: number
  /** Those that are to be up, if not all. */
  readonly onlineVcpus?: number
  readonly state: string
  readonly cpuSeconds: number
  /** ms since the epoch, as far as it is known. */
  readonly started?: number
}

/** A managed domain that does not run. */
export interface InactiveDomain extends Omit<ListedDomain, 'domid' | 'state'> {
  readonly domid: null
  readonly state: 'halted'
}

export function listed({ row, record }: KnownDomain): ListedDomain {
  const { domid, name, uuid, memoryMiB, vcpus, state, cpuSeconds } = row
  const facts = { domid, name, uuid, memoryMiB, vcpus, ...onlineOf(record), state, cpuSeconds }
  return { ...facts, ...(record && { started: record.started }) }
}

export function listedInactive(definition: DomainDefinition): InactiveDomain {
  const { name, uuid, memory, vcpus } = definition.config
  return { domid: null, name, uuid, memoryMiB: memory, vcpus, ...onlineOf(definition), state: 'halted', cpuSeconds: 0 }
}

const onlineOf = (definition: DomainDefinition | undefined): { readonly onlineVcpus?: number } =>
  definition?.config.online === undefined ? {} : { onlineVcpus: definition.config.online.length }

export function domain0({ residentMiB, cpuSeconds, started }: ControlInfo): ListedDomain {
  const memoryMiB = Math.round(residentMiB)
  const uuid = '00000000-0000-0000-0000-000000000000'
  return { domid: 0, name: DOMAIN_0, uuid, memoryMiB, vcpus: 1, state: 'running', cpuSeconds, started }
}
