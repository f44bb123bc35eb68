/** A config file as xm hands it to xend: `xm create -n` (make_config of xm's create.py of Xen 4.1). */
import type { CfgValue } from '../config/cfg-value.ts'
import type { DomainConfig } from '../config/domain-config.ts'
import { bareRoot, extraArguments } from '../config/kernel-arguments.ts'
import type { Setting } from '../config/settings.ts'
import { configDeviceSxp } from './device-sxp.ts'
import { maskOf, type Sxp } from './sxp.ts'

/** In xm's order; those that are not set, or empty, are left out. */
const BEFORE_VCPUS = ['restart', 'on_poweroff', 'nomigrate', 'on_reboot', 'on_crash'] as const
const AFTER_VCPUS = ['uuid', 'cpu', 'cpus', 'cpu_cap', 'cpu_weight'] as const

/** @param settings those of the config, of which a later one of the same key holds */
export function configSxp(config: DomainConfig, settings: readonly Setting[]): Sxp {
  const set = new Map(settings.map(({ key, value }) => [key, value]))
  const given = (key: string): Sxp[] => {
    const value = set.get(key)
    return value ? [[key, sxpOf(value)]] : []
  }
  return [
    'vm',
    ['name', config.name],
    ['memory', config.memory],
    ...given('maxmem'),
    ...BEFORE_VCPUS.flatMap(given),
    ['on_xend_start', config.onXendStart],
    ['on_xend_stop', config.onXendStop],
    ...given('description'),
    ...(config.online === undefined ? [] : [['vcpu_avail', maskOf(config.online)]]),
    ['vcpus', config.vcpus],
    ...AFTER_VCPUS.flatMap(given),
    ['oos', 1],
    ...bootSxp(config),
    ['image', imageSxp(config, set.get('builder') === 'generic' ? 'generic' : 'linux')],
    ['s3_integrity', 1],
    ...config.devices.map(configDeviceSxp),
  ]
}

/** xm asks pygrub for no menu, as nobody is at the console yet. */
const bootSxp = ({ boot }: DomainConfig): readonly Sxp[] =>
  boot === undefined
    ? []
    : [
        ['bootloader', boot.loader],
        ['bootloader_args', boot.args ?? '-q'],
      ]

function imageSxp({ kernel, ramdisk, boot, args, nomigrate }: DomainConfig, builder: string): Sxp {
  const parts: readonly (readonly [key: string, value: string | undefined])[] = [
    ['kernel', kernel?.path ?? boot?.kernel],
    ['ramdisk', ramdisk?.path ?? boot?.ramdisk],
    ['ip', args.ip],
    ['root', bareRoot(args)],
  ]
  const extra = extraArguments(args)
  return [
    builder,
    ...parts.filter((part): part is [string, string] => Boolean(part[1])),
    ['videoram', 4],
    ...(extra === '' ? [] : [['args', extra]]),
    ['tsc_mode', 0],
    ['nomigrate', nomigrate ? 1 : 0],
  ]
}

function sxpOf(value: CfgValue): Sxp {
  if (typeof value === 'string' || typeof value === 'number') return value
  return Array.isArray(value) ? value.map(sxpOf) : value === true ? 1 : ''
}
