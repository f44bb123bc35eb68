/** What xend knows of a domain: it lies with the hypervisor, beside the domain, and so outlives xend and goes with the domain. */
import type { DomainConfig } from '../config/domain-config.ts'
import { commandLine } from '../config/kernel-arguments.ts'
import type { Policies } from '../config/policies.ts'

export interface LaunchRecord {
  readonly config: LaunchConfig
  readonly policies: Policies
  /** It is to run as soon as it is made. Gone when it does. */
  readonly unpause: boolean
  /** ms since the epoch, of this start. */
  readonly started: number
  /** Its end has been dealt with: it is only kept. */
  readonly preserved?: boolean
}

/** All that a domain is made of again, at a restart: paths and numbers. */
export interface LaunchConfig {
  readonly name: string
  readonly uuid: string
  readonly kernel: string
  readonly ramdisk?: string
  readonly cmdline: string
  readonly memory: number
  readonly vcpus: number
  readonly weight?: number
  readonly cap?: number
  readonly affinity?: readonly (readonly number[])[]
}

export function launchConfig(config: DomainConfig, uuid: string, kernel: string): LaunchConfig {
  const { name, memory, vcpus, args, ramdisk, weight, cap, affinity } = config
  return {
    name,
    uuid,
    kernel,
    ramdisk: ramdisk?.path,
    cmdline: commandLine(args),
    memory,
    vcpus,
    weight,
    cap,
    affinity,
  }
}

export const formatRecord = (record: LaunchRecord): string => JSON.stringify(record)

/** Undefined for a domain that another toolstack made. */
export function parseRecord(text: string): LaunchRecord | undefined {
  try {
    const record = JSON.parse(text) as LaunchRecord
    return typeof record?.config?.uuid === 'string' && record.policies !== undefined ? record : undefined
  } catch {
    return undefined
  }
}
