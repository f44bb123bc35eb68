/** Sizes as users write them. */
import { CodedError } from '@paravane/core'

const UNITS: Readonly<Record<string, number>> = { '': 20, K: 10, M: 20, G: 30, T: 40 }
const MIB = 1 << 20
/** As large as ext4 and a file of it can well be. */
const MOST = 2 ** 44

/**
 * Bytes of `4G`, `512M`, `2048` (MiB), `4GiB`.
 * @param key for the message
 * @throws CodedError `SIZE`
 */
export function readSize(text: string, key: string): number {
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?)([KMGT]?)(?:i?B)?$/i.exec(text.trim()) ?? []
  const bytes = digits === undefined ? 0 : Number(digits) * 2 ** UNITS[unit.toUpperCase()]
  const size = Math.ceil(bytes / MIB) * MIB
  if (size > 0 && size <= MOST) return size
  const message = `${key} must be a size such as 4G or 512M, at least 1M and at most 16T, not '${text}'`
  throw new CodedError({ code: 'SIZE', text }, message)
}

/** Short, for people: `4.0 GiB`. */
export function showSize(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  const power = bytes < 1 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), units.length - 1)
  const value = bytes / 2 ** (10 * power)
  return `${power === 0 ? value : value.toFixed(1)} ${units[power]}`
}
