import type { Rate } from '../switch/port.ts'

const TEXT = /^(\d+)([GMK]?)([bB])\/s(?:@(\d+)([mu]?)s)?$/
const UNITS: Readonly<Record<string, number>> = { '': 1, K: 1e3, M: 1e6, G: 1e9 }
const SECOND_US = 1_000_000
const INTERVAL_UNITS: Readonly<Record<string, number>> = { '': SECOND_US, m: 1_000, u: 1 }
/** xend's. */
const INTERVAL_US = 50_000
/** What the node in the store can hold. */
const U32_MAX = 0xffff_ffff

/** A rate as `10Mb/s`, `250KB/s` or `1MB/s@20ms`: `b` are bits, `B` bytes, units are decimal. Undefined if it is none. */
export function parseRate(text: string): Rate | undefined {
  const found = TEXT.exec(text)
  if (found === null) return undefined
  const [, amount, unit = '', kind, interval, intervalUnit = ''] = found
  const perSecond = (Number(amount) * (UNITS[unit] as number)) / (kind === 'b' ? 8 : 1)
  const intervalUs = interval === undefined ? INTERVAL_US : Number(interval) * (INTERVAL_UNITS[intervalUnit] as number)
  const bytes = Math.floor((perSecond * intervalUs) / SECOND_US)
  return bytes >= 1 && bytes <= U32_MAX && intervalUs <= U32_MAX ? { bytes, intervalUs } : undefined
}

/** As in the node `rate`: bytes and microseconds. */
export function formatRate({ bytes, intervalUs }: Rate): string {
  return `${bytes},${intervalUs}`
}
