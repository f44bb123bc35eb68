/** Devices as S-expressions: in a config as xm hands it to xend (create.py of Xen 4.1), and as xend shows them (XendConfig.py). */
import { parseDiskSpec } from '@paravane/dev-blk'
import type { DeviceConfig } from '../config/device-keys.ts'
import type { Sxp } from './sxp.ts'

type Pair = readonly [key: string, value: string | number]

/** Its parts as they were written. */
const cardParts = (config: string): readonly Pair[] =>
  config
    .split(',')
    .filter((part) => part.includes('='))
    .map((part) => {
      const at = part.indexOf('=')
      return [part.slice(0, at).trim(), part.slice(at + 1).trim()]
    })

/** xend of 4.1 has another kind of back end for what begins so. */
const classOf = (storage: string): string => (storage.startsWith('tap:') ? 'tap2' : 'vbd')

export function configDeviceSxp({ type, config }: DeviceConfig): Sxp {
  if (type === 'vif') return ['device', ['vif', ...cardParts(config)]]
  const { storage, vdev, kind, mode } = parseDiskSpec(config)
  const dev = kind === 'cdrom' ? `${vdev}:cdrom` : vdev
  return ['device', [classOf(storage), ['uname', storage], ['dev', dev], ['mode', mode]]]
}

/** Network cards first, as in xend's; what it had and we have not is left out. */
export function deviceSxps(devices: readonly DeviceConfig[]): readonly Sxp[] {
  const cards = devices.filter(({ type }) => type === 'vif').map(({ config }) => cardSxp(config))
  const disks = devices.filter(({ type }) => type === 'vbd').map(({ config }, at) => diskSxp(config, at === 0))
  return [...cards, ...disks].map((device) => ['device', device])
}

const FIRST = ['bridge', 'mac', 'script']

function cardSxp(config: string): Sxp {
  const parts = cardParts(config)
  const first = FIRST.flatMap((wanted) => parts.filter(([key]) => key === wanted))
  const others = parts.filter(([key]) => !FIRST.includes(key) && key !== 'backend')
  return ['vif', ...first, ...others, ['backend', 0]]
}

function diskSxp(config: string, isFirst: boolean): Sxp {
  const { storage, vdev, kind, mode } = parseDiskSpec(config)
  const parts: readonly Pair[] = [
    ['bootable', isFirst ? 1 : 0],
    ['driver', 'paravirtualised'],
    ['dev', `${vdev}:${kind}`],
    ['uname', storage],
    ['mode', mode],
    ['backend', 0],
  ]
  return [classOf(storage), ...parts]
}
