/** A domain as xend shows all of it: `xm list --long` (XendConfig.to_sxp and XendDomainInfo.sxpr of Xen 4.1). */
import type { DomainDetails } from '../daemon/domain-details.ts'
import type { DomainDefinition } from '../daemon/launch-record.ts'
import { stateLetters } from '../state-letters.ts'
import { deviceSxps } from './device-sxp.ts'
import { float, maskOf, type Sxp } from './sxp.ts'

/** xend's numbers of states. */
const STATUS: Readonly<Record<string, number>> = {
  halted: 0,
  paused: 1,
  running: 2,
  blocked: 2,
  suspended: 3,
  shutdown: 4,
  crashed: 5,
}
const UNKNOWN_STATUS = 6
const DEFAULT_WEIGHT = 256

/** In xend's order; what it had and we have not is left out. */
export function domainSxp({ domain, definition }: DomainDetails): Sxp {
  const { domid, name, uuid, memoryMiB, vcpus, state, cpuSeconds, started } = domain
  const { config, policies } = definition ?? {}
  const known = <T>(value: T): T | undefined => (definition === undefined ? undefined : value)
  const rows: readonly (readonly [key: string, value: Sxp | null | undefined])[] = [
    ['domid', domid],
    ['cpu_weight', known(config?.weight ?? DEFAULT_WEIGHT)],
    ['cpu_cap', known(config?.cap ?? 0)],
    ['pool_name', 'Pool-0'],
    ['bootloader', config?.boot?.loader ?? ''],
    ['on_crash', policies?.crash],
    ['uuid', uuid],
    ['bootloader_args', config?.boot?.args ?? ''],
    ['vcpus', vcpus],
    ['name', name],
    ['description', definition?.description],
    ['on_poweroff', policies?.poweroff],
    ['on_reboot', policies?.reboot],
    // An empty list for a vCPU that may run on any pCPU.
    ['cpus', known(Array.from({ length: vcpus }, (_, vcpu) => config?.affinity?.[vcpu] ?? []))],
    ['maxmem', memoryMiB],
    ['memory', memoryMiB],
    ['shadow_memory', 0],
    ['vcpu_avail', maskOf(config?.online ?? Array.from({ length: vcpus }, (_, vcpu) => vcpu))],
    ['features', ''],
    ['on_xend_start', known(definition?.onXendStart ?? 'ignore')],
    ['on_xend_stop', known(definition?.onXendStop ?? 'ignore')],
    ['start_time', started === undefined ? undefined : float(started / 1000)],
    ['cpu_time', float(cpuSeconds)],
    ['online_vcpus', domid === null ? 0 : (config?.online?.length ?? vcpus)],
    ['image', imageSxp(definition)],
    ['status', STATUS[state] ?? UNKNOWN_STATUS],
    ['state', stateLetters(state)],
  ]
  return ['domain', ...present(rows), ...deviceSxps(config?.devices ?? [])]
}

function imageSxp(definition: DomainDefinition | undefined): Sxp {
  if (definition === undefined) return ['linux', ['kernel', '']]
  const { config, nomigrate } = definition
  return [
    'linux',
    ...present([
      ['kernel', config.kernel ?? config.boot?.kernel ?? ''],
      ['ramdisk', config.ramdisk ?? config.boot?.ramdisk],
      ['args', config.cmdline || undefined],
      ['tsc_mode', 0],
      ['nomigrate', nomigrate ? 1 : 0],
    ]),
  ]
}

const present = (rows: readonly (readonly [key: string, value: Sxp | null | undefined])[]): readonly Sxp[] =>
  rows.filter((row): row is readonly [string, Sxp] => row[1] !== undefined && row[1] !== null)
